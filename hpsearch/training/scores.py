"""The metrics of predictions against the truth, quick enough for every epoch; and the loss without its penalties.

The numbers are scikit-learn's (1.9), which costs milliseconds a call in checks alone. A metric that the rows leave
undefined (the ROC area of a single class, R2 of a single row) is absent, never NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.metrics import TaskType

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


def score(task: TaskType, y: ArrayLike, prediction: ArrayLike, weights: ArrayLike | None = None) -> dict[str, float]:
    """Return every metric of the task by name (`metrics.metrics_of`), those that the rows define.

    y: (rows,), in the target's own units, or the class's index. prediction: (rows,) in the target's own units; or the
    probability of the positive class, (rows,); or (rows, classes). weights: (rows,), one each when absent.
    """
    given = np.asarray(prediction)
    w = np.ones(len(given)) if weights is None else np.asarray(weights, np.float64)
    if task == "regression":
        return _regression(np.asarray(y, np.float64), given.astype(np.float64), w)
    labels = np.asarray(y).astype(np.int64)
    probabilities = given if task == "multiclass" else np.column_stack([1 - given, given])
    predicted = np.argmax(probabilities, axis=1) if task == "multiclass" else (given > 0.5).astype(np.int64)
    values = {"log_loss": _log_loss(labels, probabilities, w), "accuracy": _mean(labels == predicted, w)}
    values |= _per_class(task, labels, predicted, w)
    scored = range(probabilities.shape[1]) if task == "multiclass" else (1,)
    areas = [_roc_auc(labels == c, probabilities[:, c], w) for c in scored]
    defined = [area for area in areas if area is not None]
    return values | ({"roc_auc": float(np.mean(defined))} if defined else {})


def validation_loss(loss: str, y: ArrayLike, prediction: ArrayLike) -> float:
    """Return the mean loss a net is trained with, without penalties and class weights, as Keras computes it.

    y and prediction as in `score`, but for regression in the scaled units that the net sees. loss: one of
    `metrics.LOSSES`. Probabilities are clipped at 1e-7, as by `keras.losses`.
    """
    given = np.asarray(prediction, np.float64)
    if loss == "binary_crossentropy":
        p = np.clip(np.where(np.asarray(y) > 0.5, given, 1 - given), _KERAS_EPSILON, 1 - _KERAS_EPSILON)
        return float(np.mean(-np.log(p)))
    if loss == "sparse_categorical_crossentropy":
        p = np.clip(_of_the_true_class(np.asarray(y).astype(np.int64), given), _KERAS_EPSILON, 1 - _KERAS_EPSILON)
        return float(np.mean(-np.log(p)))
    error = np.abs(given - np.asarray(y, np.float64))
    if loss == "mae":
        return float(np.mean(error))
    if loss == "huber":  # delta 1, Keras's default
        return float(np.mean(np.where(error <= 1, error**2 / 2, error - 0.5)))
    return float(np.mean(error**2))


_KERAS_EPSILON = 1e-7


def _regression(y: Array, prediction: Array, w: Array) -> dict[str, float]:
    error = prediction - y
    squared = _mean(error**2, w)
    values = {"rmse": float(np.sqrt(squared)), "mae": _mean(np.abs(error), w)}
    if len(y) < 2:
        return values
    variance = _mean((y - _mean(y, w)) ** 2, w)
    if variance > 0:
        return values | {"r2": 1 - squared / variance}
    return values | {"r2": 1.0 if squared == 0 else 0.0}


def _mean(values: ArrayLike, w: Array) -> float:
    return float(np.dot(np.asarray(values, np.float64), w) / w.sum())


def _of_the_true_class(labels: Labels, probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0])


def _log_loss(labels: Labels, probabilities: NDArray[np.floating], w: Array) -> float:
    # The clip is that of the predictions' own precision: 1.2e-7 for float32.
    epsilon = np.finfo(probabilities.dtype).eps
    p = np.clip(_of_the_true_class(labels, probabilities), epsilon, 1 - epsilon)
    return -_mean(np.log(p.astype(np.float64)), w)


def _per_class(task: TaskType, labels: Labels, predicted: Labels, w: Array) -> dict[str, float]:
    """Balanced accuracy (classes that occur in the truth) and F1 (classes that occur in either)."""
    classes = max(labels.max(), predicted.max(), 1) + 1
    actual = np.bincount(labels, weights=w, minlength=classes)  # (classes,)
    claimed = np.bincount(predicted, weights=w, minlength=classes)
    hit = labels == predicted
    right = np.bincount(labels[hit], weights=w[hit], minlength=classes)
    occurs = actual > 0
    recall = right[occurs] / actual[occurs]
    known = actual + claimed > 0
    f1 = np.divide(2 * right, actual + claimed, out=np.zeros(classes), where=known)
    return {
        "balanced_accuracy": float(np.mean(recall)),
        "f1": float(f1[1]) if task == "binary" else float(np.mean(f1[known])),
    }


def _roc_auc(positive: NDArray[np.bool_], scores: NDArray[np.floating], w: Array) -> float | None:
    """Area under the ROC curve as a rank statistic: the share of (positive, negative) pairs in order, ties half.

    None where one of the two is missing. Hanley & McNeil 1982; the weighted form sums the pairs' weights.
    """
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))  # of each run of equal scores
    weight = w[order]
    ups = np.add.reduceat(np.where(positive[order], weight, 0.0), starts)
    downs = np.add.reduceat(np.where(positive[order], 0.0, weight), starts)
    below = np.cumsum(downs) - downs
    pairs = ups.sum() * downs.sum()
    return float(np.sum(ups * (below + downs / 2)) / pairs) if pairs > 0 else None
