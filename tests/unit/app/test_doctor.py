"""What is wrong with a study is found without changing it, put right once, and then all is well."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from mlflow import MlflowClient

from hpsearch.app.doctor import doctor
from hpsearch.app.results import load
from hpsearch.delivery.predictor import verify_package
from hpsearch.errors import UnknownStudy
from hpsearch.search.folder import StudyFolder
from hpsearch.search.history import checked, to_line
from hpsearch.search.journal import open_journal, read_trials


@pytest.fixture
def place(finished: Path, tmp_path: Path) -> Path:
    """A copy of the store with the finished study 'rentals', to be damaged."""
    return Path(shutil.copytree(finished, tmp_path / "store"))


def rentals(place: Path) -> Path:
    return place / "studies" / "rentals"


def runs(place: Path, query: str = "") -> list[Any]:
    client: Any = MlflowClient(f"sqlite:///{place}/mlflow.db")
    experiment = client.get_experiment_by_name("rentals")
    return list(client.search_runs([experiment.experiment_id], query))


def tear(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'{"number": 7, "conf')


def leave_running(place: Path) -> None:
    journal, storage = open_journal(rentals(place) / "optuna.journal")
    optuna.load_study(study_name=None, storage=storage).ask()
    journal.flush()


def lose_line(place: Path) -> None:
    path = rentals(place) / "history.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))


def double_line(place: Path) -> None:
    path = rentals(place) / "history.jsonl"
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[0])


def forget_run(place: Path) -> None:
    (run,) = runs(place, "tags.`hpsearch.trial` = '0' and tags.`hpsearch.kind` = 'trial'")
    MlflowClient(f"sqlite:///{place}/mlflow.db").delete_run(run.info.run_id)


def open_run(place: Path) -> None:
    (run,) = runs(place, "tags.`hpsearch.kind` = 'launch'")
    MlflowClient(f"sqlite:///{place}/mlflow.db").update_run(run.info.run_id, status="RUNNING")


def double_run(place: Path) -> None:
    (run,) = runs(place, "tags.`hpsearch.trial` = '0' and tags.`hpsearch.kind` = 'trial'")
    client = MlflowClient(f"sqlite:///{place}/mlflow.db")
    copy = client.create_run(run.info.experiment_id, tags=run.data.tags)
    client.log_metric(copy.info.run_id, "objective", run.data.metrics["objective"])
    client.set_terminated(copy.info.run_id)


def flip_byte(place: Path) -> None:
    path = rentals(place) / "package" / "preparation.json"
    path.write_bytes(b"[" + path.read_bytes()[1:])


def half_package(place: Path) -> None:
    (rentals(place) / ".package.new").mkdir()
    (rentals(place) / ".package.new" / "model.keras").write_bytes(b"half")


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "half a line of the history": (
        lambda place: tear(rentals(place) / "history.jsonl"), "history.jsonl ends in half a line"
    ),
    "half a line of the journal": (
        lambda place: tear(rentals(place) / "optuna.journal"), "optuna.journal ends in half a line"
    ),
    "half a file": (
        lambda place: (rentals(place) / ".study.json.77.tmp").write_text("{"), ".study.json.77.tmp is half written"
    ),
    "a trial left running": (leave_running, "trial 4: left running by a driver that is gone"),
    "a line taken out": (lose_line, "the history lacks the line of trial 0, ended in Optuna"),
    "a line twice": (double_line, "the history has trial 0 more than once"),
    "no run": (forget_run, "trial 0: had no run in MLflow"),
    "two runs": (double_run, "trial 0: has a run in MLflow that is wrong, or one too many"),
    "a launch left open": (open_run, "the run of a launch is open in MLflow: the process that ran it is gone"),
    "a changed package": (flip_byte, "is no whole model package: preparation.json: sha256 expected"),
    "half a package": (half_package, ".package.new is half written"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_put_right_and_then_well(case: str, place: Path) -> None:
    do, said = WRONG[case]
    do(place)
    before = digests(place)
    (told,) = doctor("rentals", store=place)
    assert any(said in finding.what for finding in told.findings), told.findings
    assert all(finding.repairable for finding in told.findings)
    assert digests(place) == before

    (repaired,) = doctor("rentals", repair=True, store=place)
    assert repaired.findings == ()
    assert [finding.what for finding in repaired.repaired] == [finding.what for finding in told.findings]
    after = digests(place)
    (again,) = doctor("rentals", repair=True, store=place)
    assert (again.findings, again.repaired) == ((), ())
    assert digests(place) == after


def digests(place: Path) -> dict[str, str]:
    """Return a digest of every file but the lock and the database, whose content MLflow answers for."""
    paths = [path for path in place.rglob("*") if path.is_file() and "mlflow.db" not in path.name]
    found = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.suffix != ".lock"}
    states = sorted((run.info.run_id, run.info.status, *run.data.tags.items()) for run in runs(place))
    return found | {"runs": repr(states)}


def test_the_history_is_believed_where_the_journal_says_more(place: Path) -> None:
    lose_line(place)
    (repaired,) = doctor("rentals", repair=True, store=place)
    assert repaired.findings == ()
    assert load("rentals", store=place).done() == 3
    assert [t.number for t in read_trials(rentals(place) / "optuna.journal") if t.params] == [1, 2, 3]
    assert (rentals(place) / "optuna.journal.damaged-1").exists()


def test_a_changed_package_is_set_aside_and_made_again(place: Path) -> None:
    flip_byte(place)
    doctor("rentals", repair=True, store=place)
    verify_package(rentals(place) / "package")
    assert (rentals(place) / "package.damaged-1").exists()
    files = [path for path in (rentals(place) / "package").iterdir() if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_whole_store_is_well(finished: Path) -> None:
    examined = doctor(store=finished)
    assert [one.name for one in examined] == ["flowers", "rentals"]
    assert all(one.well and not one.running for one in examined)


def test_a_damaged_file_is_told_and_left_to_a_person(place: Path) -> None:
    (rentals(place) / "study.json").write_text("{")
    (told,) = doctor("rentals", repair=True, store=place)
    (finding,) = told.findings
    assert "study.json is damaged" in finding.what
    assert not finding.repairable
    assert "restore it" in finding.remedy


def test_the_history_is_believed_where_the_journal_says_otherwise(place: Path) -> None:
    path = rentals(place) / "history.jsonl"
    first, *others = path.read_bytes().splitlines(keepends=True)
    values = json.loads(checked(first.rstrip(b"\n")))
    path.write_bytes(b"".join([to_line(values | {"value": values["value"] + 1}), *others]))
    (told,) = doctor("rentals", store=place)
    assert "Optuna and the history do not agree on how trial 0 ended" in [finding.what for finding in told.findings]
    (repaired,) = doctor("rentals", repair=True, store=place)
    assert repaired.findings == ()
    assert read_trials(rentals(place) / "optuna.journal")[0].value == values["value"] + 1


def test_a_study_that_is_being_run_is_left_alone(place: Path) -> None:
    tear(rentals(place) / "history.jsonl")
    with StudyFolder(rentals(place)).locked("process 7 on here"):
        (told,) = doctor("rentals", repair=True, store=place)
    assert told.running == "study 'rentals' is being run by process 7 on here"
    assert told.findings == ()
    assert not (rentals(place) / "history.jsonl").read_bytes().endswith(b"\n")


def test_a_server_that_does_not_answer_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    (told,) = doctor("rentals", store=place)
    (finding,) = told.findings
    assert finding.what.startswith("http://127.0.0.1:9 does not answer as MLflow does")
    assert not finding.repairable


def test_a_study_that_was_moving_into_a_changed_space_is_found_and_put_in_its_place(place: Path) -> None:
    rentals(place).rename(place / "studies" / ".rentals.widening")
    (told,) = doctor("rentals", store=place)
    assert "was moving into a changed space" in told.findings[0].what
    assert [one.name for one in doctor(store=place)] == ["flowers", "rentals"]
    (repaired,) = doctor("rentals", repair=True, store=place)
    assert repaired.findings == ()
    assert rentals(place).exists()


def test_an_unknown_study_is_refused_with_the_nearest_name(finished: Path) -> None:
    with pytest.raises(UnknownStudy, match="did you mean 'rentals'"):
        doctor("rental", store=finished)
