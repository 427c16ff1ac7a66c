"""Trains with one compiled loop an epoch instead of a dispatch a step: the same mathematics in a tenth of the time."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hpsearch.data.dataset import Dataset
from hpsearch.metrics import TaskType
from hpsearch.model import initial_weights
from hpsearch.training.compiled.fit import Fit
from hpsearch.training.compiled.predict import predict
from hpsearch.training.compiled.program import Rows
from hpsearch.training.compiled.programs import Programs
from hpsearch.training.compiled.refusal import Refused, refuse_unknown
from hpsearch.training.compiled.rows import load_rows
from hpsearch.training.compiled.shape import exact_shape
from hpsearch.training.compiled.xla import configure_xla, program_cache
from hpsearch.training.epoch_metrics import EpochMetrics
from hpsearch.training.epochs import train_epochs
from hpsearch.training.last_split import LastSplit
from hpsearch.training.quiet import import_keras
from hpsearch.training.trainer import Epoch, Job, Outcome, Settings, Trainer, Weights


class CompiledTrainer:
    """Trains one job at a time; programs, and the rows of the split it trained last, stay for the next job.

    A job that it cannot express, or XLA cannot compile, goes to `fallback`, and the outcome's reason says so; without a
    fallback it fails.
    """

    def __init__(self, settings: Settings, fallback: Trainer | None = None) -> None:
        self._settings = settings
        self._fallback = fallback
        self._rows = LastSplit(self._load)
        self._programs = Programs()

    def train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
        """Yield each epoch as it ends and return the outcome (see `trainer.Trainer`)."""
        try:
            return (yield from self._train(job, data))
        except Refused as refused:
            reason = f"the compiled trainer cannot train it: {refused.reason}"
        if self._fallback is None:
            return Outcome(job.token, "failed", reason, trainer="compiled")
        outcome = yield from self._fallback.train(job, data)
        return outcome if outcome.state == "failed" else replace(outcome, reason=f"trained by Keras, since {reason}")

    def _train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
        if "tensorflow" not in sys.modules:
            configure_xla(program_cache(data.folder))
        import_keras()
        refuse_unknown(job.configuration, self._settings.loss)

        def start() -> tuple[_CompiledFit, EpochMetrics]:
            rows = self._rows.of(data, job.split)
            return _CompiledFit(job, data, rows, self._programs, self._settings.loss), rows.metrics

        return (yield from train_epochs(job, data, self._settings, "compiled", start))

    def _load(self, data: Dataset, split: int) -> _SplitRows:
        arrays = data.split(split)
        return _SplitRows(
            load_rows(arrays.train, data.signature, balanced=self._settings.class_weight == "balanced"),
            arrays.train.rows,
            np.asarray(arrays.validation.x),
            EpochMetrics(data.signature.task, arrays, self._settings),
        )


@dataclass(frozen=True)
class _SplitRows:
    train: Rows
    count: int
    validation_x: NDArray[np.float32]
    metrics: EpochMetrics


class _CompiledFit:
    """A job's weights, the program that trains them, and the prediction of the validation rows."""

    def __init__(self, job: Job, data: Dataset, rows: _SplitRows, programs: Programs, loss: str) -> None:
        self._rows = rows
        self._programs = programs
        self._task: TaskType = data.signature.task
        self._activation = str(job.configuration.get("activation", "linear"))
        self._weights = initial_weights(job.configuration, data.signature, job.seed)
        exact = exact_shape(job.configuration, data.signature, rows.count, loss)
        self._steps = -(-rows.count // exact.batch)
        steps = int(job.configuration["epochs"]) * self._steps
        self._program = programs.serve(exact, steps, rows.train, program_cache(data.folder))
        self._fit = Fit(job, self._program, rows.train, rows.count, self._weights)

    def epoch(self, step: int) -> tuple[dict[str, float], NDArray[np.float32]]:
        before = time.monotonic()
        means = self._fit.epoch(step)
        self._programs.observe(self._program.shape, self._steps, time.monotonic() - before)
        self._weights = self._fit.weights()
        fitted = dict(zip(_fitted_names(self._task), means, strict=True))
        return fitted, predict(self._weights, self._activation, self._task, self._rows.validation_x)

    def weights(self) -> Weights:
        return self._weights


def _fitted_names(task: TaskType) -> tuple[str, str, str]:
    return ("loss", "mse", "mae") if task == "regression" else ("loss", "accuracy", "accuracy")
