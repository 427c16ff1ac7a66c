"""The port between search and training: a job goes in, epochs come out one by one, an outcome ends it.

A trainer knows nothing of Optuna, MLflow or processes. It is a generator, so that whoever drives it decides between two
epochs whether the job goes on: closing the generator is how a job is stopped.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from hpsearch.data.dataset import Dataset
from hpsearch.space.space import Configuration

Weights = list[NDArray[np.float32]]
"""In the order of `keras.Model.get_weights()`: kernel, bias of each Dense layer."""


@dataclass(frozen=True)
class Hypermodel:
    """Where a person's hypermodel is."""

    path: Path
    name: str
    digest: str = ""
    """sha256 of the file; '' where any will do"""
    asks: tuple[str, ...] = ()
    """which of `batch_size` and `epochs` it asks for by itself, and is not handed"""


@dataclass(frozen=True)
class Settings:
    """What every job of a study shares."""

    objective: str
    """metric of the validation rows that names the best epoch (`metrics.METRICS`)"""
    loss: str
    class_weight: Literal["balanced", "none"] = "none"
    patience: int | None = None
    """epochs without improvement after which a job ends; None: never"""
    min_delta: float = 0.0
    trainer: Literal["auto", "compiled", "keras"] = "auto"
    keep: Literal["best", "last", "mean"] = "best"
    """the best epoch's weights, the last one's, or the mean of the last quarter's (`mean_weights.py`); but for `best`
    nothing is chosen by validation rows, and no job ends early"""
    hypermodel: Hypermodel | None = None
    """what builds the nets, if not the table"""


@dataclass(frozen=True)
class Job:
    """A unit of training: one configuration on one split, from one seed."""

    trial: int
    attempt: int
    split: int
    seed: int
    configuration: Configuration

    @property
    def token(self) -> tuple[int, int, int]:
        """Tells a late message of an earlier attempt from this one's."""
        return (self.trial, self.attempt, self.split)


@dataclass(frozen=True)
class Epoch:
    """What one epoch measured. `step` counts from 1.

    metrics: `train_loss` (what is minimized: penalties and class weights in it), `val_loss` (the loss alone) and
    `val_<metric>` of every metric of the task that the rows define, and `train_<metric>` of those Keras keeps while
    training (rmse and mae, or accuracy; dropout is on, as in Keras). Regression metrics are in the target's own units,
    losses in scaled ones. All are finite.
    """

    token: tuple[int, int, int]
    step: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    token: tuple[int, int, int]
    state: Literal["completed", "failed"]
    reason: str = ""
    """why it failed, in a few words: 'diverged at epoch 3'; when completed '', or why another trainer trained it"""
    best_epoch: int = 0
    """the last one where `Settings.keep` asks for no best"""
    metrics: dict[str, float] = field(default_factory=dict)
    """that epoch's"""
    parameters: int = 0
    seconds: float = 0.0
    weights: Weights | None = None
    """that epoch's, or the mean that ends with it"""
    trainer: str = "keras"


class Trainer(Protocol):
    """Trains one job at a time on one data set."""

    def train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
        """Yield each epoch as it ends; return the outcome. Closing the generator stops the job at once.

        Raises nothing for a job that goes wrong in a way a trainer can tell (divergence, out of memory): those are
        failed outcomes.
        """
        ...
