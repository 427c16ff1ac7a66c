from __future__ import annotations

import gc
import weakref
from typing import Any

from tensorflow.python.eager import context
from tensorflow.python.framework import ops

from hpsearch.training.quiet import import_keras
from hpsearch.training.release import released_graphs

keras = import_keras()


def _left_behind() -> tuple[int, int]:
    """Return how many functions TensorFlow knows, and how many gradients it has registered."""
    gc.collect()
    return len(context.context().list_function_names()), len(ops.gradient_registry.list())


def _fit() -> Any:
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(keras.ops.zeros((4, 2)), keras.ops.zeros((4, 1)), verbose=0)
    return weakref.ref(model)


def test_a_net_leaves_nothing_behind() -> None:
    with released_graphs():
        _fit()
    before = _left_behind()
    with released_graphs():
        net = _fit()
    assert net() is None
    assert _left_behind() == before
