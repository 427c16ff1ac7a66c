"""How good predictions are on rows a model never saw, in scikit-learn's own numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import metrics as sk

from hpsearch.errors import DataError
from hpsearch.metrics import METRICS, TaskType, metrics_of
from hpsearch.report.intervals import bootstrap_intervals

Array = NDArray[np.float64]
Floats = NDArray[np.float32 | np.float64]

_ROC_POINTS = 200


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Predictions against the truth: numbers, a text to read, plain JSON, pictures."""

    task: TaskType
    metrics: dict[str, float]
    """every metric of the task that the rows define: one class alone has no ROC AUC, one row no R2"""
    text: str
    y: Array
    """(rows,): target units, or the class's index"""
    prediction: Floats
    """(rows,): target units, or P(positive); (rows, classes): class probabilities"""
    labels: tuple[str, ...] = ()
    """class names by index"""
    target: str = "target"
    threshold: float = 0.5
    """binary: the class is positive for P(positive) > threshold"""
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    """95 % bootstrap interval by metric; empty where none was asked for (see `report.intervals`)"""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.y.size)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values: task, target, rows, metrics, ..., threshold, intervals ({metric: [low, high]}).

        Keys and metrics that a task or its rows do not have are null or empty; a number that is not finite is null.
        """
        roc = _roc(self)
        return {
            "task": self.task,
            "target": self.target,
            "rows": self.rows,
            "metrics": {metric.name: self.metrics.get(metric.name) for metric in metrics_of(self.task)},
            "report": _report(self, as_dict=True) if self.labels else None,
            "confusion_matrix": _matrix(self).tolist() if self.labels else [],
            "labels": list(self.labels),
            "roc": roc and {name: [_finite(v) for v in _thinned(values)] for name, values in roc.items()},
            "threshold": self.threshold if self.task == "binary" else None,
            "intervals": {name: [_finite(low), _finite(high)] for name, (low, high) in self.intervals.items()},
        }

    def figures(self) -> dict[str, bytes]:
        """Return PNG pictures by name: confusion_matrix (and roc), or predicted_vs_actual and residuals."""
        from hpsearch.report import figures

        if self.task == "regression":
            return {
                "predicted_vs_actual": figures.predicted_vs_actual(self.y, self.prediction, self.target),
                "residuals": figures.residuals(self.y, self.prediction, self.target),
            }
        pictures = {"confusion_matrix": figures.confusion_matrix(_matrix(self), self.labels)}
        if self.task == "binary":
            roc = _roc(self) or {"fpr": np.empty(0), "tpr": np.empty(0)}
            pictures["roc"] = figures.roc_curve(
                roc["fpr"], roc["tpr"], self.metrics.get("roc_auc", math.nan), self.labels[1]
            )
        return pictures


def evaluate(
    task: TaskType,
    y: ArrayLike,
    prediction: ArrayLike,
    class_names: Sequence[str] = (),
    *,
    target: str = "target",
    threshold: float = 0.5,
    intervals: bool = False,
) -> Evaluation:
    """Compare predictions with the truth.

    y: (rows,), in target units, or class indices. prediction: (rows,) in target units for regression; (rows,)
    P(positive) for binary; (rows, classes) probabilities for multiclass. threshold: binary labels are positive for
    P(positive) > threshold. intervals: whether each metric gets its bootstrap interval, which takes a second or two.
    Raises DataError for no rows, for shapes that do not go together and for predictions that are not finite.
    """
    truth = np.asarray(y, dtype=np.float64).ravel()
    guess: Floats = np.asarray(prediction)
    if guess.dtype != np.float32:  # log loss clips probabilities at their own precision: float32 stays float32
        guess = guess.astype(np.float64)
    guess = guess if task == "multiclass" else guess.ravel()
    _check(task, truth, guess, class_names)
    labels: tuple[str, ...] = ()
    if task == "multiclass" and guess.dtype == np.float64:
        # what was float32 once adds up to 1 within 1e-7 only, and scikit-learn warns of that in float64
        guess = guess / guess.sum(axis=1, keepdims=True)
    if task != "regression":
        count = 2 if task == "binary" else guess.shape[-1]
        labels = tuple(class_names) or tuple(str(index) for index in range(count))
    scores = _regression_scores(truth, guess) if task == "regression" else _class_scores(task, truth, guess, threshold)
    numbers = {metric.name: scores[metric.name] for metric in metrics_of(task) if metric.name in scores}
    ranges = bootstrap_intervals(task, truth, guess, threshold) if intervals else {}
    evaluation = Evaluation(task, numbers, "", truth, guess, labels, target, threshold, ranges)
    return replace(evaluation, text=_text(evaluation))


def _check(task: TaskType, y: Array, prediction: Floats, class_names: Sequence[str]) -> None:
    if y.size == 0:
        raise DataError("there are no rows to evaluate; give the test part a share above 0 (data.split.test)")
    if len(prediction) != y.size or (task == "multiclass" and prediction.ndim != 2):
        raise DataError(
            f"{y.size} rows of truth do not go with predictions of shape {prediction.shape} for task {task}"
        )
    if bad := int((~np.isfinite(prediction)).reshape(y.size, -1).any(axis=1).sum()):
        raise DataError(
            f"{bad} of {y.size} predictions are not finite; the model has diverged or the rows hold such cells"
        )
    classes = 0 if task == "regression" else 2 if task == "binary" else prediction.shape[-1]
    if class_names and classes and len(class_names) != classes:
        raise DataError(f"{len(class_names)} class names do not go with {classes} classes")


def _regression_scores(y: Array, prediction: Floats) -> dict[str, float]:
    scores = {
        "rmse": float(sk.root_mean_squared_error(y, prediction)),
        "mae": float(sk.mean_absolute_error(y, prediction)),
    }
    return scores | ({"r2": float(sk.r2_score(y, prediction))} if y.size > 1 else {})


def _class_scores(task: TaskType, y: Array, prediction: Floats, threshold: float) -> dict[str, float]:
    truth, guess = y.astype(int), _predicted(task, prediction, threshold)
    present = np.unique(truth)
    classes = range(2 if task == "binary" else prediction.shape[-1])
    f1 = sk.f1_score(truth, guess, average="binary" if task == "binary" else "macro", zero_division=0)
    scores = {
        "log_loss": float(sk.log_loss(truth, prediction, labels=classes)),
        "accuracy": float(sk.accuracy_score(truth, guess)),
        # balanced_accuracy_score by its definition: it warns of predicted classes that the truth does not have
        "balanced_accuracy": float(sk.recall_score(truth, guess, labels=present, average="macro", zero_division=0)),
        "f1": float(f1),
    }
    if present.size < 2:
        return scores
    if task == "binary":
        return scores | {"roc_auc": float(sk.roc_auc_score(truth, prediction))}
    # one against the rest, mean over the classes that occur: roc_auc_score itself refuses an absent class
    return scores | {"roc_auc": float(np.mean([sk.roc_auc_score(truth == c, prediction[:, c]) for c in present]))}


def _predicted(task: TaskType, prediction: Floats, threshold: float) -> NDArray[np.int64]:
    # In float64: compared with float32 numbers the threshold would be rounded to one of them.
    picked = prediction.astype(np.float64) > threshold if task == "binary" else prediction.argmax(axis=1)
    return np.asarray(picked, dtype=np.int64)


def _labels_of(evaluation: Evaluation) -> NDArray[np.int64]:
    return _predicted(evaluation.task, evaluation.prediction, evaluation.threshold)


def _matrix(evaluation: Evaluation) -> NDArray[np.int64]:
    guess = _labels_of(evaluation)
    counts = sk.confusion_matrix(evaluation.y.astype(int), guess, labels=range(len(evaluation.labels)))
    return np.asarray(counts, dtype=np.int64)


def _report(evaluation: Evaluation, *, as_dict: bool) -> Any:
    return sk.classification_report(
        evaluation.y.astype(int), _labels_of(evaluation), labels=range(len(evaluation.labels)),
        target_names=_distinct(evaluation.labels), output_dict=as_dict, zero_division=0, digits=4,
    )  # fmt: skip


def _distinct(labels: Sequence[str]) -> list[str]:
    """Return labels that can be keys of a report beside its own ('accuracy', 'macro avg')."""
    taken = {"accuracy", "micro avg", "macro avg", "weighted avg", "samples avg"}
    return [f"class {label}" if label in taken else label for label in labels]


def _roc(evaluation: Evaluation) -> dict[str, Array] | None:
    if evaluation.task != "binary" or np.unique(evaluation.y).size < 2:
        return None
    fpr, tpr, thresholds = sk.roc_curve(evaluation.y.astype(int), evaluation.prediction)
    return {"fpr": fpr, "tpr": tpr, "thresholds": thresholds}


def _thinned(values: Array) -> list[float]:
    kept = np.unique(np.linspace(0, values.size - 1, min(values.size, _ROC_POINTS)).round().astype(int))
    return [float(value) for value in values[kept]]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _text(evaluation: Evaluation) -> str:
    """Return what is printed and logged as text."""
    rows = f"{evaluation.rows:,} row" + "s" * (evaluation.rows != 1)
    parts = [rows, "", *_metric_lines(evaluation.metrics, evaluation.intervals)]
    if evaluation.intervals:
        parts += ["", "in brackets: the 95 % bootstrap interval, from these rows drawn again with replacement"]
    if evaluation.labels:
        if evaluation.task == "binary" and evaluation.threshold != 0.5:
            parts += [
                "",
                f"a row is taken for {evaluation.labels[1]} above a probability of {evaluation.threshold:.4g}",
            ]
        parts += ["", _report(evaluation, as_dict=False).rstrip("\n"), ""]
        parts += _matrix_lines(_matrix(evaluation), evaluation.labels)
    return "\n".join(parts) + "\n"


def _metric_lines(values: dict[str, float], intervals: dict[str, tuple[float, float]]) -> list[str]:
    ranges = {name: f"[{low:,.4f}, {high:,.4f}]" for name, (low, high) in intervals.items()}
    width = max(map(len, ranges.values()), default=0)
    return [
        f"{name:<18}{value:>14,.4f}   "
        + (f"{ranges.get(name, ''):<{width}}   " if width else "")
        + METRICS[name].meaning
        for name, value in values.items()
    ]


def _matrix_lines(matrix: NDArray[np.int64], labels: Sequence[str], most: int = 20) -> list[str]:
    """Return the confusion matrix as text; of more than `most` classes the commonest confusions."""
    if len(labels) > most:
        wrong = [(int(matrix[i, j]), i, j) for i, j in zip(*np.nonzero(matrix), strict=True) if i != j]
        lines = [
            f"{count:>8,}  {labels[i]} taken for {labels[j]}" for count, i, j in sorted(wrong, reverse=True)[:most]
        ]
        return ["commonest confusions", *(lines or ["    none"])]
    side = max(4, *(len(label) for label in labels))
    width = max(side, len(f"{matrix.max():,}")) + 2
    lines = ["confusion matrix (rows: true, columns: predicted)", " " * side + "".join(f"{n:>{width}}" for n in labels)]
    return lines + [
        f"{label:>{side}}" + "".join(f"{count:>{width},}" for count in row)
        for label, row in zip(labels, matrix, strict=True)
    ]
