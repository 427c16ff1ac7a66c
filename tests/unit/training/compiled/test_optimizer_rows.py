from __future__ import annotations

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


def _ours(configuration: dict[str, object], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The formula at the top of the module, in numpy."""
    w, m, v = START, np.zeros(6, np.float32), np.full(6, initial_v(configuration), np.float32)
    for g, (decay, m1, m2, v1, v2, peak, u1, u2, d, inner, outer) in zip(GRADIENTS, rows, strict=True):
        w = w - decay * w
        m = m1 * m + m2 * g
        v = np.maximum(v1 * v, g * g) if peak else v1 * v + v2 * g * g
        w = w - (u1 * m + u2 * g) / (np.sqrt(d * v + inner) + outer)
    return w


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_formula_is_keras_s_optimizer(name: str, weight_decay: float) -> None:
    configuration = _configuration(name, weight_decay=weight_decay)
    variable, optimizer = keras.Variable(START), make_optimizer(configuration)
    for g in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(g)], [variable])
    ours = _ours(configuration, optimizer_rows(configuration, 1, STEPS))
    np.testing.assert_allclose(ours, variable.numpy(), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("first", [2, 20, 30_000])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rows_may_be_asked_for_in_pieces(name: str, first: int) -> None:
    whole = optimizer_rows(_configuration(name), first - 1, 30)
    np.testing.assert_allclose(optimizer_rows(_configuration(name), first, 29), whole[1:], rtol=1e-6)
    assert whole.shape == (30, len(FIELDS))
    assert np.isfinite(whole).all()
