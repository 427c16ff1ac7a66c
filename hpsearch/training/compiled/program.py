"""The training steps of a dense net as one XLA program: gather, forward, loss, backward, update, and again.

Hyperparameters enter as numbers (`Knobs`), never as code, so that a program serves every configuration its shape holds.
All weights are one vector and the backward pass is written out: a third less to compile than layer by layer with a
gradient tape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from hpsearch.training.compiled.activations import COEFFICIENTS, activate
from hpsearch.training.compiled.dropout import kept_units, step_keys
from hpsearch.training.compiled.losses import loss_terms
from hpsearch.training.compiled.optimizer_rows import FIELDS
from hpsearch.training.compiled.shape import Shape

if TYPE_CHECKING:
    import tensorflow as tf

SEGMENT = 1024
"""Steps of one call at most: the room for the optimizer's rows, whatever the number of training rows."""


class State(NamedTuple):
    """What a step changes. P = shape.weights."""

    w: tf.Tensor  # (P,)
    m: tf.Tensor  # (P,)
    v: tf.Tensor  # (P,)
    sums: tf.Tensor  # (3,) over the epoch's rows so far: loss with penalties, and the two metrics of `losses.py`


class Rows(NamedTuple):
    """The training rows, up to shape.rows of them."""

    x: tf.Tensor  # (rows, inputs)
    y: tf.Tensor  # (rows,)
    weight: tf.Tensor  # (rows,)


class Knobs(NamedTuple):
    """One trial's configuration, and where it is in its epoch."""

    first: tf.Tensor  # () int32, the segment's first step in this epoch, counted from 0
    steps: tf.Tensor  # () int32, at most SEGMENT
    count: tf.Tensor  # () int32, training rows
    batch: tf.Tensor  # () int32
    counter: tf.Tensor  # () int32, steps of the trial before this segment
    keys: tf.Tensor  # (hidden layers,) uint32, of dropout
    dropped: tf.Tensor  # () int32, see `dropout.py`
    kept_scales: tuple[tf.Tensor, ...]  # (units,) for each hidden layer: 1 / (1 - dropout), 0 where a unit is padding
    l2: tf.Tensor  # ()
    activation: tf.Tensor  # (COEFFICIENTS,)
    optimizer: tf.Tensor  # (SEGMENT, FIELDS)
    order: tf.Tensor  # (rows + batch,) int32, the epoch's permutation of the rows; its end is padding


@dataclass(frozen=True)
class Program:
    """A compiled program and what it was compiled for."""

    shape: Shape
    run: Callable[[State, Rows, Knobs], State]
    """Train `knobs.steps` steps. The first call compiles."""


def build_program(shape: Shape) -> Program:
    """Trace the program of a shape."""
    import tensorflow as tf

    def segment(state: State, rows: Rows, knobs: Knobs) -> State:
        def step(i: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
            return i + 1, _step(shape, i, state, rows, knobs)

        return tf.while_loop(lambda i, _: i < knobs.steps, step, (tf.constant(0), state))[1]  # type: ignore[no-any-return]

    compiled = tf.function(segment, input_signature=_signature(shape), jit_compile=True, autograph=False)
    return Program(shape, compiled.get_concrete_function())


def _step(shape: Shape, i: tf.Tensor, state: State, rows: Rows, knobs: Knobs) -> State:
    import tensorflow as tf

    start = (knobs.first + i) * knobs.batch
    # Not tf.slice: XLA takes its start as a constant, and would compile again for every batch size and segment.
    chosen = tf.gather(knobs.order, start + tf.range(shape.batch))
    n = tf.minimum(knobs.batch, knobs.count - start)  # the last batch may be ragged
    x, y, weight = (tf.gather(part, chosen) for part in rows)
    layers = _layers(shape, state.w)

    hidden = _forward(shape, x, layers, knobs, knobs.counter + i)
    kernel, bias = layers[-1]
    outputs = hidden[-1].output @ kernel + bias
    row_loss, slope, metrics = loss_terms(shape.loss, outputs, y)

    # Keras 3 divides a batch's weighted losses by its rows, not by the sum of the weights.
    live_rows, n = tf.cast(tf.range(shape.batch) < n, tf.float32), tf.cast(n, tf.float32)
    weight = weight * live_rows
    gradient = _backward(shape, slope * (weight / n)[:, None], hidden, layers, knobs.l2)
    measured = tf.concat([(row_loss * weight)[:, None], metrics * live_rows[:, None]], axis=1)
    sums = state.sums + tf.reduce_sum(measured, axis=0)
    if shape.penalized:
        sums += [n * _penalty(layers, knobs.l2), 0.0, 0.0]
    w, m, v = _update(state, gradient, knobs.optimizer[i])
    return State(w, m, v, sums)


@dataclass(frozen=True)
class _Hidden:
    """A layer's output and its derivative by the layer's kernel product, dropout and padding applied to both."""

    output: Any  # (batch, units)
    slope: Any  # (batch, units)


def _forward(shape: Shape, x: tf.Tensor, layers: Layers, knobs: Knobs, step: tf.Tensor) -> list[_Hidden]:
    """Return the inputs and each hidden layer's output."""
    import tensorflow as tf

    passed = [_Hidden(x, None)]
    keys = step_keys(knobs.keys, step)
    for layer, units in enumerate(shape.widths):
        kernel, bias = layers[layer]
        f, slope = activate(shape.activation, knobs.activation, passed[-1].output @ kernel + bias)
        kept = kept_units(keys[layer], (shape.batch, units), knobs.dropped)
        # Where a unit is padding, f(0) need not be zero: sigmoid(0) is 1/2.
        scale = tf.where(kept, knobs.kept_scales[layer], 0.0)
        passed.append(_Hidden(f * scale, slope * scale))
    return passed


def _backward(shape: Shape, delta: tf.Tensor, hidden: list[_Hidden], layers: Layers, l2: tf.Tensor) -> tf.Tensor:
    """Return the gradient of all weights, (P,). delta: (batch, outputs), the loss's derivative by the net's outputs."""
    import tensorflow as tf

    parts: list[tf.Tensor] = []
    for layer in reversed(range(len(layers))):
        kernel, _ = layers[layer]
        by_kernel = tf.matmul(hidden[layer].output, delta, transpose_a=True)
        if shape.penalized:
            by_kernel += 2.0 * l2 * kernel
        parts = [tf.reshape(by_kernel, [-1]), tf.reduce_sum(delta, axis=0), *parts]
        if layer > 0:
            delta = tf.matmul(delta, kernel, transpose_b=True) * hidden[layer].slope
    return tf.concat(parts, axis=0)


def _update(state: State, g: tf.Tensor, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return w, m, v after one step of the formula of `optimizer_rows.py`. row: (FIELDS,)."""
    import tensorflow as tf

    decay, m1, m2, v1, v2, peak, u1, u2, d, inner, outer = tf.unstack(row)
    w = state.w - decay * state.w
    m = m1 * state.m + m2 * g
    v = tf.where(peak > 0.0, tf.maximum(v1 * state.v, g * g), v1 * state.v + v2 * (g * g))
    return w - (u1 * m + u2 * g) / (tf.sqrt(d * v + inner) + outer), m, v


def _penalty(layers: Layers, l2: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return l2 * tf.add_n([tf.reduce_sum(kernel * kernel) for kernel, _ in layers])


Layers = list[tuple[Any, Any]]
"""Kernel (fan_in, units) and bias (units,) of each Dense layer."""


def _layers(shape: Shape, w: tf.Tensor) -> Layers:
    import tensorflow as tf

    sizes = [size for fan_in, units in shape.layers for size in (fan_in * units, units)]
    parts = tf.split(w, sizes)
    kernels = [tf.reshape(part, size) for part, size in zip(parts[::2], shape.layers, strict=True)]
    return list(zip(kernels, parts[1::2], strict=True))


def _signature(shape: Shape) -> list[Any]:
    import tensorflow as tf

    def real(*size: int) -> tf.TensorSpec:
        return tf.TensorSpec(size, tf.float32)

    def whole(*size: int) -> tf.TensorSpec:
        return tf.TensorSpec(size, tf.int32)

    weights = real(shape.weights)
    return [
        State(weights, weights, weights, real(3)),
        Rows(real(shape.rows, shape.inputs), real(shape.rows), real(shape.rows)),
        Knobs(
            first=whole(), steps=whole(), count=whole(), batch=whole(), counter=whole(), dropped=whole(),
            keys=tf.TensorSpec(len(shape.widths), tf.uint32), kept_scales=tuple(map(real, shape.widths)), l2=real(),
            activation=real(COEFFICIENTS), optimizer=real(SEGMENT, len(FIELDS)), order=whole(shape.rows + shape.batch),
        ),
    ]  # fmt: skip
