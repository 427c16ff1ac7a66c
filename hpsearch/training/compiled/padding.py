"""A net's weights inside the flat vector of a program whose layers may be wider. What is not the net's is zero."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hpsearch.training.compiled.shape import Shape
from hpsearch.training.trainer import Weights


def pack(weights: Weights, shape: Shape) -> NDArray[np.float32]:
    """Return the (shape.weights,) vector: each layer's kernel and bias in turn, as `Model.get_weights()` lists them."""
    flat = np.zeros(shape.weights, np.float32)
    for place, array in zip(_places(flat, shape), weights, strict=True):
        place[tuple(slice(n) for n in array.shape)] = array
    return flat


def unpack(flat: NDArray[np.float32], shape: Shape, widths: tuple[int, ...]) -> Weights:
    """Return the weights of the net with these hidden layers, as copies; `pack`'s inverse."""
    sizes = pairwise((shape.inputs, *widths, shape.outputs))
    wanted = [size for fan_in, units in sizes for size in ((fan_in, units), (units,))]
    places = _places(flat, shape)
    return [place[tuple(slice(n) for n in size)].copy() for place, size in zip(places, wanted, strict=True)]


def _places(flat: NDArray[np.float32], shape: Shape) -> Weights:
    """Return the vector's kernels and biases as views."""
    places, start = [], 0
    for fan_in, units in shape.layers:
        end = start + fan_in * units
        places += [flat[start:end].reshape(fan_in, units), flat[end : end + units]]
        start = end + units
    return places
