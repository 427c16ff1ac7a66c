from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.training.compiled.padding import pack, unpack
from hpsearch.training.compiled.shape import Shape

SHAPE = Shape(3, 2, widths=(), batch=8, rows=256, loss="mse", activation="relu", penalized=False)
layers = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5)), max_size=4)


@settings(deadline=None)
@given(layers)
def test_what_is_packed_comes_out_again_and_the_rest_is_zero(drawn: list[tuple[int, int]]) -> None:
    units = tuple(width for width, _ in drawn)
    exact = replace(SHAPE, widths=units)
    weights = [np.ones(size, np.float32) for fan_in, n in exact.layers for size in ((fan_in, n), (n,))]
    padded = replace(SHAPE, widths=tuple(width + more for width, more in drawn))
    flat = pack(weights, padded)
    assert flat.shape == (padded.weights,)
    assert flat.sum() == exact.weights
    for there, back in zip(weights, unpack(flat, padded, units), strict=True):
        np.testing.assert_array_equal(there, back)


def test_without_padding_the_vector_is_the_weights_one_after_another() -> None:
    weights = [np.arange(6, dtype=np.float32).reshape(3, 2), np.array([6, 7], np.float32)]
    np.testing.assert_array_equal(pack(weights, SHAPE), np.arange(8))
