from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch.training.compiled.xla import configure_xla, forget_programs

COMPILE = """
import sys
from pathlib import Path
from hpsearch.training.compiled.xla import configure_xla
from hpsearch.training.quiet import import_keras
configure_xla(Path(sys.argv[1]))
import_keras(threads=1)
import tensorflow as tf
print(tf.function(lambda x: x * 2 + 1, jit_compile=True)(tf.constant(3.0)).numpy())
"""


@pytest.fixture(autouse=True)
def _no_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XLA_FLAGS", "TF_XLA_FLAGS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def _compile(cache: Path) -> str:
    command = [sys.executable, "-c", COMPILE, str(cache)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_program_is_kept_on_disk_and_found_by_the_next_process(tmp_path: Path) -> None:
    assert _compile(tmp_path) == "7.0"
    (kept,) = tmp_path.glob("*/*.pb")
    written = kept.stat().st_mtime_ns
    assert _compile(tmp_path) == "7.0"
    assert [path.stat().st_mtime_ns for path in tmp_path.glob("*/*.pb")] == [written]


def test_settings_are_added_once_and_the_user_s_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=3 --xla_dump_to=x")
    for _ in range(2):
        configure_xla(tmp_path)
    assert os.environ["XLA_FLAGS"] == "--xla_backend_optimization_level=3 --xla_dump_to=x"
    assert os.environ["TF_XLA_FLAGS"].count(str(tmp_path)) == 1


def test_a_folder_that_cannot_be_made_leaves_xla_without_a_cache(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    configure_xla(tmp_path / "file")
    assert "TF_XLA_FLAGS" not in os.environ


def test_a_machine_s_programs_can_be_forgotten(tmp_path: Path) -> None:
    _compile(tmp_path)
    forget_programs(tmp_path)
    assert not list(tmp_path.glob("*/*.pb"))
