"""Optimizers as rows of coefficients of one update formula, a row for each training step.

With gradient g (of the weights before they decay) and state m, v:

    w <- w - decay w
    m <- m1 m + m2 g
    v <- v1 v + v2 g^2,  or max(v1 v, g^2) where `peak` is 1
    w <- w - (u1 m + u2 g) / (sqrt(d v + inner) + outer)

Every formula is that of Keras 3.15 (`keras/src/optimizers`), which differs from its paper where said. The state of
`adamax` is the square of the paper's u. Padding stays zero: where g, m and w are zero so is the update.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpsearch.space.space import Configuration

FIELDS = ("decay", "m1", "m2", "v1", "v2", "peak", "u1", "u2", "d", "inner", "outer")
_EPSILON = 1e-7  # Keras's, for all


def optimizer_rows(configuration: Configuration, first: int, steps: int) -> NDArray[np.float32]:
    """Return (steps, FIELDS) coefficients for the steps first, first + 1, ...; a trial's first step is 1."""
    name, lr = str(configuration["optimizer"]), float(configuration["learning_rate"])
    t = np.arange(first, first + steps, dtype=np.float64)
    row = _RULES[name](lr, t)._replace(decay=lr * float(configuration.get("weight_decay", 0.0)))
    return np.stack([np.broadcast_to(np.asarray(value, np.float32), (steps,)) for value in row], axis=1)


def initial_v(configuration: Configuration) -> float:
    """Return what v starts from; m starts from 0."""
    return 0.1 if configuration["optimizer"] == "adagrad" else 0.0


Value = float | NDArray[np.float64]


class _Row(NamedTuple):
    """Each a number, or one a step. By default: plain gradient descent, nothing remembered, divided by one."""

    decay: Value = 0.0
    m1: Value = 0.0
    m2: Value = 0.0
    v1: Value = 0.0
    v2: Value = 0.0
    peak: Value = 0.0
    u1: Value = 0.0
    u2: Value = 0.0
    d: Value = 0.0
    inner: Value = 1.0
    outer: Value = 0.0


def _sgd(lr: float, _: NDArray[np.float64]) -> _Row:
    return _Row(u2=lr)


def _momentum(lr: float, _: NDArray[np.float64]) -> _Row:
    return _Row(m1=0.9, m2=lr, u1=1.0)


def _nesterov(lr: float, _: NDArray[np.float64]) -> _Row:
    """Sutskever et al. 2013: the step looks ahead along the new momentum."""
    return _Row(m1=0.9, m2=lr, u1=0.9, u2=lr)


def _rmsprop(lr: float, _: NDArray[np.float64]) -> _Row:
    return _Row(v1=0.9, v2=0.1, u2=lr, d=1.0, inner=_EPSILON)


def _adagrad(lr: float, _: NDArray[np.float64]) -> _Row:
    """Duchi et al. 2011, with epsilon under the root."""
    return _Row(v1=1.0, v2=1.0, u2=lr, d=1.0, inner=_EPSILON)


def _adam(lr: float, t: NDArray[np.float64]) -> _Row:
    """Kingma & Ba 2015, section 2.1's last formula: bias corrections in the step, epsilon beside the plain root."""
    step = lr * np.sqrt(1 - _power(_BETA_2, t)) / (1 - _power(_BETA_1, t))
    return _Row(m1=0.9, m2=0.1, v1=0.999, v2=0.001, u1=step, d=1.0, inner=0.0, outer=_EPSILON)


def _adamax(lr: float, t: NDArray[np.float64]) -> _Row:
    """Kingma & Ba 2015, algorithm 2."""
    step = lr / (1 - _power(_BETA_1, t))
    return _Row(m1=0.9, m2=0.1, v1=0.999**2, peak=1.0, u1=step, d=1.0, inner=0.0, outer=_EPSILON)


def _nadam(lr: float, t: NDArray[np.float64]) -> _Row:
    """Dozat 2015, with its schedule of momenta u_t = 0.9 (1 - 0.96^t / 2)."""
    now, then = (0.9 * (1 - 0.5 * 0.96**s) for s in (t, t + 1))
    # The product of all momenta so far is below 0.9^t: past a thousand steps it is zero in float32.
    earlier = np.arange(1, min(int(t[0]), 1000), dtype=np.float64)
    product = np.prod(0.9 * (1 - 0.5 * 0.96**earlier)) * np.cumprod(now)
    # Here alone Keras rounds its betas to float32 before it subtracts them from 1: v2 is 1.3e-5 of itself below 0.001.
    return _Row(
        m1=0.9, m2=1 - float(_BETA_1), v1=0.999, v2=1 - float(_BETA_2), u1=lr * then / (1 - product * then),
        u2=lr * (1 - now) / (1 - product), d=1 / (1 - _power(_BETA_2, t)), inner=0.0, outer=_EPSILON,
    )  # fmt: skip


_BETA_1, _BETA_2 = np.float32(0.9), np.float32(0.999)


def _power(beta: np.float32, t: NDArray[np.float64]) -> NDArray[np.float64]:
    # Keras raises beta rounded to float32: 1 - beta differs by 1e-5 from that of 0.999.
    return np.asarray(np.float64(beta) ** t)


_RULES = {
    "sgd": _sgd, "momentum": _momentum, "nesterov": _nesterov, "rmsprop": _rmsprop, "adagrad": _adagrad,
    "adam": _adam, "adamw": _adam, "adamax": _adamax, "nadam": _nadam,
}  # fmt: skip
