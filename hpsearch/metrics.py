"""The metrics a study can name, their direction, and the losses and defaults that go with each task.

Only facts stand here; the numbers are computed in `training/scores.py` (each epoch) and
`report/evaluation.py` (the test rows).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TaskType = Literal["regression", "binary", "multiclass"]
Direction = Literal["minimize", "maximize"]

TASK_TYPES: tuple[TaskType, ...] = ("regression", "binary", "multiclass")


@dataclass(frozen=True)
class Metric:
    """A figure of merit of predictions against the truth."""

    name: str
    direction: Direction
    tasks: tuple[TaskType, ...]
    meaning: str

    def better(self, a: float, b: float) -> bool:
        """Tell whether `a` is strictly better than `b`."""
        return a < b if self.direction == "minimize" else a > b


_CLASSES: tuple[TaskType, ...] = ("binary", "multiclass")

METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric("rmse", "minimize", ("regression",), "root of the mean squared error, in the target's units"),
        Metric("mae", "minimize", ("regression",), "mean absolute error, in the target's units"),
        Metric("r2", "maximize", ("regression",), "share of the target's variance explained"),
        Metric("log_loss", "minimize", _CLASSES, "mean negative log-probability of the true class"),
        Metric("accuracy", "maximize", _CLASSES, "share of rows classified right"),
        Metric("balanced_accuracy", "maximize", _CLASSES, "mean over classes of the recall"),
        Metric("f1", "maximize", _CLASSES, "F1 of the positive class (binary), mean over classes (multiclass)"),
        Metric("roc_auc", "maximize", _CLASSES, "area under the ROC curve (multiclass: one against the rest, mean)"),
    )
}

DEFAULT_OBJECTIVE: dict[TaskType, str] = {"regression": "rmse", "binary": "log_loss", "multiclass": "log_loss"}

LOSSES: dict[TaskType, tuple[str, ...]] = {
    "regression": ("mse", "mae", "huber"),
    "binary": ("binary_crossentropy",),
    "multiclass": ("sparse_categorical_crossentropy",),
}
"""The losses a task can be trained with, its default first (Keras's names)."""


def metrics_of(task: TaskType) -> tuple[Metric, ...]:
    """Return the metrics that make sense for a task, in the order they are shown."""
    return tuple(metric for metric in METRICS.values() if task in metric.tasks)
