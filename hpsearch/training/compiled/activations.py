"""Activations as rows of coefficients, so that one program serves several of them.

A family is one formula; a row picks a member. Of the `blend`, with e = exp(min(z, 0)) - 1 and t = tanh(s z):

    f(z) = p max(z, 0) + q min(z, 0) + r e + a + (b + c z) t

covers all of the table but `gelu` and `softplus`, each of which is a family of its own. A choice by `tf.switch_case`
doubled the time of compiling; the formula adds a tenth to a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

COEFFICIENTS = 7
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017

_BLEND: dict[str, tuple[float, ...]] = {
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


def family_of(activation: str) -> str:
    """Return the family of one of `space.table.ACTIVATIONS`. Raises KeyError for another name."""
    if activation in _BLEND:
        return "blend"
    return {"gelu": "gelu", "softplus": "softplus"}[activation]


def coefficients(activation: str) -> tuple[float, ...]:
    """Return the activation's row: COEFFICIENTS numbers."""
    return _BLEND.get(activation, _BLEND["linear"])


def activate(family: str, row: tf.Tensor, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return f(z) and f'(z), each shaped as z. row: (COEFFICIENTS,)."""
    import tensorflow as tf

    if family == "gelu":  # z Phi(z), Hendrycks & Gimpel 2016, without the tanh approximation, as in Keras
        below = 0.5 * (1.0 + tf.math.erf(z * 0.7071067811865476))
        return z * below, below + z * tf.exp(-0.5 * z * z) * 0.3989422804014327
    if family == "softplus":
        return tf.maximum(z, 0.0) + tf.math.log1p(tf.exp(-tf.abs(z))), tf.sigmoid(z)
    p, q, r, a, b, c, s = tf.unstack(row)
    e = tf.exp(tf.minimum(z, 0.0)) - 1.0
    t = tf.tanh(s * z)
    f = p * tf.maximum(z, 0.0) + q * tf.minimum(z, 0.0) + r * e + a + (b + c * z) * t
    return f, tf.where(z > 0.0, p, q + r * (e + 1.0)) + c * t + (b + c * z) * s * (1.0 - t * t)
