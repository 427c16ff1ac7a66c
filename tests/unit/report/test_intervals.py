"""Scores of resamples against scikit-learn's of the drawn rows, their interval against the plain bootstrap's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.metrics import TASK_TYPES, TaskType, metrics_of
from hpsearch.report.evaluation import evaluate
from hpsearch.report.intervals import bootstrap_intervals, resample_count, score_of_counts
from hpsearch.significance import bootstrap_interval, resamples_of

DYADIC = np.array([[1, 0, 0], [0, 0.5, 0.5], [0.25, 0.25, 0.5], [0.25, 0.5, 0.25], [0.5, 0.5, 0]])
"""Probabilities that add up to 1 without rounding."""


def _rows(task: TaskType, rows: int = 120, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    if task == "regression":
        y = rng.normal(5000, 3, rows)
        return y, y + rng.normal(0, 2, rows)
    if task == "binary":
        y = rng.integers(0, 2, rows)
        return y, np.round(0.3 * y + 0.7 * rng.random(rows), 2)  # rounded: many rows share a score
    y = rng.integers(0, 4, rows)
    return y, rng.dirichlet(np.ones(4) + 3 * np.eye(4)[y[0]], rows)


def _agree(task: TaskType, y: Any, p: Any, places: Any, threshold: float, rel: float) -> None:
    found = score_of_counts(task, np.asarray(y, float), p, threshold)(np.bincount(places, minlength=len(y)))
    expected = evaluate(task, y[places], p[places], threshold=threshold).metrics
    assert found == pytest.approx(expected, rel=rel, abs=1e-9)


@pytest.mark.parametrize(("dtype", "rel"), [(np.float64, 1e-10), (np.float32, 1e-5)])
@pytest.mark.parametrize("task", TASK_TYPES)
def test_the_scores_of_a_resample_are_scikit_learns_of_its_rows(task: TaskType, dtype: type, rel: float) -> None:
    y, p = _rows(task)
    for places in resamples_of(len(y), 5, seed=3):
        _agree(task, y, p.astype(dtype), places, 0.4, rel)


@settings(max_examples=60)  # each asks scikit-learn for a whole report
@given(data=st.data(), rows=st.integers(2, 7), task=st.sampled_from(TASK_TYPES))
def test_also_where_few_rows_lack_classes_or_are_all_the_same(data: st.DataObject, rows: int, task: TaskType) -> None:
    y = np.array(data.draw(st.lists(st.integers(0, 1 if task == "binary" else 2), min_size=rows, max_size=rows)))
    places = np.array(data.draw(st.lists(st.integers(0, rows - 1), min_size=rows, max_size=rows)))
    p = np.array(data.draw(st.lists(st.integers(0, 4), min_size=rows, max_size=rows)))
    p = DYADIC[p] if task == "multiclass" else p / 4
    _agree(task, y, p, places, 0.5, 1e-9)


def test_the_interval_is_the_plain_bootstraps_on_the_same_resamples() -> None:
    y, p = _rows("binary", 80)
    p = np.clip(p, 0.01, 0.99)
    found = bootstrap_intervals("binary", y, p, 0.3, seed=5)
    accuracy = bootstrap_interval(lambda places: float(np.mean(y[places] == (p[places] > 0.3))), 80, seed=5)
    loss = -np.log(np.where(y == 1, p, 1 - p))
    log_loss = bootstrap_interval(lambda places: float(loss[places].mean()), 80, seed=5)
    assert found["accuracy"] == pytest.approx(accuracy)
    assert found["log_loss"] == pytest.approx(log_loss)


@pytest.mark.parametrize("task", TASK_TYPES)
def test_every_metric_of_the_task_lies_within_its_interval(task: TaskType) -> None:
    y, p = _rows(task)
    found, metrics = bootstrap_intervals(task, y, p), evaluate(task, y, p).metrics
    assert list(found) == [metric.name for metric in metrics_of(task)]
    assert all(low < metrics[name] < high for name, (low, high) in found.items())


def test_a_lower_level_has_a_narrower_interval() -> None:
    y, p = _rows("regression")
    wide, narrow = (bootstrap_intervals("regression", y, p, level=level)["rmse"] for level in (0.95, 0.5))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_a_class_that_many_resamples_lack_leaves_an_interval_of_the_others() -> None:
    y = np.zeros(60)
    y[0] = 1
    assert 0 < bootstrap_intervals("binary", y, np.linspace(1, 0, 60))["roc_auc"][1] <= 1


@pytest.mark.parametrize("y", [[0, 0, 0, 0], [1, 1, 1, 1]])
def test_one_class_alone_has_no_interval_of_the_roc_area(y: list[int]) -> None:
    found = bootstrap_intervals("binary", y, [0.1, 0.2, 0.3, 0.7])
    assert set(found) == {"log_loss", "accuracy", "balanced_accuracy", "f1"}


def test_a_single_row_tells_nothing_of_others() -> None:
    assert bootstrap_intervals("regression", [1.0], [2.0]) == {}


@pytest.mark.parametrize(
    ("rows", "classes", "count"),
    [(100, 1, 2000), (100_000, 10, 2000), (200_000, 2, 1000), (10_000, 1000, 200), (50_000_000, 1, 200)],
)
def test_many_rows_and_many_classes_get_fewer_resamples(rows: int, classes: int, count: int) -> None:
    assert resample_count(rows, classes) == count
