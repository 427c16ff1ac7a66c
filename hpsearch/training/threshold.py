"""The threshold on the probability of the positive class, chosen on validation rows for a study's objective."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.int64]


def best_threshold(objective: str, truth: ArrayLike, probability: ArrayLike) -> float:
    """Return the threshold that makes the objective best, where the class is positive for `probability > threshold`.

    objective: a binary metric's name; for those that ask for no label (log_loss, roc_auc) the answer is 0.5. truth:
    (rows,) of 0 and 1; probability: (rows,) in 0..1, both of one validation set or of several in a row. Thresholds lie
    in the middle between neighbouring probabilities, 0 and 1 among these; of those that are equally good the nearest
    to 0.5 is taken, and the lower of two as near. Without rows it is 0.5.
    """
    gain = _GAINS.get(objective)
    p = np.asarray(probability, np.float64)  # float32 would move a threshold onto one of its two neighbours
    if gain is None or p.size == 0:
        return 0.5
    distinct, group = np.unique(p, return_inverse=True)
    positive = np.asarray(truth) > 0.5
    ups = np.bincount(group[positive], minlength=distinct.size)
    downs = np.bincount(group[~positive], minlength=distinct.size)
    thresholds = _between(np.concatenate([[min(0.0, distinct[0])], distinct, [max(1.0, distinct[-1])]]))
    missed = np.concatenate([[0], np.cumsum(ups)])  # positives at or below each threshold
    spared = np.concatenate([[0], np.cumsum(downs)])  # negatives at or below it
    values = gain(missed[-1] - missed, spared, missed[-1], spared[-1])
    if distinct[0] <= 0:  # no threshold in 0..1 calls every row positive
        thresholds, values = thresholds[1:], values[1:]
    best = thresholds[values == values.max()]
    return float(best[np.argmin(np.abs(best - 0.5))])


def _between(ends: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = ends[:-1], ends[1:]
    middle = low + (high - low) / 2
    return np.where(middle < high, middle, low)  # between two neighbours among the floats there is nothing


# Each rises with its metric. Whole numbers, and a quotient of them, are equal where the metric is.


def _accuracy(hits: Counts, spared: Counts, positives: int, negatives: int) -> Counts:
    return hits + spared


def _balanced_accuracy(hits: Counts, spared: Counts, positives: int, negatives: int) -> Counts:
    """Recall of both classes; where one does not occur, the other's alone."""
    return hits * max(negatives, 1) + spared * max(positives, 1)


def _f1(hits: Counts, spared: Counts, positives: int, negatives: int) -> NDArray[np.float64]:
    claimed = hits + negatives - spared
    return np.asarray(2 * hits / np.maximum(positives + claimed, 1))


_GAINS: dict[str, Callable[[Counts, Counts, int, int], NDArray[np.int64] | NDArray[np.float64]]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
}
