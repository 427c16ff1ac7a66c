from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.training.compiled.kept import KeptPrograms
from hpsearch.training.compiled.shape import Shape

SHAPE = Shape(2, 1, widths=(3, 2), batch=8, rows=256, loss="mse", activation="relu", penalized=False)
LINEAR = replace(SHAPE, widths=(), activation="linear")


def test_a_program_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    kept = KeptPrograms(tmp_path)
    kept.keep(SHAPE, b"a graph\nof two lines")
    assert kept.graph(SHAPE) == b"a graph\nof two lines"
    assert kept.graph(LINEAR) is None


def test_what_others_keep_is_seen_and_what_they_forget_is_not(tmp_path: Path) -> None:
    ours, theirs = KeptPrograms(tmp_path / "new"), KeptPrograms(tmp_path / "new")
    assert ours.shapes() == set()
    theirs.keep(SHAPE, b"a")
    assert ours.shapes() == {SHAPE}
    theirs.keep(LINEAR, b"b")
    assert ours.shapes() == {SHAPE, LINEAR}
    theirs.forget()
    assert ours.shapes() == set()


def test_what_xla_kept_is_forgotten_with_the_rest_but_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "xla_compile_cache.pb").touch()
    (tmp_path / "notes.txt").touch()
    KeptPrograms(tmp_path).keep(SHAPE, b"a")
    KeptPrograms(tmp_path).forget()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("keep", [0, 20, -1])
def test_a_file_cut_short_is_no_program(tmp_path: Path, keep: int) -> None:
    KeptPrograms(tmp_path).keep(SHAPE, b"a graph")
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:keep])
    kept = KeptPrograms(tmp_path)
    assert kept.shapes() <= {SHAPE}
    assert kept.graph(SHAPE) is None


def test_a_file_of_another_kind_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "0.program").write_text('{"shape": {"widths": [3], "colour": "red"}}\n')
    (tmp_path / "1.program").write_text("[]\n")
    (tmp_path / "2.program").mkdir()
    assert KeptPrograms(tmp_path).shapes() == set()


def test_a_folder_that_cannot_be_made_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = KeptPrograms(tmp_path / "file" / "folder")
    kept.keep(SHAPE, b"a")
    assert kept.shapes() == set()
    assert kept.graph(SHAPE) is None
