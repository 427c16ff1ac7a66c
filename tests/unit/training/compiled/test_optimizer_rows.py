from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from hpsearch.model import make_optimizer
from hpsearch.space.table import OPTIMIZERS
from hpsearch.training.compiled.optimizer_rows import FIELDS, initial_v, optimizer_rows
from hpsearch.training.quiet import import_keras

keras = import_keras()

STEPS = 40
START = np.linspace(-1, 1, 6, dtype=np.float32)
GRADIENTS = np.random.default_rng(1).normal(size=(STEPS, 6)).astype(np.float32) * np.float32(3)


def _configuration(optimizer: str, **changes: float) -> dict[str, object]:
    return {"optimizer": optimizer, "learning_rate": 0.02, **changes}


def _steps(configuration: dict[str, object], start: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Yield the weights after each step of the formula at the top of the module, in numpy."""
    w, m, v = start, np.zeros_like(start), np.full_like(start, initial_v(configuration))
    rows = optimizer_rows(configuration, 1, STEPS)
    for g, (decay, m1, m2, v1, v2, peak, u1, u2, d, inner, outer) in zip(GRADIENTS, rows, strict=True):
        w = w - decay * w
        m = m1 * m + m2 * g
        v = np.maximum(v1 * v, g * g) if peak else v1 * v + v2 * g * g
        w = w - (u1 * m + u2 * g) / (np.sqrt(d * v + inner) + outer)
        yield w


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_formula_is_keras_s_optimizer_at_every_step(name: str, weight_decay: float) -> None:
    configuration = _configuration(name, weight_decay=weight_decay)
    variable, optimizer = keras.Variable(START), make_optimizer(configuration)
    for g, ours in zip(GRADIENTS, _steps(configuration, START), strict=True):
        optimizer.apply([keras.ops.convert_to_tensor(g)], [variable])
        np.testing.assert_allclose(ours, variable.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_step_is_longer_or_shorter_than_keras_s(name: str) -> None:
    """To 1e-5: Keras raises its betas in float32, and 1 - 0.999 ** 2 has lost three digits to the rounding of 1."""
    configuration = _configuration(name)
    variable, optimizer = keras.Variable(np.zeros(1, np.float32)), make_optimizer(configuration)
    m, v = np.float32(0), np.float32(initial_v(configuration))
    for _, m1, m2, v1, v2, peak, u1, u2, d, inner, outer in optimizer_rows(configuration, 1, STEPS):
        variable.assign([0.0])
        optimizer.apply([keras.ops.ones(1)], [variable])
        m, v = m1 * m + m2, max(v1 * v, np.float32(1)) if peak else v1 * v + v2
        step = (u1 * m + u2) / (np.sqrt(d * v + inner) + outer)
        np.testing.assert_allclose(-variable.numpy(), step, rtol=1e-5)


@pytest.mark.parametrize("first", [2, 20, 30_000])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rows_may_be_asked_for_in_pieces(name: str, first: int) -> None:
    whole = optimizer_rows(_configuration(name), first - 1, 30)
    np.testing.assert_allclose(optimizer_rows(_configuration(name), first, 29), whole[1:], rtol=1e-6)
    assert whole.shape == (30, len(FIELDS))
    assert np.isfinite(whole).all()
