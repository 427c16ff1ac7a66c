"""Trains with Keras's own `model.fit`: the reference that every faster trainer is held against."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hpsearch.data.dataset import Dataset
from hpsearch.errors import TrialFailed
from hpsearch.model import build_model, count_parameters
from hpsearch.training.best_epoch import BestEpoch
from hpsearch.training.device_rows import DeviceRows
from hpsearch.training.epoch_metrics import EpochMetrics
from hpsearch.training.quiet import import_keras
from hpsearch.training.release import released_graphs
from hpsearch.training.seeds import row_order
from hpsearch.training.trainer import Epoch, Job, Outcome, Settings, Weights

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

STEPS_PER_EXECUTION = 64
"""Gradient steps for each call out of Python. A 64-32 net on 6,400 rows, batch 32, one thread takes 0.06 s an epoch so,
and 0.19 s with 1; more gains nothing, and tracing costs the same."""


class KerasTrainer:
    """Trains one job at a time; the rows of the split it trained last stay in memory for the next job."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rows: _SplitRows | None = None

    def train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
        """Yield each epoch as it ends and return the outcome (see `trainer.Trainer`)."""
        import_keras()
        import tensorflow as tf

        started = time.monotonic()
        parameters = count_parameters(job.configuration, data.signature)
        best, failure = _Best(), ""
        with released_graphs():
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
            trainer="keras",
        )

    def _epochs(self, job: Job, data: Dataset) -> Generator[Epoch, None, _Best]:
        rows = self._load(data, job.split)
        model = build_model(job.configuration, data.signature, job.seed, self._settings.loss)
        model.steps_per_execution = STEPS_PER_EXECUTION
        batches = rows.train.batches(int(job.configuration["batch_size"]))
        predict = _Predictor(model)
        follow, best = BestEpoch(self._settings), _Best()
        for step in range(1, int(job.configuration["epochs"]) + 1):
            batches.reorder(row_order(job.seed, step, rows.train.count))
            history = model.fit(batches.dataset, initial_epoch=step - 1, epochs=step, shuffle=False, verbose=0).history
            fitted = {name: float(values[0]) for name, values in history.items()}
            metrics, objective = rows.metrics.measure(step, fitted, predict(rows.validation_x))
            if follow.is_new_best(step, objective):
                best = _Best(step, metrics, model.get_weights())
            yield Epoch(job.token, step, metrics)
            if follow.is_hopeless(step):
                break
        return best

    def _load(self, data: Dataset, split: int) -> _SplitRows:
        key = (data.folder, data.digest, split)
        if self._rows is None or self._rows.key != key:
            self._rows = None  # the old rows go before the new ones come
            self._rows = _load_rows(data, split, self._settings)
        return self._rows


@dataclass(frozen=True)
class _SplitRows:
    key: tuple[Path, str, int]
    train: DeviceRows
    validation_x: tf.Tensor  # (rows, inputs)
    metrics: EpochMetrics


def _load_rows(data: Dataset, split: int, settings: Settings) -> _SplitRows:
    import tensorflow as tf

    arrays = data.split(split)
    return _SplitRows(
        (data.folder, data.digest, split),
        DeviceRows(arrays.train, data.signature, balanced=settings.class_weight == "balanced"),
        tf.constant(np.asarray(arrays.validation.x)),
        EpochMetrics(data.signature.task, arrays, settings),
    )


@dataclass(frozen=True)
class _Best:
    step: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    weights: Weights | None = None


class _Predictor:
    """Predicts with one program whatever the number of rows (`model.predict` costs five times as much a call)."""

    def __init__(self, model: keras.Sequential) -> None:
        import tensorflow as tf

        widest = max(max(layer.kernel.shape) for layer in model.layers if hasattr(layer, "kernel"))
        self._chunk = max(256, 2**22 // widest)  # activations stay near 16 MB
        signature = tf.TensorSpec((None, model.input_shape[1]), tf.float32)
        self._run = tf.function(lambda x: model(x, training=False), input_signature=[signature], autograph=False)

    def __call__(self, x: tf.Tensor) -> NDArray[np.float32]:
        """Return (rows,), or (rows, classes)."""
        chunks = [self._run(x[start : start + self._chunk]).numpy() for start in range(0, len(x), self._chunk)]
        prediction: NDArray[np.float32] = np.concatenate(chunks)
        return prediction[:, 0] if prediction.shape[1] == 1 else prediction
