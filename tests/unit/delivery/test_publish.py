import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch.delivery.manifest import MANIFEST
from hpsearch.delivery.publish import built_aside
from hpsearch.errors import PackageError

CONTENTS = ("a.txt", "pictures")


def publish(folder: Path, text: str) -> None:
    with built_aside(folder, CONTENTS) as building:
        (building / "a.txt").write_text(text)
        (building / MANIFEST).write_text("{}")


def fail_while_building(folder: Path, error: Exception) -> None:
    with built_aside(folder, CONTENTS) as building:
        (building / "a.txt").write_text("half")
        raise error


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    with built_aside(tmp_path / "out", CONTENTS) as building:
        (building / "a.txt").write_text("new")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "a.txt").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_folders_above_are_made(tmp_path: Path) -> None:
    publish(tmp_path / "x" / "y" / "out", "new")
    assert (tmp_path / "x" / "y" / "out" / "a.txt").read_text() == "new"


def test_an_earlier_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    publish(tmp_path / "out", "old")
    (tmp_path / "out" / "pictures").mkdir()
    publish(tmp_path / "out", "new")
    assert names(tmp_path / "out") == [MANIFEST, "a.txt"]
    assert (tmp_path / "out" / "a.txt").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    publish(tmp_path / "out", "new")
    assert (tmp_path / "out" / "a.txt").read_text() == "new"


def test_an_error_while_building_leaves_the_earlier_folder(tmp_path: Path) -> None:
    publish(tmp_path / "out", "old")
    with pytest.raises(ZeroDivisionError):
        fail_while_building(tmp_path / "out", ZeroDivisionError())
    assert (tmp_path / "out" / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_a_full_disk_is_told_with_the_folder_and_leaves_the_earlier_one(tmp_path: Path) -> None:
    publish(tmp_path / "out", "old")
    with pytest.raises(PackageError, match=r"cannot write .*out: No space left on device; make room"):
        fail_while_building(tmp_path / "out", OSError(errno.ENOSPC, "No space left on device"))
    assert (tmp_path / "out" / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_a_process_killed_while_building_leaves_the_earlier_folder(tmp_path: Path) -> None:
    publish(tmp_path / "out", "old")
    script = """
import os, pathlib, signal, sys
from hpsearch.delivery.publish import built_aside
with built_aside(pathlib.Path(sys.argv[1]), ("a.txt",)) as building:
    (building / "a.txt").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path / "out")], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "out" / "a.txt").read_text() == "old"
    publish(tmp_path / "out", "new")
    assert (tmp_path / "out" / "a.txt").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_a_process_killed_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    publish(tmp_path / "out", "old")
    (tmp_path / "out").rename(tmp_path / ".out.old")
    (tmp_path / ".out.new").mkdir()
    with pytest.raises(ZeroDivisionError):
        fail_while_building(tmp_path / "out", ZeroDivisionError())
    assert (tmp_path / "out" / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("present", [["mine.csv"], ["a.txt"], [MANIFEST, "a.txt", "mine.csv"]])
def test_a_folder_with_files_of_others_is_refused_and_left(tmp_path: Path, present: list[str]) -> None:
    for name in present:
        (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_text("theirs")
    with pytest.raises(PackageError, match=r"files of others \((mine.csv|a.txt)\); move them away or name a new"):
        publish(tmp_path / "out", "new")
    assert names(tmp_path / "out") == sorted(present)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("theirs")
    with pytest.raises(PackageError, match="is a file"):
        publish(tmp_path / "out", "new")
    assert (tmp_path / "out").read_text() == "theirs"
