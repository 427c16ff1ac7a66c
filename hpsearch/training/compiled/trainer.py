"""Trains with one compiled loop an epoch instead of a dispatch a step: the same mathematics in a tenth of the time."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpsearch.data.dataset import Dataset
from hpsearch.errors import TrialFailed
from hpsearch.metrics import TaskType
from hpsearch.model import count_parameters, initial_weights
from hpsearch.training.best_epoch import BestEpoch
from hpsearch.training.compiled.fit import Fit
from hpsearch.training.compiled.predict import predict
from hpsearch.training.compiled.program import Rows
from hpsearch.training.compiled.programs import Programs
from hpsearch.training.compiled.refusal import Refused, refuse_unknown
from hpsearch.training.compiled.rows import load_rows
from hpsearch.training.compiled.shape import exact_shape
from hpsearch.training.compiled.xla import configure_xla, program_cache
from hpsearch.training.epoch_metrics import EpochMetrics
from hpsearch.training.quiet import import_keras
from hpsearch.training.trainer import Epoch, Job, Outcome, Settings, Trainer, Weights


class CompiledTrainer:
    """Trains one job at a time; programs, and the rows of the split it trained last, stay for the next job.

    A job that it cannot express, or XLA cannot compile, goes to `fallback`, which is said once; without one it fails.
    """

    def __init__(self, settings: Settings, fallback: Trainer | None = None) -> None:
        self._settings = settings
        self._fallback = fallback
        self._said: set[str] = set()
        self._rows: _SplitRows | None = None
        self._programs = Programs()

    def train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
        """Yield each epoch as it ends and return the outcome (see `trainer.Trainer`)."""
        try:
            return (yield from self._train(job, data))
        except Refused as refused:
            if self._fallback is None:
                reason = f"the compiled trainer cannot train it: {refused.reason}"
                return Outcome(job.token, "failed", reason, trainer="compiled")
            self._say_once(refused.reason)
        return (yield from self._fallback.train(job, data))

    def _say_once(self, reason: str) -> None:
        if reason not in self._said:
            self._said.add(reason)
            _LOG.warning("Keras trains what the compiled trainer cannot: %s", reason)

    def _train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
        if "tensorflow" not in sys.modules:
            configure_xla(program_cache(data.folder))
        import_keras()
        import tensorflow as tf

        refuse_unknown(job.configuration, self._settings.loss)
        started = time.monotonic()
        parameters = count_parameters(job.configuration, data.signature)
        best, failure = _Best(), ""
        try:
            best = yield from self._epochs(job, data)
        except TrialFailed as failed:
            failure = failed.reason
        except (MemoryError, tf.errors.ResourceExhaustedError):
            failure = f"out of memory: {parameters:,} weights, batch {job.configuration['batch_size']}"
        return Outcome(
            token=job.token,
            state="failed" if failure else "completed",
            reason=failure,
            best_epoch=best.step,
            metrics=best.metrics,
            parameters=parameters,
            seconds=time.monotonic() - started,
            weights=best.weights,
            trainer="compiled",
        )

    def _epochs(self, job: Job, data: Dataset) -> Generator[Epoch, None, _Best]:
        rows = self._load(data, job.split)
        configuration = job.configuration
        activation = str(configuration.get("activation", "linear"))
        weights = initial_weights(configuration, data.signature, job.seed)
        exact = exact_shape(configuration, data.signature, rows.count, self._settings.loss)
        epochs, steps = int(configuration["epochs"]), -(-rows.count // exact.batch)
        program = self._programs.serve(exact, epochs * steps, rows.train, program_cache(data.folder))
        fit = Fit(job, program, rows.train, rows.count, weights)
        follow, best = BestEpoch(self._settings), _Best()
        for step in range(1, epochs + 1):
            before = time.monotonic()
            losses = fit.epoch(step)
            self._programs.observe(program.shape, steps, time.monotonic() - before)
            weights = fit.weights()
            fitted = dict(zip(_fitted_names(data.signature.task), losses, strict=True))
            prediction = predict(weights, activation, data.signature.task, rows.validation_x)
            metrics, objective = rows.metrics.measure(step, fitted, prediction)
            if follow.is_new_best(step, objective):
                best = _Best(step, metrics, weights)
            yield Epoch(job.token, step, metrics)
            if follow.is_hopeless(step):
                break
        return best

    def _load(self, data: Dataset, split: int) -> _SplitRows:
        key = (data.folder, data.digest, split)
        if self._rows is None or self._rows.key != key:
            self._rows = None  # the old rows go before the new ones come
            self._rows = _load_split(data, split, self._settings)
        return self._rows


_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _SplitRows:
    key: tuple[Path, str, int]
    train: Rows
    count: int
    validation_x: NDArray[np.float32]
    metrics: EpochMetrics


def _load_split(data: Dataset, split: int, settings: Settings) -> _SplitRows:
    arrays = data.split(split)
    return _SplitRows(
        (data.folder, data.digest, split),
        load_rows(arrays.train, data.signature, balanced=settings.class_weight == "balanced"),
        arrays.train.rows,
        np.asarray(arrays.validation.x),
        EpochMetrics(data.signature.task, arrays, settings),
    )


@dataclass(frozen=True)
class _Best:
    step: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    weights: Weights | None = None


def _fitted_names(task: TaskType) -> tuple[str, str, str]:
    return ("loss", "mse", "mae") if task == "regression" else ("loss", "accuracy", "accuracy")
