"""Files of a study that are cut, emptied, changed or torn: told by name with the way on, never deleted."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import optuna
import pytest

import hpsearch
from hpsearch.app.launch import mlflow_trouble
from hpsearch.errors import StoreError
from hpsearch.records import StudyInfo
from hpsearch.search.finalists import read_results
from hpsearch.search.folder import StudyFolder
from hpsearch.search.history import cut_torn_tail, read_history
from hpsearch.search.looks import looks
from hpsearch.tracking.mlflow import Tracker

from .conftest import optuna_states
from .scripted import Zygote, make_study

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut in half": lambda content: content[: content.rfind(b"\n", 0, len(content) // 2) - 9] + b"\n",
    "a flipped byte": lambda content: content[:1].translate(bytes(b ^ 1 for b in range(256))) + content[1:],
    "garbage": lambda content: bytes(range(255, 0, -1)) + b"\n" + content,
    "a page of zeros": lambda content: content[:40] + bytes(60) + content[100:],
}
EMPTY = {"empty": lambda _: b""}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Path:
    """A folder with a study of six trials and its store. Copy it."""
    folder = tmp_path_factory.mktemp("whole")
    assert zygote.run(folder, "run", make_study(folder), "--store", folder / "store")[0] == 0
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> StudyFolder:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    return StudyFolder(tmp_path / "store" / "studies" / "many")


def more(zygote: Zygote, tmp_path: Path, *options: str) -> tuple[int, str, str]:
    return zygote.run(tmp_path, "run", tmp_path / "many.yaml", "--store", tmp_path / "store", "--trials", "8", *options)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", ["optuna.journal", "history.jsonl", "study.json"])
def test_a_damaged_file_is_named_with_the_way_on_and_left_as_it_is(
    tmp_path: Path, zygote: Zygote, folder: StudyFolder, file: str, damage: str
) -> None:
    path = folder.path / file
    damaged = DAMAGES[damage](path.read_bytes())
    path.write_bytes(damaged)
    code, _, errors = more(zygote, tmp_path)
    assert code == 2
    assert re.match(rf"hpsearch: {path} is damaged\b.*; restore .*\n$", errors), errors
    assert path.read_bytes() == damaged


@pytest.mark.parametrize(
    ("file", "way_on"),
    [
        ("study.json", "restore it, or start afresh with --new"),
        ("verdict.json", "remove it, and hpsearch verify many makes it again"),
        ("evaluation.json", "remove it, and hpsearch best many makes it again"),
        ("finalists.jsonl", "remove that line: its training is run again"),
        ("test_looks.json", "remove it: looks are then counted from 0 again"),
    ],
)
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\n", b"[1]\n"])
def test_a_damaged_result_says_how_it_is_made_again(
    folder: StudyFolder, file: str, way_on: str, content: bytes
) -> None:
    (folder.path / file).write_bytes(content)
    if file == "finalists.jsonl" and not content.endswith(b"\n"):
        assert read_results(folder.path / file) == {}  # a torn tail alone: nothing had ended
        return
    result = None if file == "study.json" else hpsearch.load("many", store=folder.path.parents[1])
    read: dict[str, Callable[[], object]] = {
        "study.json": folder.read,
        "verdict.json": lambda: result and result.verdict,
        "evaluation.json": lambda: result and result.evaluation,
        "finalists.jsonl": lambda: read_results(folder.finalists),
        "test_looks.json": lambda: looks(folder),
    }
    with pytest.raises(StoreError, match=rf"{file} is damaged.*; .*{way_on}$"):
        read[file]()
    assert (folder.path / file).read_bytes() == content


def test_a_changed_digit_in_the_middle_of_the_history_is_told_with_its_line_and_costs_that_trial_alone(
    tmp_path: Path, zygote: Zygote, folder: StudyFolder
) -> None:
    lines = folder.history.read_bytes().splitlines(keepends=True)
    value = lines[2].index(b'"value":') + 8
    changed = lines[2][:value] + (b"7" if lines[2][value : value + 1] != b"7" else b"8") + lines[2][value + 1 :]
    json.loads(changed)  # still JSON: only the checksum tells
    folder.history.write_bytes(b"".join([*lines[:2], changed, *lines[3:]]))
    code, _, errors = more(zygote, tmp_path)
    assert (code, "history.jsonl is damaged: line 3 is not what was written" in errors) == (2, True)
    with pytest.raises(StoreError, match="line 3 "):
        hpsearch.load("many", store=tmp_path / "store", epochs=False)
    folder.history.write_bytes(b"".join([*lines[:2], *lines[3:]]))  # as the message says
    assert more(zygote, tmp_path)[0] == 0
    result = hpsearch.load("many", store=tmp_path / "store")
    assert (result.done(), result.states()["completed"]) == (8, 8)


@pytest.mark.parametrize("how", ["moved away", "empty"])
def test_a_journal_that_is_gone_is_written_again_from_the_history(
    tmp_path: Path, zygote: Zygote, folder: StudyFolder, how: str
) -> None:
    before = optuna_trials(folder)
    if how == "empty":
        folder.journal.write_bytes(b"")
    else:
        folder.journal.rename(folder.journal.with_name("optuna.journal.damaged"))
    code, told, errors = more(zygote, tmp_path)
    assert (code, errors) == (0, "")
    assert f"{folder.journal} was gone; it is written again from the history" in told
    assert optuna_trials(folder)[:6] == before
    assert hpsearch.load("many", store=tmp_path / "store").done() == 8


def optuna_trials(folder: StudyFolder) -> list[tuple[object, ...]]:
    backend = optuna.storages.journal.JournalFileBackend(str(folder.journal))
    study = optuna.load_study(study_name=None, storage=optuna.storages.JournalStorage(backend))
    return [(t.number, t.state, t.params, t.value, t.distributions) for t in study.trials]


def test_a_journal_that_lost_its_end_or_tells_another_value_is_not_believed(
    tmp_path: Path, zygote: Zygote, folder: StudyFolder
) -> None:
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    folder.journal.write_bytes(b"".join(lines[: len(lines) // 2]))
    code, _, errors = more(zygote, tmp_path)
    assert code == 2
    assert re.search(r"journal is damaged: it lacks trials that the history has \(.*\); restore .*move it away", errors)
    told = next(place for place, line in enumerate(lines) if b'"values":[6' in line)
    lines[told] = lines[told].replace(b'"values":[6', b'"values":[5')
    folder.journal.write_bytes(b"".join(lines))
    code, _, errors = more(zygote, tmp_path)
    assert code == 2
    assert re.search(r"is damaged: trial 0 completed there with 5\.\S+, and is completed with 6\.", errors)


@pytest.mark.parametrize(
    ("file", "tail"),
    [
        ("optuna.journal", b'{"op_code":4,"worker_id":"x'), ("history.jsonl", b'{"number":9,"conf'),
        ("history.jsonl", bytes(4096)), ("finalists.jsonl", b"\xff\xfe"),
    ],
)  # fmt: skip
def test_a_torn_tail_is_cut_and_kept_aside_and_told(
    tmp_path: Path, zygote: Zygote, folder: StudyFolder, file: str, tail: bytes
) -> None:
    path = folder.path / file
    with path.open("ab") as opened:
        opened.write(tail)
    code, told, errors = more(zygote, tmp_path)
    assert (code, errors) == (0, "")
    assert f"{file}: its last line was cut short" in told
    assert f"it is kept in {path}.torn" in told
    assert (folder.path / f"{file}.torn").read_bytes() == tail + b"\n"
    assert optuna_states(tmp_path / "store", "many") == {"COMPLETE": 8}
    assert hpsearch.load("many", store=tmp_path / "store").done() == 8


def test_a_second_torn_tail_leaves_the_first(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    for tail in (b"one", b"two"):
        path.write_bytes(tail)
        cut_torn_tail(path)
    assert (tmp_path / "history.jsonl.torn").read_bytes() == b"one\ntwo\n"


def test_a_study_that_is_damaged_gives_way_to_a_new_one_and_is_kept(
    tmp_path: Path, zygote: Zygote, folder: StudyFolder
) -> None:
    (folder.path / "study.json").write_bytes(b"")
    history = folder.history.read_bytes()
    code, told, errors = more(zygote, tmp_path, "--new")
    assert (code, errors) == (0, "")
    aside = re.search(r"is set aside in (\S+)", told)
    assert aside
    assert (Path(aside[1]) / "history.jsonl").read_bytes() == history
    assert hpsearch.load("many", store=tmp_path / "store").done() == 8


def test_a_history_written_before_lines_had_checksums_is_read(folder: StudyFolder) -> None:
    known = read_history(folder.history)
    plain = re.sub(rb',"check":"\w+"', b"", folder.history.read_bytes())
    assert plain != folder.history.read_bytes()
    folder.history.write_bytes(plain)
    assert read_history(folder.history) == known


@pytest.mark.parametrize("byte", range(0, 600, 37))
def test_every_flipped_byte_of_a_line_is_told(folder: StudyFolder, byte: int) -> None:
    content = bytearray(folder.history.read_bytes())
    content[byte] ^= 4
    folder.history.write_bytes(bytes(content))
    for epochs in (True, False):
        with pytest.raises(StoreError, match="is damaged: line 1 "):
            read_history(folder.history, epochs=epochs)


@pytest.mark.parametrize("damage", ["garbage at its head", "cut in half"])
def test_a_damaged_mlflow_database_ends_no_launch_and_says_how_it_is_made_again(store: Path, damage: str) -> None:
    path = store / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection:  # what lies in its log would mend the head
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    path.write_bytes(b"\xff" * 4096 + content[4096:] if damage.startswith("garbage") else content[: len(content) // 2])
    damaged = path.read_bytes()
    info = StudyInfo("many", "0" * 16, "rmse", "minimize", "regression", "0" * 64)
    with Tracker(f"sqlite:///{path}", info, store / "artifacts", "me") as tracker:
        tracker.start_launch("name: many")
        tracker.flush()
        assert tracker.trouble is not None
        told = mlflow_trouble(tracker.trouble, f"sqlite:///{path}")
    assert told == f"{path} is damaged; move it away, and the next launch writes it again from the study's history"
    assert path.read_bytes() == damaged
