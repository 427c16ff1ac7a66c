from __future__ import annotations

import os
import re
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from sample_studies import write_rentals

import hpsearch
from hpsearch.app.display import Silent
from hpsearch.errors import NoTrialCompleted, SpecError, StudyChanged, StudyLocked
from hpsearch.records import EpochRecord, TrialRecord
from hpsearch.search.folder import StudyFolder

from .notes import Notes

SPACE: dict[str, Any] = {"hidden_layers": 0, "optimizer": "adam", "batch_size": 128, "epochs": 2}


def study(search: dict[str, Any] | None = None, **changes: Any) -> hpsearch.StudySpec:
    """A study of a linear model on scikit-learn's iris that is over in a moment."""
    values: dict[str, Any] = {"name": "iris", "data": {"sklearn": "iris"}, "space": SPACE, "winner": "none"}
    return hpsearch.make_spec(values | {"search": {"trials": 2, "pruner": "none"} | (search or {})} | changes)


def run(spec: hpsearch.StudySpec, store: Path, **options: Any) -> hpsearch.StudyResult:
    return hpsearch.run(spec, workers="inline", store=store, **options)


class Interrupts(Silent):
    """Sends this process a signal at the first epoch of a trial."""

    def __init__(self, number: int, trial: int) -> None:
        self.number, self.trial = number, trial

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        if number == self.trial and epoch.step == 1:
            os.kill(os.getpid(), self.number)


def files(client: Any, run: Any) -> set[str]:
    return {file.path for file in client.list_artifacts(run.info.run_id)}


def test_the_same_call_again_trains_nothing_more(store: Path) -> None:
    first = run(study(), store)
    notes = Notes()
    again = run(study(), store, display=notes)
    assert again.records == first.records
    assert (again.ending, notes.began, notes.epochs) == ("budget", [(2, 2)], 0)


def test_more_adds_to_what_is_done(store: Path) -> None:
    run(study(), store)
    assert run(study(), store, more=1).done() == 3


def test_a_greater_total_goes_on_and_a_smaller_one_takes_nothing_back(store: Path) -> None:
    run(study(), store)
    assert run(study(), store, trials=3).done() == 3
    again = run(study(), store, trials=1)
    assert (again.done(), again.file.trials) == (3, 3)


def test_the_budget_and_other_fields_that_decide_no_result_may_change(store: Path) -> None:
    run(study(), store)
    search = {"trials": 3, "timeout": "1h", "trial_timeout": "1h", "keep_models": 1, "stop_at": 0.0, "workers": 1}
    assert run(study(search, description="now with words"), store).done() == 3


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"search": {"trials": 2, "pruner": "none", "seed": 7}}, "search.seed: 0 -> 7"),
        ({"space": SPACE | {"epochs": 3}}, "space.epochs: 2 -> 3"),
        ({"prepare": {"numeric": "robust"}}, "prepare.numeric: 'standard' -> 'robust'"),
    ],
)
def test_a_changed_field_is_refused_by_its_name(finished_iris: Path, changes: dict[str, Any], told: str) -> None:
    before = (finished_iris / "studies" / "iris" / "history.jsonl").read_bytes()
    values = study().model_dump(mode="json") | changes
    with pytest.raises(StudyChanged, match="began with another study file") as refused:
        run(hpsearch.make_spec(values), finished_iris)
    assert told in str(refused.value)
    assert (finished_iris / "studies" / "iris" / "history.jsonl").read_bytes() == before


def test_every_changed_field_is_told_at_once(finished_iris: Path) -> None:
    changed = study({"seed": 1, "sampler": "random"}, prepare={"missing": "drop"})
    with pytest.raises(StudyChanged) as refused:
        run(changed, finished_iris)
    for field in ("search.seed", "search.sampler.name", "prepare.missing"):
        assert field in str(refused.value)


def test_rows_that_are_not_the_same_are_refused(tmp_path: Path, store: Path) -> None:
    write_rentals(tmp_path / "rentals.csv")
    values = {
        "name": "rentals",
        "data": {"csv": "rentals.csv", "target": "cnt"},
        "space": SPACE,
        "search": {"trials": 1},
    }
    spec = hpsearch.make_spec(values, folder=tmp_path)
    run(spec, store)
    write_rentals(tmp_path / "rentals.csv", rows=80)
    with pytest.raises(StudyChanged, match="the rows are not the same"):
        run(spec, store)


def test_new_sets_the_earlier_study_aside(store: Path) -> None:
    first = run(study(), store)
    notes = Notes()
    second = run(study({"seed": 7}), store, new=True, display=notes)
    aside = store / "studies" / f".iris-{first.info.uid}"
    assert second.info.uid != first.info.uid
    assert (aside / "history.jsonl").exists()
    assert f"the earlier study 'iris' is set aside in {aside}" in notes.notes
    assert [known.name for known in hpsearch.studies(store)] == ["iris"]


def test_a_study_that_is_being_run_is_refused(finished_iris: Path) -> None:
    owner = StudyFolder(finished_iris / "studies" / "iris").locked("process 7 on elsewhere")
    with owner, pytest.raises(StudyLocked, match="'iris' is being run by process 7 on elsewhere; wait for it"):
        run(study(), finished_iris)


def test_a_space_with_two_points_is_trained_twice_whatever_the_budget(store: Path) -> None:
    notes = Notes()
    result = run(
        study({"trials": 5, "sampler": "random"}, space=SPACE | {"learning_rate": [0.1, 0.01]}), store, display=notes
    )
    trained = [record for record in result.records if record.copy_of is None]
    assert (result.done(), len(trained), notes.epochs) == (5, 2, 4)
    values = {record.number: record.value for record in trained}
    assert all(r.value == values[r.copy_of] for r in result.records if r.copy_of is not None)


def test_a_grid_ends_with_its_last_point(store: Path) -> None:
    spec = study({"trials": 5, "sampler": "grid"}, space=SPACE | {"learning_rate": [0.1, 0.01]})
    result = run(spec, store)
    assert (result.ending, result.done()) == ("exhausted", 2)


def test_a_value_that_is_good_enough_ends_the_search(store: Path) -> None:
    result = run(study({"trials": 5, "stop_at": 100.0}), store)
    assert (result.ending, result.done()) == ("good enough", 1)


def test_time_that_is_over_without_a_completed_trial_is_told(store: Path) -> None:
    with pytest.raises(NoTrialCompleted, match="no trial of 'iris' completed"):
        run(study(), store, timeout=1e-6)


def test_a_budget_spent_on_trials_that_diverge_is_told_with_the_reason(tmp_path: Path, store: Path) -> None:
    write_rentals(tmp_path / "rentals.csv")
    space = SPACE | {"optimizer": "sgd", "learning_rate": [90.0, 100.0], "batch_size": 8, "epochs": 5}
    values = {"name": "wild", "data": {"csv": "rentals.csv", "target": "cnt"}, "space": space, "search": {"trials": 2}}
    with pytest.raises(NoTrialCompleted, match=r"no trial of 'wild' completed: diverged at epoch \d \(\d trial"):
        run(hpsearch.make_spec(values, folder=tmp_path), store)
    assert hpsearch.load("wild", store=store).states()["failed"] == 2


def test_an_objective_that_does_not_fit_the_task_leaves_no_study(store: Path) -> None:
    with pytest.raises(SpecError, match="'rmse' does not fit a multiclass task"):
        run(study({"objective": "rmse"}), store)
    assert hpsearch.studies(store) == []


def test_options_that_a_sampler_refuses_leave_no_study(store: Path) -> None:
    with pytest.raises(SpecError, match=r"search\.sampler"):
        run(study({"sampler": {"name": "tpe", "n_startup": 3}}), store)
    assert not StudyFolder(store / "studies" / "iris").exists()


def test_a_study_of_which_no_trial_ended_takes_another_study_file(store: Path) -> None:
    with pytest.raises(NoTrialCompleted):
        run(study(), store, timeout=1e-9)
    assert run(study({"seed": 7}), store).done() == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_launch_and_the_same_call_finishes_the_budget(store: Path, number: int) -> None:
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    result = run(study({"trials": 3}), store, display=Interrupts(number, trial=1))
    assert (result.ending, result.states()) == (
        "interrupted",
        {"completed": 1, "pruned": 0, "failed": 0, "interrupted": 1},
    )
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers
    again = run(study({"trials": 3}), store)
    assert (again.ending, again.done(), again.states()["completed"]) == ("budget", 3, 3)


def test_an_interrupted_trial_is_run_again_with_its_configuration_and_its_seed(store: Path) -> None:
    first = run(study(), store, display=Interrupts(signal.SIGINT, trial=0))
    (lost,) = first.records
    retried = next(r for r in run(study(), store).records if r.retry_of == lost.number)
    assert (retried.configuration, retried.seed) == (lost.configuration, lost.seed)


def test_it_runs_outside_the_main_thread(store: Path) -> None:
    results: list[hpsearch.StudyResult] = []
    thread = threading.Thread(target=lambda: results.append(run(study(), store)))
    thread.start()
    thread.join()
    assert results[0].done() == 2


def test_a_spec_made_in_python_is_logged_as_a_study_file(finished_iris: Path, tmp_path: Path) -> None:
    client: Any = MlflowClient(f"sqlite:///{finished_iris}/mlflow.db")
    experiment = client.get_experiment_by_name("iris")
    launch = client.search_runs([experiment.experiment_id], "tags.`hpsearch.kind` = 'launch'")[0]
    path = client.download_artifacts(launch.info.run_id, "study.yaml", str(tmp_path))
    assert hpsearch.load_spec(path).space == study().space


def test_the_link_opens_the_study_that_was_run(finished_iris: Path) -> None:
    result = run(study(), finished_iris)
    client: Any = MlflowClient(f"sqlite:///{finished_iris}/mlflow.db")
    number = client.get_experiment_by_name("iris").experiment_id
    assert result.link.startswith(f"http://127.0.0.1:5000/#/experiments/{number}/runs?workflowType=machine_learning")


@pytest.fixture(scope="module")
def finished_iris(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path) -> Path:
    """A store with the study done."""
    from sample_studies import new_store

    place = new_store(tmp_path_factory.mktemp("iris") / "store", mlflow_database)
    run(study(), place)
    return place


def test_records_of_a_result_are_those_of_the_disk(finished_iris: Path) -> None:
    record = hpsearch.load("iris", store=finished_iris).records[0]
    assert isinstance(record, TrialRecord)
    assert record.state == "completed"


def test_a_tracking_server_that_is_away_stops_no_search_and_is_told_without_its_password(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:1")
    notes = Notes()
    result = run(study(), store, display=notes)
    assert (result.done(), result.link) == (2, "")
    assert result.trouble == "connection refused"
    assert notes.notes[-1].startswith("MLflow could not be written (connection refused)")
    assert "secret" not in "".join(notes.notes)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    notes = Notes()
    run(study(), store, display=notes)
    assert any(re.fullmatch(r"MLflow: \d repairs made after an earlier launch", note) for note in notes.notes)
    client: Any = MlflowClient(f"sqlite:///{store}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("iris").experiment_id])
    trials, launches = ([r for r in runs if r.data.tags["hpsearch.kind"] == kind] for kind in ("trial", "launch"))
    second, first = sorted(launches, key=lambda launch: -launch.info.start_time)
    assert [(r.data.tags["hpsearch.state"], r.data.tags["mlflow.parentRunId"]) for r in trials] == [
        ("completed", first.info.run_id)
    ] * 2
    assert {first.info.status, second.info.status} == {"FINISHED"}
    assert first.data.metrics.keys() >= second.data.metrics.keys() >= {"test_log_loss"}
    assert len(first.outputs.model_outputs) == len(second.outputs.model_outputs) == 1
    assert files(client, first) == files(client, second) >= {"study.yaml", "report.html", "evaluation"}
    assert {"configuration.yaml", "learning_curve.png"} == files(client, trials[0])
