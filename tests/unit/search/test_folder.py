from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from disks import full_disk

from hpsearch.disk import user
from hpsearch.errors import StoreError, StudyLocked, UnknownStudy
from hpsearch.records import StudyInfo
from hpsearch.search.folder import StudyFile, StudyFolder, find_study, new_uid, study_names, write_whole
from hpsearch.spec import make_spec

INFO = StudyInfo("bike", "0123456789abcdef", "rmse", "minimize", "regression", "d" * 64)
SPEC = make_spec({"name": "bike", "data": {"sklearn": "diabetes"}}).model_dump(mode="json")
FILE = StudyFile(INFO, SPEC, "/data", "data: {sklearn: diabetes}", "/cache", 20, "2026-01-01T00:00:00+00:00")


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    made = StudyFolder(tmp_path / "studies" / "bike")
    made.write(FILE)
    return made


def test_what_a_study_is_reads_back(folder: StudyFolder) -> None:
    assert folder.exists()
    assert folder.read() == FILE
    assert folder.read().load_spec().name == "bike"
    assert str(folder.read().load_spec().folder) == "/data"


def test_writing_it_again_replaces_it_whole(folder: StudyFolder) -> None:
    folder.write(replace(FILE, trials=99))
    assert folder.read().trials == 99
    assert [path.name for path in folder.path.iterdir()] == ["study.json"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"info": 1}', '{"info": {}}', "\xff"])
def test_a_damaged_study_is_told_and_can_be_set_aside(folder: StudyFolder, content: str) -> None:
    (folder.path / "study.json").write_text(content, "latin-1")
    with pytest.raises(StoreError, match=r"study.json is damaged .*; restore it, or start afresh with --new"):
        folder.read()
    assert folder.set_aside().is_dir()
    assert not folder.exists()


def test_a_study_set_aside_keeps_all_it_had_and_makes_room(folder: StudyFolder, tmp_path: Path) -> None:
    aside = folder.set_aside()
    assert not folder.exists()
    assert StudyFolder(aside).read() == FILE
    assert study_names(tmp_path) == []


def test_studies_are_found_by_name(folder: StudyFolder, tmp_path: Path) -> None:
    assert find_study(tmp_path, "bike") == folder
    assert study_names(tmp_path) == ["bike"]


def test_an_unknown_study_names_the_nearest(folder: StudyFolder, tmp_path: Path) -> None:
    with pytest.raises(UnknownStudy, match=rf"no study 'bkie' in {tmp_path}; did you mean 'bike'\?"):
        find_study(tmp_path, "bkie")


def test_an_empty_store_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(UnknownStudy, match=r"there is none yet, start one with hpsearch run"):
        find_study(tmp_path, "bike")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../studies/bike", "bike/", "bike\0", "bike\n", "x" * 600, "a/../bike"]
)
def test_a_name_cannot_leave_the_store(folder: StudyFolder, tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownStudy):
        find_study(tmp_path, name)


HOLD = """
import sys
from pathlib import Path
from hpsearch.search.folder import StudyFolder
with StudyFolder(Path(sys.argv[1])).locked("process 1 on moon"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(folder: StudyFolder) -> subprocess.Popen[str]:
    """Another process that runs the study."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process  # type: ignore[misc]
    process.kill()
    process.communicate()


def test_a_second_process_is_refused_and_told_who_runs_the_study(
    folder: StudyFolder, holder: subprocess.Popen[str]
) -> None:
    message = "study 'bike' is being run by process 1 on moon; wait for it, or stop it with Ctrl-C there"
    with pytest.raises(StudyLocked, match=message), folder.locked("me"):
        pass


def test_a_process_that_was_killed_holds_nothing(folder: StudyFolder, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    with folder.locked("me"):
        assert (folder.path.parent / ".bike.lock").read_text() == "me"


def test_the_lock_outlives_the_folder_that_is_set_aside(folder: StudyFolder) -> None:
    with folder.locked("me"):
        folder.set_aside()
        with pytest.raises(StudyLocked), folder.locked("other"):
            pass
    with folder.locked("other"):
        pass


def test_a_store_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "studies").write_text("")
    folder = StudyFolder(tmp_path / "studies" / "bike")
    message = rf"studies cannot be written: .* \(user {user()}\); .* give another folder with --store"
    with pytest.raises(StoreError, match=message), folder.locked("me"):
        pass


def test_a_study_has_a_uid_of_its_own() -> None:
    assert len({new_uid() for _ in range(100)}) == 100
    assert int(new_uid(), 16) < 2**64


def test_a_write_that_fails_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    write_whole(path, b"old")
    message = r"study.json cannot be written: File too large .1,000 bytes are needed, a file may have 10 at most"
    with full_disk(10), pytest.raises(StoreError, match=message):
        write_whole(path, b"n" * 1000)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["study.json"]


def test_the_files_of_a_study_are_its_owners_alone(folder: StudyFolder) -> None:
    assert folder.path.stat().st_mode & 0o077 == 0


def test_the_file_is_plain_json(folder: StudyFolder) -> None:
    assert json.loads((folder.path / "study.json").read_text())["info"]["name"] == "bike"
