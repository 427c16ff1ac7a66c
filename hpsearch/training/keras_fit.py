"""Trains with Keras's own `model.fit`: the reference that every faster trainer is held against."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hpsearch.data.dataset import Dataset
from hpsearch.model import build_model
from hpsearch.training.device_rows import DeviceRows
from hpsearch.training.epoch_metrics import EpochMetrics
from hpsearch.training.epochs import Fit, train_epochs
from hpsearch.training.last_split import LastSplit
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

    def __init__(self, settings: Settings, build: Callable[[Job, Dataset], keras.Model] | None = None) -> None:
        """build: makes the compiled net of a job, if it is none of the table's."""
        self._settings = settings
        self._build = build
        self._rows = LastSplit(self._load)

    def train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
        """Yield each epoch as it ends and return the outcome (see `trainer.Trainer`)."""
        import_keras()
        built: list[keras.Model] = []

        def start() -> tuple[Fit, EpochMetrics]:
            rows = self._rows.of(data, job.split)
            built.append(self._net(job, data))
            return _KerasFit(job, rows, built[0]), rows.metrics

        count = None if self._build is None else lambda: sum(model.count_params() for model in built)
        with released_graphs():
            try:
                return (yield from train_epochs(job, data, self._settings, "keras", start, count))
            finally:
                built.clear()

    def _net(self, job: Job, data: Dataset) -> keras.Model:
        if self._build is not None:
            return self._build(job, data)
        return build_model(job.configuration, data.signature, job.seed, self._settings.loss)

    def _load(self, data: Dataset, split: int) -> _SplitRows:
        import tensorflow as tf

        arrays = data.split(split)
        return _SplitRows(
            DeviceRows(arrays.train, data.signature, balanced=self._settings.class_weight == "balanced"),
            tf.constant(np.asarray(arrays.validation.x)),
            EpochMetrics(data.signature.task, arrays, self._settings),
        )


@dataclass(frozen=True)
class _SplitRows:
    train: DeviceRows
    validation_x: tf.Tensor  # (rows, inputs)
    metrics: EpochMetrics


class _KerasFit:
    """A Keras model on its way through the epochs."""

    def __init__(self, job: Job, rows: _SplitRows, model: keras.Model) -> None:
        self._seed = job.seed
        self._rows = rows
        self._model = model
        if not model.run_eagerly:
            model.steps_per_execution = STEPS_PER_EXECUTION
        self._batches = rows.train.batches(int(job.configuration["batch_size"]))
        self._predict = Predictor(model)

    def epoch(self, step: int) -> tuple[dict[str, float], NDArray[np.float32]]:
        self._batches.reorder(row_order(self._seed, step, self._rows.train.count))
        span = {"initial_epoch": step - 1, "epochs": step}
        history = self._model.fit(self._batches.dataset, **span, shuffle=False, verbose=0).history
        fitted = {name: float(values[0]) for name, values in history.items()}
        return fitted, self._predict(self._rows.validation_x)

    def weights(self) -> Weights:
        weights: Weights = self._model.get_weights()
        return weights


class Predictor:
    """Predicts with one program whatever the number of rows (`model.predict` costs five times as much a call)."""

    def __init__(self, model: keras.Model) -> None:
        import tensorflow as tf

        widest = max((max(array.shape) for array in model.weights if len(array.shape) > 1), default=1)
        self._chunk = max(256, 2**22 // widest)  # activations stay near 16 MB
        signature = tf.TensorSpec((None, model.input_shape[1]), tf.float32)
        self._run = tf.function(lambda x: model(x, training=False), input_signature=[signature], autograph=False)

    def __call__(self, x: tf.Tensor) -> NDArray[np.float32]:
        """Return (rows,), or (rows, classes)."""
        chunks = [self._run(x[start : start + self._chunk]).numpy() for start in range(0, len(x), self._chunk)]
        prediction: NDArray[np.float32] = np.concatenate(chunks)
        return prediction[:, 0] if prediction.shape[1] == 1 else prediction
