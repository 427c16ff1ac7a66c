from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpsearch.spec import StudySpec, load_spec, make_spec
from hpsearch.spec.compare import FREE, differences, read_values

BEGAN: dict[str, Any] = {"data": {"csv": "a.csv", "target": "y"}}


def compare(**changed: Any) -> list[str]:
    began, now = (make_spec(values).model_dump(mode="json") for values in (BEGAN, BEGAN | changed))
    return differences(began, now)


def test_the_same_study_differs_in_nothing() -> None:
    assert compare() == []


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        ({"search": {"seed": 1}}, ["search.seed: 0 -> 1"]),
        ({"data": {"csv": "b.csv", "target": "y"}}, ["data.csv: 'a.csv' -> 'b.csv'"]),
        ({"search": {"objective": "mae"}}, ["search.objective: None -> 'mae'"]),
        ({"space": {"epochs": 5}}, ["space.epochs: None -> 5"]),
        (
            {"search": {"early_stopping": None}},
            [
                "search.early_stopping.patience: 10 -> None",
                "search.early_stopping.min_delta: 0.0 -> None",
            ],
        ),
        ({"search": {"sampler": {"name": "tpe", "group": True}}}, ["search.sampler.options.group: None -> True"]),
    ],
)
def test_a_field_that_decides_results_is_told_with_both_values(changed: dict[str, Any], lines: list[str]) -> None:
    assert compare(**changed) == lines


@pytest.mark.parametrize(
    "search",
    [
        {"trials": 99},
        {"timeout": "1h"},
        {"trial_timeout": 5},
        {"workers": 3},
        {"worker_memory": "2GB"},
        {"keep_models": 9},
        {"stop_at": 1.0},
        {"start_with": [{"hidden_layers": 1, "neurons_1": 16, "activation": "relu", "optimizer": "adam", "dropout": 0,
                         "learning_rate": 0.1, "batch_size": 16, "epochs": 30}]},
    ],
)  # fmt: skip
def test_what_changes_no_trial_may_differ(search: dict[str, Any]) -> None:
    assert compare(search=search, description="another") == []


def test_the_space_may_be_left_out_of_the_comparison() -> None:
    changed = {"space": {"epochs": 5, "neurons": {"low": 8, "high": 64, "per_layer": False}}, "search": {"seed": 1}}
    began, now = (make_spec(values).model_dump(mode="json") for values in (BEGAN, BEGAN | changed))
    assert differences(began, now, but_space=True) == ["search.seed: 0 -> 1"]
    assert len(differences(began, now)) == 6


def test_what_a_study_file_says_is_shown_as_it_was_read(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "data: {csv: a.csv, target: no}\nspace: {learning_rate: 1e-3, dropout: {high: .25}}\nsearch: {timeout: 1h}"
    )
    assert read_values(load_spec(tmp_path / "s.yaml")) == {
        "name": "s",
        "data.csv": "a.csv",
        "data.target": "no",
        "space.dropout.low": 0.0,
        "space.dropout.high": 0.25,
        "space.dropout.log": False,
        "space.learning_rate": 0.001,
        "search.timeout": 3600.0,
    }


def test_every_free_field_exists() -> None:
    search = StudySpec.model_fields["search"].annotation.model_fields  # type: ignore[union-attr]
    assert {name.removeprefix("search.") for name in FREE} <= {*search, "description"}
