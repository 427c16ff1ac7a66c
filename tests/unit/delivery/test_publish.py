import errno
import gzip
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hpsearch.delivery.manifest import MANIFEST
from hpsearch.delivery.publish import built_aside, written_aside
from hpsearch.errors import DataError, PackageError

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
    with pytest.raises(PackageError, match=r"out cannot be written: No space left on device .*; free some space"):
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


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    with written_aside(tmp_path / "out.csv") as file:
        file.write("new\n")
        assert not (tmp_path / "out.csv").exists()
    assert (tmp_path / "out.csv").read_bytes() == b"new\n"
    assert names(tmp_path) == ["out.csv"]


def fail_while_writing(path: Path, error: Exception) -> None:
    with written_aside(path) as file:
        file.write("half")
        raise error


def test_an_error_while_writing_leaves_the_earlier_file(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("old")
    with pytest.raises(ZeroDivisionError):
        fail_while_writing(tmp_path / "out.csv", ZeroDivisionError())
    with pytest.raises(DataError, match=r"out\.csv cannot be written: No space left on device .*; free"):
        fail_while_writing(tmp_path / "out.csv", OSError(errno.ENOSPC, "No space left on device"))
    assert (tmp_path / "out.csv").read_text() == "old"
    assert names(tmp_path) == ["out.csv"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"out\.csv cannot be written: No such file or directory"):
        fail_while_writing(tmp_path / "none" / "out.csv", ZeroDivisionError())


def test_a_file_named_gz_is_gzipped(tmp_path: Path) -> None:
    with written_aside(tmp_path / "out.csv.gz") as file:
        file.write("new\n")
    assert gzip.decompress((tmp_path / "out.csv.gz").read_bytes()) == b"new\n"


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "out.csv").symlink_to(tmp_path / "elsewhere.csv")
    with written_aside(tmp_path / "out.csv") as file:
        file.write("new\n")
    assert (tmp_path / "out.csv").is_symlink()
    assert (tmp_path / "elsewhere.csv").read_text() == "new\n"


def test_what_is_no_plain_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    heard: list[str] = []
    reader = threading.Thread(target=lambda: heard.append((tmp_path / "pipe").read_text()))
    reader.start()
    with written_aside(tmp_path / "pipe") as file:
        file.write("new\n")
    reader.join()
    assert heard == ["new\n"]
    assert (tmp_path / "pipe").is_fifo()
