from __future__ import annotations

import numpy as np
import pytest

from hpsearch.space.table import ACTIVATIONS
from hpsearch.training.compiled.activations import BLEND, COEFFICIENTS, activate, coefficients, is_blend
from hpsearch.training.quiet import import_keras

keras = import_keras()
import tensorflow as tf  # noqa: E402 - silenced first

Z = tf.constant(np.concatenate([np.linspace(-30, 30, 240), [-1e-3, 1e-3, 90.0, -90.0]]), tf.float32)
ROUNDING = 2.0**-22 * np.maximum(1.0, np.abs(Z))
"""Two units in the last place of what is added up: where f is near 0 its terms may be as large as 1 or z."""


@pytest.mark.parametrize("as_data", [False, True])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_and_its_derivative_are_those_of_keras(name: str, as_data: bool) -> None:
    with tf.GradientTape() as tape:
        tape.watch(Z)
        theirs = keras.activations.get(name)(Z)
    compiled_for = BLEND if as_data and is_blend(name) else name
    f, slope = activate(compiled_for, tf.constant(coefficients(name), tf.float32), Z)
    np.testing.assert_array_less(np.abs(f - theirs), 1e-6 * np.abs(theirs) + ROUNDING)
    expected = tape.gradient(theirs, Z)
    np.testing.assert_array_less(np.abs(slope - expected), 1e-6 * np.abs(expected) + ROUNDING)


def test_every_activation_has_a_full_row() -> None:
    assert {len(coefficients(name)) for name in ACTIVATIONS} == {COEFFICIENTS}


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "selu"])
def test_at_zero_the_slope_is_the_side_s_that_keras_takes(name: str, zero: float) -> None:
    """Selu's is taken from the left (1.758), where Keras 3.15 takes it from the right (1.051)."""
    z = tf.constant([zero])
    with tf.GradientTape() as tape:
        tape.watch(z)
        theirs = keras.activations.get(name)(z)
    expected, row = tape.gradient(theirs, z), tf.constant(coefficients(name), tf.float32)
    for compiled_for in {name, BLEND if is_blend(name) else name}:
        np.testing.assert_allclose(activate(compiled_for, row, z)[1], expected, rtol=1e-6)
