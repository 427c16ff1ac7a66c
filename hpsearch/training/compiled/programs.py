"""The programs of this process, each compiled when the planner first asks for its shape."""

from __future__ import annotations

import time
from pathlib import Path

from hpsearch.training.compiled.activations import COEFFICIENTS
from hpsearch.training.compiled.costs import Costs
from hpsearch.training.compiled.optimizer_rows import FIELDS
from hpsearch.training.compiled.planner import Planner
from hpsearch.training.compiled.program import SEGMENT, Knobs, Program, Rows, State, build_program
from hpsearch.training.compiled.refusal import Refused
from hpsearch.training.compiled.shape import Shape
from hpsearch.training.compiled.xla import forget_programs, is_kept, mark_kept


class Programs:
    """Compiled programs by shape."""

    def __init__(self) -> None:
        self._costs = Costs()
        self._planner = Planner(self._costs)
        self._built: dict[Shape, Program] = {}

    def serve(self, exact: Shape, steps: int, rows: Rows, cache: Path) -> Program:
        """Return a compiled program for a trial of so many steps. rows: any that fit the shape.

        cache: as given to `configure_xla`. Raises Refused where XLA is missing or fails.
        """
        if is_kept(cache, exact):
            self._costs.know_kept(exact)
        shape = self._planner.choose(exact, steps)
        if shape not in self._built:
            started = time.monotonic()
            self._built[shape] = _compiled(shape, rows, cache)
            self._costs.observe_compile(shape, time.monotonic() - started)
            mark_kept(cache, shape)
        return self._built[shape]

    def observe(self, shape: Shape, steps: int, seconds: float) -> None:
        """Take in what some steps of a program took."""
        self._costs.observe_steps(shape, steps, seconds)


def _compiled(shape: Shape, rows: Rows, cache: Path) -> Program:
    import tensorflow as tf

    for is_last in (False, True):
        try:
            program = build_program(shape)
            program.run(_nothing_learned(shape), rows, _no_steps(shape))
        except tf.errors.ResourceExhaustedError:
            raise
        except tf.errors.OpError as error:
            if is_last:
                raise Refused(f"XLA cannot compile it: {error.message.strip().splitlines()[0]}") from error
            forget_programs(cache)  # a file cut short by a full disk, say
        else:
            break
    return program


def _nothing_learned(shape: Shape) -> State:
    import tensorflow as tf

    w = tf.zeros(shape.weights)
    return State(w, w, w, tf.zeros(3))


def _no_steps(shape: Shape) -> Knobs:
    import tensorflow as tf

    whole, real = tf.constant(0), tf.constant(0.0)
    return Knobs(
        first=whole, steps=whole, count=whole, batch=whole, counter=whole, seed=whole, dropped=whole,
        widths=tf.zeros(len(shape.widths), tf.int32), kept_scale=real, l2=real, activation=tf.zeros(COEFFICIENTS),
        optimizer=tf.zeros((SEGMENT, len(FIELDS))), order=tf.zeros(shape.rows + shape.batch, tf.int32),
    )  # fmt: skip
