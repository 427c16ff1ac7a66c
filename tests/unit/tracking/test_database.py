from __future__ import annotations

import re
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from hpsearch.tracking.database import database_made_once, private_folder, sqlite_path

_START = """
import os, sys
from pathlib import Path
from hpsearch.records import StudyInfo
from hpsearch.tracking.mlflow import Tracker
from hpsearch.tracking.silence import import_mlflow
import_mlflow()  # once for all, as it takes three seconds
import mlflow.store.tracking.sqlalchemy_store
folder, (here, there) = Path(sys.argv[1]), os.pipe()
children = []
for name in sys.argv[2]:
    children.append(os.fork())
    if children[-1] == 0:
        os.close(there)
        os.read(here, 1)  # until all are there
        info = StudyInfo(name, name * 16, "rmse", "minimize", "regression", "d")
        with Tracker(f"sqlite:///{folder}/mlflow.db", info, folder / "artifacts", name) as tracker:
            tracker.start_launch("")
            tracker.flush()
            print(tracker.trouble or "", end="", flush=True)
        os._exit(0)
os.close(there)
print(*(os.waitpid(child, 0)[1] for child in children))
"""


def test_eight_processes_that_start_at_once_on_an_empty_folder_all_find_their_place(tmp_path: Path) -> None:
    store = tmp_path / "mlruns"
    started = subprocess.run(
        [sys.executable, "-c", _START, store, "abcdefgh"], capture_output=True, text=True, check=False, timeout=240
    )
    assert (started.stdout.split(), started.stderr) == (["0"] * 8, "")
    client = MlflowClient(f"sqlite:///{store}/mlflow.db")
    experiments = {experiment.name: experiment.experiment_id for experiment in client.search_experiments()}
    assert experiments.keys() == {"Default", *"abcdefgh"}
    assert [len(client.search_runs([experiments[name]])) for name in "abcdefgh"] == [1] * 8
    for path in (store, *store.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_process_that_holds_the_lock_for_ever_is_told_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpsearch.tracking.database.PATIENCE", 0.1)
    lock = tmp_path / "mlflow.db.lock"
    holder = subprocess.Popen(
        ["flock", lock, "sh", "-c", "echo held; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(TimeoutError, match=re.escape(f"fuser {lock} tells which")),
            database_made_once(f"sqlite:///{tmp_path}/mlflow.db"),
        ):
            pass
    finally:
        holder.kill()
        holder.communicate()


def test_a_damaged_database_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(sqlite3.DatabaseError), database_made_once(f"sqlite:///{tmp_path}/mlflow.db"):
        pass


def test_a_reader_does_not_wait_for_the_writer(tmp_path: Path) -> None:
    with database_made_once(f"sqlite:///{tmp_path}/mlflow.db"):
        pass
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_databases_of_other_kinds_are_left_to_themselves(tmp_path: Path) -> None:
    with database_made_once("postgresql://nowhere/db"), database_made_once("http://127.0.0.1:1"):
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("sqlite:////a/b.db", Path("/a/b.db")),
        ("sqlite:////a/b.db?timeout=5", Path("/a/b.db")),
        ("sqlite:///b.db", Path.cwd() / "b.db"),
        ("sqlite:///:memory:", None),
        ("http://host/a.db", None),
    ],
)
def test_the_file_of_an_address(uri: str, path: Path | None) -> None:
    assert sqlite_path(uri) == path


def test_every_folder_made_is_private_and_none_is_changed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    private_folder(tmp_path / "a" / "b")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path, tmp_path / "a", tmp_path / "a" / "b")]
    assert modes == [0o755, 0o700, 0o700]
