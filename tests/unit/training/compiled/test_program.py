from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from hpsearch.data.dataset import Arrays, Signature
from hpsearch.model import build_model, initial_weights
from hpsearch.space.table import OPTIMIZERS
from hpsearch.training.compiled.activations import BLEND
from hpsearch.training.compiled.dropout import BITS, kept_units, step_keys
from hpsearch.training.compiled.fit import Fit
from hpsearch.training.compiled.padding import pack, unpack
from hpsearch.training.compiled.program import Knobs, Program, Rows, State, build_program
from hpsearch.training.compiled.rows import load_rows
from hpsearch.training.compiled.shape import Shape, exact_shape
from hpsearch.training.quiet import import_keras
from hpsearch.training.seeds import row_order
from hpsearch.training.trainer import Job

keras = import_keras()
import tensorflow as tf  # noqa: E402 - silenced first

SIGNATURE = Signature("regression", 4, tuple("wxyz"), tuple("wxyz"), "y")
ROWS, UNITS, SEED = 60, (7, 3), 5


def _configuration(**changes: Any) -> dict[str, Any]:
    net = {"hidden_layers": 2, "neurons_1": UNITS[0], "neurons_2": UNITS[1], "activation": "sigmoid", "dropout": 0.0}
    training = {"optimizer": "sgd", "learning_rate": 0.01, "batch_size": ROWS, "epochs": 1}
    return {**net, **training, **changes}


def _arrays() -> Arrays:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(ROWS, 4)).astype(np.float32)
    return Arrays(x, np.tanh(x[:, 0] - x[:, 1]).astype(np.float32))


@cache
def _program(shape: Shape) -> Program:
    return build_program(shape)


def _roomy() -> Program:
    exact = exact_shape(_configuration(), SIGNATURE, ROWS, "mse")
    return _program(replace(exact, widths=(10, 5), batch=ROWS + 4, activation=BLEND, penalized=True))


def _heard(
    configuration: dict[str, Any], epochs: int = 1, change: Callable[[Rows], Rows] = lambda rows: rows
) -> list[tuple[Knobs, State]]:
    """Return what each call of the roomy program was given and gave back."""
    calls: list[tuple[Knobs, State]] = []

    def run(state: State, rows: Rows, knobs: Knobs) -> State:
        calls.append((knobs, _roomy().run(state, rows, knobs)))
        return calls[-1][1]

    rows = change(load_rows(_arrays(), SIGNATURE, balanced=False))
    start = initial_weights(configuration, SIGNATURE, SEED)
    fit = Fit(Job(0, 1, 0, SEED, configuration), Program(_roomy().shape, run), rows, ROWS, start)
    for number in range(1, epochs + 1):
        fit.epoch(number)
    return calls


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("changes", [{"weight_decay": 0.5, "l2": 0.1}, {"dropout": 0.3, "activation": "elu"}])
def test_padding_is_exactly_zero_after_any_steps(optimizer: str, changes: dict[str, Any]) -> None:
    configuration = _configuration(optimizer=optimizer, batch_size=16, learning_rate=0.1, **changes)
    shape = _roomy().shape
    for _, state in _heard(configuration, epochs=3):
        w: NDArray[np.float32] = state.w.numpy()
        np.testing.assert_array_equal(pack(unpack(w, shape, UNITS), shape), w)
        assert np.isfinite(w).all()


@pytest.mark.parametrize("changes", [{}, {"l2": 0.1}, {"activation": "silu"}])
def test_the_gradient_is_that_of_automatic_differentiation(changes: dict[str, Any]) -> None:
    """One step of plain descent at rate 1 from small weights, so that the difference keeps the gradient's digits."""
    configuration = _configuration(learning_rate=1.0, **changes)
    model, train = build_model(configuration, SIGNATURE, SEED, "mse"), _arrays()
    with tf.GradientTape() as tape:
        error = model(train.x)[:, 0] - train.y
        loss = tf.reduce_mean(error * error) + sum(model.losses, 0.0)
    expected = tape.gradient(loss, model.trainable_weights)
    ((_, state),) = _heard(configuration)
    after = unpack(state.w.numpy(), _roomy().shape, UNITS)
    for was, now, gradient in zip(model.get_weights(), after, expected, strict=True):
        np.testing.assert_allclose(was - now, gradient, rtol=1e-5, atol=2.0**-23)


def test_rows_past_the_count_are_never_seen() -> None:
    def spoilt(rows: Rows) -> Rows:
        bad = tf.constant(np.arange(rows.x.shape[0]) >= ROWS)
        return Rows(*(tf.where(bad[:, None] if part.ndim == 2 else bad, 1e30, part) for part in rows))

    ((_, clean),) = _heard(_configuration())
    ((_, state),) = _heard(_configuration(), change=spoilt)
    np.testing.assert_array_equal(state.w, clean.w)
    np.testing.assert_array_equal(state.sums, clean.sums)


def test_masks_are_those_of_the_trial_s_own_step_and_layer() -> None:
    """Keras's net with the same masks put in by hand ends in the same weights."""
    rate, size = 0.4, 16
    configuration = _configuration(dropout=rate, batch_size=size, learning_rate=0.1)
    calls = _heard(configuration, epochs=2)
    layer_keys, dropped = calls[0][0].keys, tf.constant(round(rate * 2**BITS))
    model, train = build_model(configuration, SIGNATURE, SEED, "mse"), _arrays()
    hidden = [layer for layer in model.layers if layer.name.startswith("hidden")]
    step = 0
    for number, (_, state) in enumerate(calls, start=1):
        order = row_order(SEED, number, ROWS)
        for start in range(0, ROWS, size):
            chosen = order[start : start + size]
            with tf.GradientTape() as tape:
                passed, keys = train.x[chosen], step_keys(layer_keys, tf.constant(step))
                for i, layer in enumerate(hidden):
                    kept = kept_units(keys[i], (len(chosen), layer.units), dropped)
                    passed = layer(passed) * tf.where(kept, 1 / (1 - rate), 0.0)
                loss = tf.reduce_mean((model.layers[-1](passed)[:, 0] - train.y[chosen]) ** 2)
            gradients = tape.gradient(loss, model.trainable_weights)
            model.optimizer.apply(gradients, model.trainable_weights)
            step += 1
        for ours, theirs in zip(unpack(state.w.numpy(), _roomy().shape, UNITS), model.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_the_mean_loss_under_dropout_is_the_one_that_follows_from_rate_and_scale(rate: float) -> None:
    """With one hidden layer h and output weights w the mean over all masks of (f - y)^2 is, by arithmetic,

    (f0 - y)^2 + rate / (1 - rate) * (sum over units of (w h)^2), f0 the output without dropout. The weights stand
    still for a hundred epochs. False alarms: 1 in 10,000 (t-test).
    """
    configuration = _configuration(dropout=rate, learning_rate=1e-12)
    del configuration["neurons_2"]
    configuration["hidden_layers"] = 1
    w1, b1, w2, b2 = weights = initial_weights(configuration, SIGNATURE, SEED)
    train = _arrays()
    h = 1 / (1 + np.exp(-(train.x @ w1 + b1)))  # (rows, units)
    without = (h @ w2 + b2)[:, 0] - train.y
    expected = np.mean(without**2 + rate / (1 - rate) * (h**2 @ w2**2)[:, 0])
    program = _program(exact_shape(configuration, SIGNATURE, ROWS, "mse"))
    fit = Fit(Job(0, 1, 0, SEED, configuration), program, load_rows(train, SIGNATURE, balanced=False), ROWS, weights)
    losses = [fit.epoch(number)[0] for number in range(1, 101)]
    assert stats.ttest_1samp(losses, expected).pvalue > 1e-4
