from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpsearch.training.compiled.program import Rows
from hpsearch.training.compiled.programs import Programs
from hpsearch.training.compiled.refusal import Refused
from hpsearch.training.compiled.shape import Shape
from hpsearch.training.compiled.xla import forget_programs, is_kept
from hpsearch.training.quiet import import_keras

import_keras()
import tensorflow as tf  # noqa: E402 - silenced first

SHAPE = Shape(2, 1, widths=(3,), batch=8, rows=256, loss="mse", activation="relu", penalized=False)
ROWS = Rows(tf.zeros((256, 2)), tf.zeros(256), tf.zeros(256))


def test_a_program_is_compiled_once_and_holds_the_trial(tmp_path: Path) -> None:
    programs = Programs()
    program = programs.serve(SHAPE, 10, ROWS, tmp_path)
    assert program.shape.holds(SHAPE)
    assert programs.serve(SHAPE, 10, ROWS, tmp_path) is program


def test_what_xla_cannot_compile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Shape) -> None:
        # XLA cannot know how much room this takes.
        tf.function(lambda x: tf.strings.as_string(x), jit_compile=True)(tf.constant(np.float32(1)))

    monkeypatch.setattr("hpsearch.training.compiled.programs.build_program", broken)
    with pytest.raises(Refused, match="XLA cannot compile it"):
        Programs().serve(SHAPE, 10, ROWS, tmp_path)


def test_the_next_launch_knows_what_was_compiled(tmp_path: Path) -> None:
    program = Programs().serve(SHAPE, 10, ROWS, tmp_path)
    assert is_kept(tmp_path, program.shape)
    forget_programs(tmp_path)
    assert not is_kept(tmp_path, program.shape)
