"""A job's epochs, whatever fits the net: measured one by one, one kept, a failure told as its reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hpsearch.data.dataset import Dataset
from hpsearch.errors import TrialFailed
from hpsearch.model import count_parameters
from hpsearch.training.best_epoch import BestEpoch
from hpsearch.training.epoch_metrics import EpochMetrics
from hpsearch.training.mean_weights import MeanWeights, averaged_epochs
from hpsearch.training.trainer import Epoch, Job, Outcome, Settings, Weights


class FitEnded(Exception):
    """What trains the net ended by itself, before the job's last epoch."""


class Fit(Protocol):
    """A net that is being trained on the rows of one split."""

    def epoch(self, step: int) -> tuple[dict[str, float], NDArray[np.float32]]:
        """Train an epoch, counted from 1.

        Returns (means over its training rows, by Keras's names; what the net then predicts of the validation rows), as
        `EpochMetrics.measure` takes them. Raises FitEnded where there is no further epoch.
        """
        ...

    def weights(self) -> Weights:
        """Return the net's weights as they are, as copies."""
        ...


def train_epochs(
    job: Job,
    data: Dataset,
    settings: Settings,
    trainer: str,
    start: Callable[[], tuple[Fit, EpochMetrics]],
    count: Callable[[], int] | None = None,
) -> Generator[Epoch, None, Outcome]:
    """Train a job to its last epoch, or until there is no more hope; yield each epoch and return the outcome.

    start: makes the untrained net and loads its rows. trainer: the name in the outcome. count: the net's weights, where
    the table does not say. Divergence and a lack of memory are failed outcomes.
    """
    import tensorflow as tf

    started = time.monotonic()
    kept, failure = _Kept(), ""
    try:
        fit, metrics = start()
        kept = yield from _follow(job, settings, fit, metrics)
    except TrialFailed as failed:
        failure = failed.reason
    except (MemoryError, tf.errors.ResourceExhaustedError):
        failure = "out of memory"
    parameters = count() if count is not None else count_parameters(job.configuration, data.signature)
    if failure == "out of memory":
        weights = f"{parameters:,} weights, " if parameters else ""
        failure = f"{failure}: {weights}batch {job.configuration['batch_size']}"
    return Outcome(
        token=job.token,
        state="failed" if failure else "completed",
        reason=failure,
        best_epoch=kept.step,
        metrics=kept.metrics,
        parameters=parameters,
        seconds=time.monotonic() - started,
        weights=kept.weights,
        trainer=trainer,
    )


@dataclass(frozen=True)
class _Kept:
    step: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    weights: Weights | None = None


def _follow(job: Job, settings: Settings, fit: Fit, measured: EpochMetrics) -> Generator[Epoch, None, _Kept]:
    last = int(job.configuration["epochs"])
    tail = {"best": 0, "last": 1, "mean": averaged_epochs(last)}[settings.keep]
    follow, mean, kept = BestEpoch(settings), MeanWeights(), _Kept()
    metrics: dict[str, float] = {}
    for step in range(1, last + 1):
        try:
            fitted, prediction = fit.epoch(step)
        except FitEnded:
            if kept.weights is None:
                kept = _Kept(step - 1, metrics, mean.add(fit.weights()))
            break
        metrics, objective = measured.measure(step, fitted, prediction)
        is_best = follow.is_new_best(step, objective)
        if settings.keep == "best" and is_best:
            kept = _Kept(step, metrics, fit.weights())
        elif step > last - tail:
            kept = _Kept(step, metrics, mean.add(fit.weights()))
        yield Epoch(job.token, step, metrics)
        if settings.keep == "best" and follow.is_hopeless(step):
            break
    return kept
