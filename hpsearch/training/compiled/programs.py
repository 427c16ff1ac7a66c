"""The programs of this process, opened when the planner first asks for their shapes: compiled, or loaded from disk."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from hpsearch.training.compiled.activations import COEFFICIENTS
from hpsearch.training.compiled.costs import Costs
from hpsearch.training.compiled.kept import KeptPrograms
from hpsearch.training.compiled.optimizer_rows import FIELDS
from hpsearch.training.compiled.planner import MOST_OPEN, Planner
from hpsearch.training.compiled.program import SEGMENT, Knobs, Program, Rows, State
from hpsearch.training.compiled.refusal import Refused
from hpsearch.training.compiled.session import OpenProgram, open_program, trace_program
from hpsearch.training.compiled.shape import Shape
from hpsearch.training.compiled.xla import machine_folder


class Programs:
    """Open programs by shape, at most so many at once: the one used last stays longest."""

    def __init__(self, most: int = MOST_OPEN) -> None:
        self._costs = Costs()
        self._planner = Planner(self._costs, most)
        self._open: dict[Shape, OpenProgram] = {}
        self._kept: dict[Path, KeptPrograms] = {}

    def serve(self, exact: Shape, steps: int, rows: Rows, cache: Path) -> Program:
        """Return a compiled program for a trial of so many steps; it runs until this is called again.

        rows: any that fit the shape. cache: as given to `configure_xla`. Raises Refused where XLA is missing or fails.
        """
        kept = self._kept.setdefault(cache, KeptPrograms(machine_folder(cache)))
        self._costs.know_kept(kept.shapes())
        shape = self._planner.choose(exact, steps)
        for closed in self._open.keys() - set(self._planner.open):
            self._open.pop(closed).close()
        if shape not in self._open:
            started = time.monotonic()
            self._open[shape] = _opened(shape, rows, kept)
            self._costs.observe_opening(shape, time.monotonic() - started)
        return self._open[shape].program

    def observe(self, shape: Shape, steps: int, seconds: float) -> None:
        """Take in what some steps of a program took."""
        self._costs.observe_steps(shape, steps, seconds)

    def __len__(self) -> int:
        return len(self._open)


def example_arguments(shape: Shape, rows: Rows) -> tuple[State, Rows, Knobs]:
    """Return arguments of the shape's program that train nothing."""
    return _nothing_learned(shape), rows, _no_steps(shape)


def _opened(shape: Shape, rows: Rows, kept: KeptPrograms) -> OpenProgram:
    import tensorflow as tf

    arguments = example_arguments(shape, rows)
    try:
        return _run_once(shape, kept.graph(shape), arguments, kept)
    except tf.errors.ResourceExhaustedError:
        raise
    except (tf.errors.OpError, ValueError):
        kept.forget()  # a file cut short by a full disk, say
    try:
        return _run_once(shape, None, arguments, kept)
    except tf.errors.ResourceExhaustedError:
        raise
    except tf.errors.OpError as error:
        raise Refused(f"XLA cannot compile it: {error.message.strip().splitlines()[0]}") from error


def _run_once(
    shape: Shape, graph: bytes | None, arguments: tuple[State, Rows, Knobs], kept: KeptPrograms
) -> OpenProgram:
    """Open a program and run it, which compiles it. graph: None to trace it, and to keep what was traced."""
    traced = graph or trace_program(shape, arguments)
    opened = open_program(shape, traced)
    try:
        opened.program.run(*arguments)
    except BaseException:
        opened.close()
        raise
    if graph is None:
        kept.keep(shape, traced)
    return opened


def _nothing_learned(shape: Shape) -> State:
    w = np.zeros(shape.weights, np.float32)
    return State(w, w, w, np.zeros(3, np.float32))


def _no_steps(shape: Shape) -> Knobs:
    whole, real = np.int32(0), np.float32(0)
    return Knobs(
        first=whole, steps=whole, count=whole, batch=whole, counter=whole, dropped=whole,
        keys=np.zeros(len(shape.widths), np.uint32), l2=real,
        kept_scales=tuple(np.zeros(units, np.float32) for units in shape.widths),
        activation=np.zeros(COEFFICIENTS, np.float32), optimizer=np.zeros((SEGMENT, len(FIELDS)), np.float32),
        order=np.zeros(shape.rows + shape.batch, np.int32),
    )  # fmt: skip
