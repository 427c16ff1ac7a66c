"""The chosen threshold against every threshold there is, judged by scikit-learn's metrics."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from hpsearch.training.threshold import best_threshold

Metric = Callable[[Any, Any], float]


def _balanced_accuracy(truth: Any, predicted: Any) -> float:
    return float(sk.recall_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0))


METRICS: dict[str, Metric] = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": _balanced_accuracy,
    "f1": lambda truth, predicted: float(sk.f1_score(truth, predicted, zero_division=0)),
}

ROWS = st.lists(
    st.tuples(st.integers(0, 1), st.one_of(st.integers(0, 8).map(lambda n: n / 8), st.floats(0, 1))),
    min_size=1, max_size=8,
)  # fmt: skip


def _every(metric: Metric, truth: Any, p: Any) -> list[tuple[float, float]]:
    """Return (threshold, metric) for each middle between neighbours, 0 and 1 among them."""
    ends = sorted({0.0, 1.0, *p})
    middles = [low + (high - low) / 2 for low, high in pairwise(ends)]
    if 1.0 in p:
        middles.append(1.0)
    return [(t, round(metric(truth, (p > t).astype(int)), 12)) for t in middles]


@pytest.mark.parametrize("objective", METRICS)
@settings(max_examples=50)  # some ten calls of scikit-learn each
@given(rows=ROWS)
def test_no_other_threshold_is_better_and_none_as_good_is_nearer_to_a_half(
    objective: str, rows: list[tuple[int, float]]
) -> None:
    truth, p = np.array([y for y, _ in rows]), np.array([value for _, value in rows])
    found = best_threshold(objective, truth, p)
    every = _every(METRICS[objective], truth, p)
    most = max(value for _, value in every)
    assert round(METRICS[objective](truth, (p > found).astype(int)), 12) == most
    nearest = min(abs(threshold - 0.5) for threshold, value in every if value == most)
    assert abs(found - 0.5) <= nearest + 1e-15


@pytest.mark.parametrize("objective", ["log_loss", "roc_auc", ""])
def test_an_objective_without_labels_leaves_a_half(objective: str) -> None:
    assert best_threshold(objective, [0, 1, 1], [0.1, 0.2, 0.3]) == 0.5


def test_the_threshold_lies_in_the_middle_of_the_gap() -> None:
    assert best_threshold("accuracy", [0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]) == pytest.approx(0.25)


def test_the_lower_of_two_thresholds_as_near_is_taken() -> None:
    """With both rows on the wrong side of a half, calling both positive is as good as calling both negative."""
    assert best_threshold("accuracy", [1, 0], [0.25, 0.75]) == 0.125


def test_float32_probabilities_on_both_sides_of_a_threshold_stay_there() -> None:
    """Between two float32 neighbours lies no third: rounded to float32 the threshold would be one of them."""
    low = np.float32(0.3)
    p = np.array([low, np.nextafter(low, np.float32(1))], np.float32)
    threshold = best_threshold("accuracy", [0, 1], p)
    assert (p.astype(np.float64) > threshold).tolist() == [False, True]


def test_neighbours_among_the_floats_are_told_apart_too() -> None:
    p = np.array([0.3, np.nextafter(0.3, 1)])
    assert (p > best_threshold("accuracy", [0, 1], p)).tolist() == [False, True]


@pytest.mark.parametrize(("truth", "calls"), [([0, 0, 0], [False] * 3), ([1, 1, 1], [True] * 3)])
@pytest.mark.parametrize("objective", ["accuracy", "balanced_accuracy"])
def test_rows_of_one_class_all_get_it(objective: str, truth: list[int], calls: list[bool]) -> None:
    p = np.array([0.2, 0.5, 0.9])
    threshold = best_threshold(objective, truth, p)
    assert (p > threshold).tolist() == calls
    assert 0 < threshold < 1


def test_the_order_of_rows_says_nothing() -> None:
    rng = np.random.default_rng(0)
    truth, p = rng.integers(0, 2, 500), np.round(rng.random(500), 2)
    order = rng.permutation(500)
    for objective in METRICS:
        assert best_threshold(objective, truth, p) == best_threshold(objective, truth[order], p[order])


def test_without_rows_it_is_a_half() -> None:
    assert best_threshold("f1", [], []) == 0.5
