"""Activations as one formula with a row of coefficients, fixed when a program is compiled or given to it as numbers.

With e = exp(min(z, 0)) - 1 and t = tanh(s z)

    f(z) = p max(z, 0) + q min(z, 0) + r e + a + (b + c z) t

is every activation of the table but `gelu` and `softplus`, which have formulas of their own. With a fixed row the terms
that are zero are left out; with the row as data (`BLEND`) a program serves them all, for a third more time of compiling
and a tenth more of each step. (A choice by `tf.switch_case` doubled the time of compiling.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf

COEFFICIENTS = 7
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017

_ROWS: dict[str, tuple[float, ...]] = {
    #               p,   q,   r,   a,   b,   c,   s
    "linear":     (1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "relu":       (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "leaky_relu": (1.0, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0),
    "elu":        (1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0),
    "selu":       (_SELU_SCALE, 0.0, _SELU_SCALE * _SELU_ALPHA, 0.0, 0.0, 0.0, 0.0),
    "tanh":       (0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0),
    "sigmoid":    (0.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.5),  # 1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2
    "silu":       (0.5, 0.5, 0.0, 0.0, 0.0, 0.5, 0.5),  # z sigmoid(z)
}  # fmt: skip


BLEND = "blend"
"""stands for any activation that the formula covers, its row given as data"""


def is_blend(activation: str) -> bool:
    """Tell whether the formula covers one of `space.table.ACTIVATIONS`."""
    return activation in _ROWS


def coefficients(activation: str) -> tuple[float, ...]:
    """Return the activation's row, COEFFICIENTS numbers; any row does where the formula does not cover it."""
    return _ROWS.get(activation, _ROWS["linear"])


def activate(activation: str, row: tf.Tensor, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return f(z) and f'(z), each shaped as z. row: (COEFFICIENTS,), read for BLEND alone."""
    import tensorflow as tf

    if activation == "gelu":  # z Phi(z), Hendrycks & Gimpel 2016, without the tanh approximation, as in Keras
        below = 0.5 * (1.0 + tf.math.erf(z * 0.7071067811865476))
        return z * below, below + z * tf.exp(-0.5 * z * z) * 0.3989422804014327
    if activation == "softplus":
        return tf.maximum(z, 0.0) + tf.math.log1p(tf.exp(-tf.abs(z))), tf.sigmoid(z)
    return _formula(tf.unstack(row) if activation == BLEND else _ROWS[activation], z)


def _formula(row: Sequence[Any], z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    import tensorflow as tf

    p, q, r, a, b, c, s = row
    f = p * tf.maximum(z, 0.0) + q * tf.minimum(z, 0.0) + a
    below = q * tf.ones_like(z)  # the slope where z is negative
    if _matters(r):
        e = tf.exp(tf.minimum(z, 0.0)) - 1.0
        f, below = f + r * e, q + r * (e + 1.0)
    slope = tf.where(z > 0.0, p * tf.ones_like(z), below)
    if _matters(s):
        t = tf.tanh(s * z)
        f, slope = f + (b + c * z) * t, slope + c * t + (b + c * z) * s * (1.0 - t * t)
    return f, slope


def _matters(coefficient: Any) -> bool:
    return not isinstance(coefficient, float) or coefficient != 0.0
