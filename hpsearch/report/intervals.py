"""Where a metric would lie on other test rows like these: bootstrap intervals of every metric at once.

A resample is told by how often it holds each row. Losses of rows are then weighted sums, counts of classes weighted
counts, and a ROC curve needs no sorting again: the order of the scores stays.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.metrics import TaskType, metrics_of
from hpsearch.significance import percentile_interval, resamples_of

Counts = NDArray[np.int64]
Score = Callable[[Counts], dict[str, float]]

RESAMPLES = 2000
FEWEST_RESAMPLES = 200
_MOST_VISITS = 2_000_000_000
"""Rows times classes times resamples."""


def bootstrap_intervals(
    task: TaskType, y: ArrayLike, prediction: ArrayLike, threshold: float = 0.5, *, level: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Return the percentile bootstrap interval of every metric of the task (see `significance.bootstrap_interval`).

    y, prediction and threshold as in `report.evaluation.evaluate`. The resamples are the same for all metrics; how
    many, `resample_count` says. A metric that less than half of them define is left out, and fewer than two rows have
    no interval.
    """
    truth = np.asarray(y, np.float64)
    rows = len(truth)
    if rows < 2:
        return {}
    guess = np.asarray(prediction)
    scores = score_of_counts(task, truth, guess, threshold)
    count = resample_count(rows, classes=guess.shape[1] if guess.ndim > 1 else 1)
    drawn = [scores(np.bincount(places, minlength=rows)) for places in resamples_of(rows, count, seed)]
    intervals = {}
    for metric in metrics_of(task):
        values = [scored.get(metric.name) for scored in drawn]
        if sum(value is not None for value in values) >= count / 2:
            intervals[metric.name] = percentile_interval(values, level)
    return intervals


def resample_count(rows: int, classes: int = 1) -> int:
    """Return how many resamples are drawn: RESAMPLES up to 100,000 rows of ten classes at most.

    Of more rows, and of more classes, as many fewer as keep the time near that, but FEWEST_RESAMPLES at least: so many
    rows have narrow intervals, whose ends need no third digit.
    """
    return min(RESAMPLES, max(_MOST_VISITS // (rows * max(classes, 10)), FEWEST_RESAMPLES))


def score_of_counts(
    task: TaskType, y: NDArray[np.floating], prediction: NDArray[np.floating], threshold: float
) -> Score:
    """Return a function from how often each row was drawn, (rows,), to the metrics of the drawn rows by name."""
    if task == "regression":
        return _regression(y.astype(np.float64), prediction.astype(np.float64))
    labels = y.astype(np.int64)
    if task == "binary":
        positive = np.asarray(prediction)
        predicted = (positive.astype(np.float64) > threshold).astype(np.int64)
        probabilities = np.column_stack([1 - positive, positive])
    else:
        probabilities = np.asarray(prediction)
        predicted = probabilities.argmax(axis=1)
    losses = _log_losses(labels, probabilities)
    per_class = _per_class(task, labels, predicted, probabilities.shape[1])
    scored = (1,) if task == "binary" else np.unique(labels)
    areas = [_roc_area(labels == c, probabilities[:, c]) for c in scored]

    def scores(counts: Counts) -> dict[str, float]:
        defined = [area for area in (roc_area(counts) for roc_area in areas) if area is not None]
        return (
            {"log_loss": float(counts @ losses / len(losses))}
            | per_class(counts)
            | ({"roc_auc": float(np.mean(defined))} if defined else {})
        )

    return scores


def _regression(y: NDArray[np.float64], prediction: NDArray[np.float64]) -> Score:
    error = prediction - y
    centered = y - y.mean()
    sums = np.stack([error**2, np.abs(error), centered, centered**2])  # (4, rows)
    n, constant_below = len(y), 1e-9 * float(np.sum(centered**2))

    def scores(counts: Counts) -> dict[str, float]:
        squared, absolute, total, spread = sums @ counts
        variation = spread - total**2 / n
        if variation <= constant_below:  # mostly rounding, or truly little: now by the definition
            drawn = np.repeat(y, counts)
            variation = float(np.sum((drawn - drawn.mean()) ** 2)) if (drawn != drawn[0]).any() else 0.0
        r2 = 1 - squared / variation if variation > 0 else float(squared == 0)
        return {"rmse": float(np.sqrt(squared / n)), "mae": float(absolute / n), "r2": float(r2)}

    return scores


def _log_losses(labels: Counts, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return each row's loss; probabilities are clipped at their own precision, as scikit-learn does."""
    of_the_truth = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]
    epsilon = np.finfo(of_the_truth.dtype).eps
    return np.asarray(-np.log(np.clip(of_the_truth, epsilon, 1 - epsilon).astype(np.float64)))


def _per_class(task: TaskType, labels: Counts, predicted: Counts, classes: int) -> Score:
    hit = labels == predicted
    right_labels = labels[hit]

    def scores(counts: Counts) -> dict[str, float]:
        actual = np.bincount(labels, weights=counts, minlength=classes)  # (classes,)
        claimed = np.bincount(predicted, weights=counts, minlength=classes)
        right = np.bincount(right_labels, weights=counts[hit], minlength=classes)
        occurs, known = actual > 0, actual + claimed > 0
        f1 = np.divide(2 * right, actual + claimed, out=np.zeros(classes), where=known)
        return {
            "accuracy": float(right.sum() / len(labels)),
            "balanced_accuracy": float(np.mean(right[occurs] / actual[occurs])),
            "f1": float(f1[1]) if task == "binary" else float(np.mean(f1[known])),
        }

    return scores


def _roc_area(positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> Callable[[Counts], float | None]:
    """Return a function from counts to the area, the share of (positive, negative) pairs in order, ties half.

    None where one of the two is missing (Hanley & McNeil 1982).
    """
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    new = ordered[1:] != ordered[:-1]
    starts, ends = np.concatenate([[True], new]), np.concatenate([new, [True]])
    group = np.cumsum(starts) - 1  # of equal scores
    mine = positive[order]
    below = np.flatnonzero(starts)[group[mine]]  # where the scores below a positive end
    upto = np.flatnonzero(ends)[group[mine]] + 1
    places = order[mine]
    total = np.zeros(len(order) + 1, np.int64)

    def area(counts: Counts) -> float | None:
        np.cumsum(counts[order], out=total[1:])
        drawn = counts[places]
        ups = int(drawn.sum())
        downs = int(total[-1]) - ups
        if not ups or not downs:
            return None
        # Over pairs with any row, less those with another positive, of which half are in order.
        twice = int(drawn @ (total[below] + total[upto])) - ups**2
        return twice / (2 * ups * downs)

    return area
