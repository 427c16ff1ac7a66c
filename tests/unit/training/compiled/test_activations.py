from __future__ import annotations

import numpy as np
import pytest

from hpsearch.space.table import ACTIVATIONS
from hpsearch.training.compiled.activations import BLEND, COEFFICIENTS, activate, coefficients, is_blend
from hpsearch.training.quiet import import_keras

keras = import_keras()
import tensorflow as tf  # noqa: E402 - silenced first

# Not zero itself: there a slope is either side's, and Keras takes selu's from the right and relu's from the left.
Z = tf.constant(np.concatenate([np.linspace(-30, 30, 240), [-1e-3, 1e-3, 90.0, -90.0]]), tf.float32)


@pytest.mark.parametrize("as_data", [False, True])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_and_its_derivative_are_those_of_keras(name: str, as_data: bool) -> None:
    with tf.GradientTape() as tape:
        tape.watch(Z)
        theirs = keras.activations.get(name)(Z)
    compiled_for = BLEND if as_data and is_blend(name) else name
    f, slope = activate(compiled_for, tf.constant(coefficients(name), tf.float32), Z)
    np.testing.assert_allclose(f, theirs, rtol=1e-5, atol=3e-6)
    np.testing.assert_allclose(slope, tape.gradient(theirs, Z), rtol=1e-5, atol=3e-6)


def test_every_activation_has_a_full_row() -> None:
    assert {len(coefficients(name)) for name in ACTIVATIONS} == {COEFFICIENTS}
