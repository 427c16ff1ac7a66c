from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch.training.compiled.xla import configure_xla, machine_folder

OPEN = """
import sys
from pathlib import Path
import numpy as np
from hpsearch.training.compiled.xla import configure_xla
from hpsearch.training.quiet import import_keras
cache = Path(sys.argv[1])
configure_xla(cache)
import_keras(threads=1)
from hpsearch.training.compiled.program import Rows
from hpsearch.training.compiled.programs import Programs
from hpsearch.training.compiled.shape import Shape
rows = Rows(*(np.zeros(size, np.float32) for size in ((256, 2), 256, 256)))
for units in sys.argv[2:]:
    Programs().serve(Shape(2, 1, (int(units),), 8, 256, "mse", "relu", False), 10**9, rows, cache)
"""
"""Opens programs of so many hidden units."""


@pytest.fixture(autouse=True)
def _no_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XLA_FLAGS", "TF_XLA_FLAGS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def _open(cache: Path, *units: int) -> None:
    command = [sys.executable, "-c", OPEN, str(cache), *map(str, units)]
    subprocess.run(command, capture_output=True, text=True, check=True)


def _kept(cache: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in cache.glob("*/*.pb")}


def test_a_program_is_found_on_disk_by_a_process_that_made_others_before(tmp_path: Path) -> None:
    _open(tmp_path, 3, 4)
    before = _kept(tmp_path)
    for program in tmp_path.glob("*/*.program"):
        program.unlink()  # so that they are traced again
    _open(tmp_path, 5, 4)
    after = _kept(tmp_path)
    assert len(before) == 2
    assert len(after) == 3
    assert before.items() <= after.items()


def test_programs_of_another_code_or_machine_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = machine_folder(tmp_path)
    assert here.parent == tmp_path
    monkeypatch.setattr("platform.machine", lambda: "abacus")
    assert machine_folder(tmp_path) != here


def test_settings_are_added_once_and_the_user_s_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=3 --xla_dump_to=x")
    for _ in range(2):
        configure_xla(tmp_path)
    assert os.environ["XLA_FLAGS"].count("--xla_backend_optimization_level") == 1
    assert os.environ["XLA_FLAGS"].startswith("--xla_backend_optimization_level=3 --xla_dump_to=x ")
    assert os.environ["XLA_FLAGS"].count("--xla_disable_hlo_passes") == 1
    assert os.environ["TF_XLA_FLAGS"].count(str(tmp_path)) == 1


def test_a_folder_that_cannot_be_made_leaves_xla_without_a_cache(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    configure_xla(tmp_path / "file")
    assert "TF_XLA_FLAGS" not in os.environ
