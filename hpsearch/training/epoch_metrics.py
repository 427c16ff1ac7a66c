"""What an epoch reports, from what a trainer measured: one list of names and units, whoever trained."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hpsearch.data.dataset import Split
from hpsearch.errors import TrialFailed
from hpsearch.metrics import TaskType
from hpsearch.training.scores import score, validation_loss
from hpsearch.training.trainer import Settings

_SHORT = {
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "acc": "accuracy",
    "binary_accuracy": "accuracy",
    "sparse_categorical_accuracy": "accuracy",
}


class EpochMetrics:
    """Makes the metrics of `trainer.Epoch` for the jobs of one split."""

    def __init__(self, task: TaskType, split: Split, settings: Settings) -> None:
        self._task = task
        self._split = split
        self._settings = settings

    def measure(
        self, step: int, fitted: Mapping[str, float], prediction: NDArray[np.float32]
    ) -> tuple[dict[str, float], float]:
        """Return (every metric of the epoch, the objective).

        fitted: means over the epoch's training steps, scaled: `loss`, and `mse` and `mae` or `accuracy`, those that are
        kept (a hypermodel compiles its own, and its own `fit` may tell none), by any of Keras's names. prediction:
        the validation rows', (rows,) or (rows, classes), scaled. Raises TrialFailed where one of them is not finite,
        and where the validation rows do not define the objective.
        """
        if not (np.all(np.isfinite(list(fitted.values()))) and np.all(np.isfinite(prediction))):
            raise TrialFailed(f"diverged at epoch {step}")
        metrics = {"train_loss": fitted["loss"]} if "loss" in fitted else {}
        metrics["val_loss"] = validation_loss(self._settings.loss, self._split.validation.y, prediction)
        kept = {_SHORT.get(name, name): value for name, value in fitted.items()}
        if self._task == "regression":
            scale = self._split.target_scale
            metrics |= {"train_rmse": float(np.sqrt(kept["mse"])) * scale} if "mse" in kept else {}
            metrics |= {"train_mae": kept["mae"] * scale} if "mae" in kept else {}
            scores = score(self._task, self._truth, self._in_own_units(prediction))
        else:
            metrics |= {"train_accuracy": kept["accuracy"]} if "accuracy" in kept else {}
            scores = score(self._task, self._truth, prediction)
        if self._settings.objective not in scores:
            raise TrialFailed(f"the validation rows do not define {self._settings.objective}")
        metrics |= {f"val_{name}": value for name, value in scores.items()}
        return metrics, scores[self._settings.objective]

    @cached_property
    def _truth(self) -> NDArray[np.generic]:
        y = self._split.validation.y
        return self._in_own_units(y) if self._task == "regression" else np.asarray(y).astype(np.int64)

    def _in_own_units(self, y: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(y, np.float64) * self._split.target_scale + self._split.target_center
