"""One job's weights on their way through the epochs: what surrounds the compiled steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpsearch.space.space import Configuration, widths
from hpsearch.training.compiled.activations import coefficients
from hpsearch.training.compiled.dropout import BITS, layer_keys
from hpsearch.training.compiled.optimizer_rows import FIELDS, initial_v, optimizer_rows
from hpsearch.training.compiled.padding import pack, unpack
from hpsearch.training.compiled.program import SEGMENT, Knobs, Program, Rows, State
from hpsearch.training.seeds import row_order
from hpsearch.training.trainer import Job, Weights


class Fit:
    """Trains a job epoch by epoch with a program whose shape holds it. count: the training rows among `rows`."""

    def __init__(self, job: Job, program: Program, rows: Rows, count: int, weights: Weights) -> None:
        import tensorflow as tf

        self._job = job
        self._program = program
        self._rows = rows
        self._count = count
        w = tf.constant(pack(weights, program.shape))
        self._state = State(w, tf.zeros_like(w), tf.fill(w.shape, initial_v(job.configuration)), tf.zeros(3))
        self._batch = min(int(job.configuration["batch_size"]), program.shape.batch)
        self._steps = -(-count // self._batch)
        self._rate = float(job.configuration.get("dropout", 0.0))
        self._keys = tf.constant(layer_keys(_dropout_seed(job.seed), len(program.shape.widths)))
        self._kept_scales = tuple(map(_real, _kept_scales(program.shape.widths, widths(job.configuration), self._rate)))

    def epoch(self, number: int) -> tuple[float, float, float]:
        """Train an epoch, counted from 1; return its means over the rows: loss with penalties, and two metrics."""
        import tensorflow as tf

        state = self._state._replace(sums=tf.zeros(3))
        order = self._order(number)
        for first in range(0, self._steps, SEGMENT):
            state = self._program.run(state, self._rows, self._knobs(number, first, order))
        self._state = state
        loss, a, b = (float(value) / self._count for value in state.sums.numpy())
        return loss, a, b

    def weights(self) -> Weights:
        """Return the weights as they are, as `Model.get_weights()` lists them."""
        return unpack(self._state.w.numpy(), self._program.shape, widths(self._job.configuration))

    def _order(self, number: int) -> NDArray[np.int32]:
        shape = self._program.shape
        order = np.zeros(shape.rows + shape.batch, np.int32)
        order[: self._count] = row_order(self._job.seed, number, self._count)
        return order

    def _knobs(self, number: int, first: int, order: NDArray[np.int32]) -> Knobs:
        configuration = self._job.configuration
        steps = min(SEGMENT, self._steps - first)
        before = (number - 1) * self._steps + first
        rows = np.zeros((SEGMENT, len(FIELDS)), np.float32)
        rows[:steps] = optimizer_rows(configuration, before + 1, steps)
        return Knobs(
            first=_whole(first), steps=_whole(steps), count=_whole(self._count), batch=_whole(self._batch),
            counter=_whole(before), dropped=_whole(round(self._rate * 2**BITS)), keys=self._keys,
            kept_scales=self._kept_scales,
            l2=_real(float(configuration.get("l2", 0.0))), activation=_real(_activation(configuration)),
            optimizer=_real(rows), order=_whole(order),
        )  # fmt: skip


def _kept_scales(room: tuple[int, ...], units: tuple[int, ...], rate: float) -> list[NDArray[np.float32]]:
    """Return what the units of each hidden layer are scaled by when they are kept; 0 where there is only room."""
    scales = [np.zeros(width, np.float32) for width in room]
    for scale, width in zip(scales, units, strict=True):
        scale[:width] = 1 / (1 - rate)
    return scales


def _activation(configuration: Configuration) -> tuple[float, ...]:
    return coefficients(str(configuration.get("activation", "linear")))


def _dropout_seed(seed: int) -> int:
    return int(np.random.SeedSequence((seed, 1)).generate_state(1)[0] >> 1)


def _whole(values: object) -> object:
    import tensorflow as tf

    return tf.constant(np.asarray(values, np.int32))


def _real(values: object) -> object:
    import tensorflow as tf

    return tf.constant(np.asarray(values, np.float32))
