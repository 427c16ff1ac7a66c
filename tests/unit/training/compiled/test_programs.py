from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpsearch.training.compiled.kept import KeptPrograms
from hpsearch.training.compiled.program import Knobs, Program, Rows, State
from hpsearch.training.compiled.programs import Programs
from hpsearch.training.compiled.refusal import Refused
from hpsearch.training.compiled.shape import Shape
from hpsearch.training.compiled.xla import machine_folder
from hpsearch.training.quiet import import_keras

import_keras()
import tensorflow as tf  # noqa: E402 - silenced first

SHAPE = Shape(2, 1, widths=(3,), batch=8, rows=256, loss="mse", activation="relu", penalized=False)
OTHER = Shape(2, 1, widths=(5, 4), batch=8, rows=256, loss="mse", activation="gelu", penalized=False)
ROWS = Rows(np.zeros((256, 2), np.float32), np.zeros(256, np.float32), np.zeros(256, np.float32))
LONG = 10**9


def test_a_program_is_compiled_once_and_holds_the_trial(tmp_path: Path) -> None:
    programs = Programs()
    program = programs.serve(SHAPE, 10, ROWS, tmp_path)
    assert program.shape.holds(SHAPE)
    assert programs.serve(SHAPE, 10, ROWS, tmp_path) is program


def test_what_xla_cannot_compile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(shape: Shape) -> Program:
        @tf.function(jit_compile=True)
        def run(state: State, rows: Rows, knobs: Knobs) -> State:
            tf.strings.as_string(state.w)  # XLA has no strings
            return state

        return Program(shape, run)

    monkeypatch.setattr("hpsearch.training.compiled.session.build_program", broken)
    with pytest.raises(Refused, match="XLA cannot compile it"):
        Programs().serve(SHAPE, 10, ROWS, tmp_path)


def test_the_next_launch_uses_what_the_last_one_compiled(tmp_path: Path) -> None:
    first = Programs().serve(SHAPE, 10, ROWS, tmp_path).shape
    assert KeptPrograms(machine_folder(tmp_path)).shapes() == {first}
    (kept,) = tmp_path.glob("*/*.program")
    written = kept.stat().st_mtime_ns
    assert Programs().serve(SHAPE, 10, ROWS, tmp_path).shape == first
    assert [path.stat().st_mtime_ns for path in tmp_path.glob("*/*.program")] == [written]


def test_no_more_programs_are_open_than_allowed_and_a_closed_one_opens_again(tmp_path: Path) -> None:
    programs = Programs(most=1)
    for exact in (SHAPE, OTHER, SHAPE):
        assert programs.serve(exact, LONG, ROWS, tmp_path).shape == exact
        assert len(programs) == 1


def test_a_damaged_program_on_disk_is_made_again(tmp_path: Path) -> None:
    Programs().serve(SHAPE, LONG, ROWS, tmp_path)
    (path,) = tmp_path.glob("*/*.program")
    path.write_bytes(path.read_bytes()[:-9])
    Programs().serve(SHAPE, LONG, ROWS, tmp_path)
    assert KeptPrograms(machine_folder(tmp_path)).graph(SHAPE) is not None


def test_a_graph_that_this_tensorflow_cannot_run_is_made_again(tmp_path: Path) -> None:
    kept = KeptPrograms(machine_folder(tmp_path))
    Programs().serve(SHAPE, LONG, ROWS, tmp_path)
    graph = kept.graph(SHAPE)
    assert graph is not None
    strange = graph.replace(b"Placeholder", b"Plaice_hold")
    kept.keep(SHAPE, strange)
    Programs().serve(SHAPE, LONG, ROWS, tmp_path)
    assert kept.graph(SHAPE) not in (None, strange)
