from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import write_dataset

from hpsearch.data.dataset import Dataset
from hpsearch.errors import SpecError
from hpsearch.search.settings import settle, worker_count
from hpsearch.spec import make_spec


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return write_dataset(tmp_path / "data")


def spec(search: dict[str, Any] | None = None, space: dict[str, Any] | None = None) -> Any:
    return make_spec({"data": {"sklearn": "iris"}, "search": search or {}, "space": space or {}})


@pytest.mark.parametrize(
    ("task", "objective", "loss"),
    [
        ("regression", "rmse", "mse"),
        ("binary", "log_loss", "binary_crossentropy"),
        ("multiclass", "log_loss", "sparse_categorical_crossentropy"),
    ],
)
def test_the_task_decides_what_the_study_leaves_open(data: Dataset, task: Any, objective: str, loss: str) -> None:
    settled = settle(spec(), replace(data, signature=replace(data.signature, task=task)))
    assert (settled.objective.name, settled.settings.objective, settled.settings.loss) == (objective, objective, loss)


def test_what_the_study_says_stands(data: Dataset) -> None:
    search = {"objective": "r2", "loss": "huber", "early_stopping": {"patience": 4, "min_delta": 0.5}}
    settled = settle(spec(search), data)
    assert settled.objective.direction == "maximize"
    assert (settled.settings.loss, settled.settings.patience, settled.settings.min_delta) == ("huber", 4, 0.5)


def test_early_stopping_can_be_turned_off(data: Dataset) -> None:
    assert settle(spec({"early_stopping": None}), data).settings.patience is None


@pytest.mark.parametrize(
    ("search", "lines"),
    [
        (
            {"objective": "roc_auc", "loss": "binary_crossentropy", "class_weight": "balanced"},
            [
                "study: field 'search.objective': 'roc_auc' does not fit a regression task; it takes rmse, mae, r2",
                "study: field 'search.loss': 'binary_crossentropy' does not fit a regression task; "
                "it takes mse, mae, huber",
                "study: field 'search.class_weight': a regression task has no classes; remove class_weight",
            ],
        ),
    ],
)
def test_all_that_does_not_fit_the_task_is_told_at_once(data: Dataset, search: Any, lines: list[str]) -> None:
    with pytest.raises(SpecError) as raised:
        settle(spec(search), data)
    assert str(raised.value).splitlines() == lines


@pytest.mark.parametrize(("epochs", "steps"), [(None, 100), (40, 40), ([5, 80, 20], 80), ({"low": 2, "high": 60}, 60)])
def test_a_trial_reports_its_epochs(data: Dataset, epochs: Any, steps: int) -> None:
    assert settle(spec(space={} if epochs is None else {"epochs": epochs}), data).steps == steps


def test_a_trial_with_folds_reports_its_folds(tmp_path: Path) -> None:
    assert settle(spec(), write_dataset(tmp_path / "folds", splits=4)).steps == 4


def test_workers_are_counted() -> None:
    assert worker_count("inline") == 0
    assert worker_count(3) == 3
    assert worker_count("auto") == len(os.sched_getaffinity(0))
