from __future__ import annotations

import gc

import numpy as np
import psutil
import pytest

from hpsearch.training.compiled.program import Knobs, Rows, State, build_program
from hpsearch.training.compiled.programs import example_arguments
from hpsearch.training.compiled.session import open_program, trace_program
from hpsearch.training.compiled.shape import Shape
from hpsearch.training.quiet import import_keras

import_keras()
import tensorflow as tf  # noqa: E402 - silenced first

SHAPE = Shape(2, 1, widths=(3,), batch=8, rows=256, loss="mse", activation="relu", penalized=False)
RNG = np.random.default_rng(0)
ROWS = Rows(*(RNG.normal(size=size).astype(np.float32) for size in ((256, 2), 256, 256)))


def _learning() -> tuple[State, Rows, Knobs]:
    state, rows, knobs = example_arguments(SHAPE, ROWS)
    optimizer = np.zeros_like(knobs.optimizer)
    optimizer[:, [2, 6, 9]] = 1.0, 0.1, 1.0  # plain descent: m = g, w -= 0.1 m / 1
    learning = knobs._replace(
        steps=np.int32(20), count=np.int32(256), batch=np.int32(8),
        kept_scales=(np.ones(3, np.float32),), optimizer=optimizer, order=np.arange(264, dtype=np.int32) % 256,
    )  # fmt: skip
    return state._replace(w=RNG.normal(size=SHAPE.weights).astype(np.float32)), rows, learning


def test_a_session_trains_as_the_function_it_was_traced_from_does() -> None:
    state, rows, knobs = _learning()
    opened = open_program(SHAPE, trace_program(SHAPE, example_arguments(SHAPE, ROWS)))
    ours = opened.program.run(state, rows, knobs)
    opened.close()
    theirs = build_program(SHAPE).run(*tf.nest.map_structure(tf.constant, (state, rows, knobs)))
    assert not np.allclose(ours.w, state.w)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_functions_have_the_same_names_whatever_was_traced_before() -> None:
    def names() -> list[str]:
        definition = tf.compat.v1.GraphDef.FromString(trace_program(SHAPE, example_arguments(SHAPE, ROWS)))
        return [function.signature.name for function in definition.library.function]

    first = names()
    assert len(first) > 1
    assert names() == first


def test_what_was_closed_cannot_run() -> None:
    opened = open_program(SHAPE, trace_program(SHAPE, example_arguments(SHAPE, ROWS)))
    opened.close()
    with pytest.raises(RuntimeError, match="closed"):
        opened.program.run(*example_arguments(SHAPE, ROWS))


def test_closing_gives_back_the_memory_and_the_threads() -> None:
    """An eager function's program leaves some 80 mappings of compiled code behind."""

    def open_and_close(times: int) -> tuple[int, int]:
        for _ in range(times):
            opened = open_program(SHAPE, graph)
            opened.program.run(*example_arguments(SHAPE, ROWS))
            opened.close()
        del opened
        gc.collect()
        process = psutil.Process()
        return process.num_threads(), len(process.memory_maps(grouped=False))

    graph = trace_program(SHAPE, example_arguments(SHAPE, ROWS))
    threads, mappings = open_and_close(1)
    threads_after, mappings_after = open_and_close(4)
    assert threads_after <= threads
    assert mappings_after < mappings + 40
