from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.tracking.items import LAUNCH, trial_ended, trial_started
from hpsearch.tracking.mlflow import Tracker
from hpsearch.tracking.store import MlflowStore

OpenTracker = Callable[..., Tracker]
Make = Callable[..., TrialRecord]


def trials(client: Any, tracker: Tracker) -> dict[str, Any]:
    """The trial runs MLflow holds, by name; each name once."""
    runs = client.search_runs([tracker.experiment_id], "tags.`hpsearch.kind` = 'trial'")
    names = {run.info.run_name: run for run in runs}
    assert len(names) == len(runs)
    return names


def test_a_completed_trial_reads_back_whole(
    open_tracker: OpenTracker, client: Any, trial: Make, info: StudyInfo
) -> None:
    tracker = open_tracker()
    tracker.start_launch("data: {}")
    tracker.trial_started(trial(7, "running"))
    tracker.trial_ended(trial(7))
    run = trials(client, tracker)["trial-007"]
    assert run.info.status == "FINISHED"
    assert run.data.params == {"hidden_layers": "1", "neurons_1": "16", "learning_rate": "0.01"}
    assert run.data.tags["mlflow.parentRunId"] == tracker.launch_run_id
    assert run.data.metrics["objective"] == run.data.metrics["best_rmse"] == 50.0
    history = client.get_metric_history(run.info.run_id, "val_rmse")
    assert [(metric.step, metric.value) for metric in history] == [(1, 52.0), (2, 51.0), (3, 50.0)]


def test_a_long_trial_shows_its_epochs_while_it_runs_and_none_twice(
    open_tracker: OpenTracker, client: Any, trial: Make, info: StudyInfo
) -> None:
    seconds = iter(range(1_000, 2_000, 4))
    tracker = open_tracker(clock=lambda: float(next(seconds)))
    tracker.start_launch("data: {}")
    tracker.trial_started(trial(7, "running"))
    for epoch in trial(7).epochs:
        tracker.epoch(7, epoch)
    tracker.flush()
    run = trials(client, tracker)["trial-007"]
    steps = [metric.step for metric in client.get_metric_history(run.info.run_id, "val_rmse")]
    assert steps == [1, 2, 3]
    assert run.info.status == "RUNNING"
    tracker.trial_ended(trial(7))
    tracker.flush()
    assert [metric.step for metric in client.get_metric_history(run.info.run_id, "val_rmse")] == [1, 2, 3]


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_trial_and_any_after_a_long_one_show_at_once(
    open_tracker: OpenTracker, client: Any, trial: Make
) -> None:
    tracker = open_tracker()
    tracker.start_launch("")
    tracker.trial_started(trial(0, "running"))
    tracker.trial_ended(trial(0))  # 4 s
    tracker.trial_started(trial(1, "running"))
    tracker.flush()
    assert {name: run.info.status for name, run in trials(client, tracker).items()} == {
        "trial-000": "FINISHED",
        "trial-001": "RUNNING",
    }


def test_where_trials_are_brief_one_shows_when_it_ends_or_lasts(
    open_tracker: OpenTracker, client: Any, trial: Make
) -> None:
    clock = Clock()
    tracker = open_tracker(clock=clock)
    tracker.start_launch("")
    tracker.trial_ended(replace(trial(0), seconds=0.5))
    for number in (1, 2):
        tracker.trial_started(trial(number, "running"))
        for epoch in trial(number).epochs:
            tracker.epoch(number, epoch)
    tracker.flush()
    assert trials(client, tracker).keys() == {"trial-000"}
    clock.now += 5.0
    tracker.epoch(1, replace(trial(1).epochs[-1], step=4))
    tracker.trial_ended(replace(trial(2), seconds=0.5))
    tracker.flush()
    found = trials(client, tracker)
    assert (found["trial-001"].info.status, found["trial-002"].info.status) == ("RUNNING", "FINISHED")
    assert found["trial-001"].data.params == found["trial-002"].data.params == found["trial-000"].data.params
    steps = {
        name: [m.step for m in client.get_metric_history(run.info.run_id, "val_rmse")] for name, run in found.items()
    }
    assert steps == {"trial-000": [1, 2, 3], "trial-001": [1, 2, 3, 4], "trial-002": [1, 2, 3]}


def test_a_brief_trial_reads_back_like_a_long_one(open_tracker: OpenTracker, client: Any, trial: Make) -> None:
    tracker = open_tracker(clock=Clock())
    tracker.start_launch("")
    for number, seconds in ((0, 0.5), (1, 4.0), (2, 0.5)):  # whole, whole, and in two parts
        tracker.trial_started(trial(number, "running"))
        for epoch in trial(number).epochs:
            tracker.epoch(number, epoch)
        tracker.trial_ended(replace(trial(number), seconds=seconds))
    tracker.flush()
    runs = [run.data.to_dictionary() for _, run in sorted(trials(client, tracker).items())]
    for run in runs:
        for key in ("hpsearch.trial", "hpsearch.seed", "mlflow.runName"):
            del run["tags"][key]
        del run["metrics"]["trial_seconds"]
    assert runs[0] == runs[1] == runs[2]


def test_the_launch_chart_is_whole_once_the_launch_ends(open_tracker: OpenTracker, client: Any, trial: Make) -> None:
    tracker = open_tracker(clock=Clock())
    tracker.start_launch("")
    run_id = tracker.launch_run_id
    for number in range(4):
        tracker.trial_ended(trial(number, value=50.0 - number))
    tracker.end_launch()
    tracker.flush()
    history = client.get_metric_history(run_id, "objective")
    assert [(metric.step, metric.value) for metric in history] == [(0, 50.0), (1, 49.0), (2, 48.0), (3, 47.0)]


def test_pruned_failed_and_interrupted_are_told_apart(
    open_tracker: OpenTracker, client: Any, trial: Make, info: StudyInfo
) -> None:
    tracker = open_tracker()
    tracker.start_launch("")
    for number, state in enumerate(("pruned", "failed", "interrupted")):
        tracker.trial_started(trial(number, "running"))
        tracker.trial_ended(trial(number, state))  # type: ignore[arg-type]
    tracker.flush()
    found = [(run.info.status, run.data.tags["hpsearch.state"]) for _, run in sorted(trials(client, tracker).items())]
    assert found == [("KILLED", "pruned"), ("FAILED", "failed"), ("KILLED", "interrupted")]


def test_the_launch_shows_the_best_so_far_at_each_trial(open_tracker: OpenTracker, client: Any, trial: Make) -> None:
    tracker = open_tracker()
    tracker.start_launch("")
    for number, value in enumerate((50.0, 60.0, 40.0)):
        tracker.trial_ended(trial(number, value=value))
    history = client.get_metric_history(tracker.launch_run_id, "best_objective")
    assert [(metric.step, metric.value) for metric in history] == [(0, 50.0), (1, 50.0), (2, 40.0)]


def test_a_launch_takes_files_metrics_tags_and_data(
    open_tracker: OpenTracker, client: Any, tmp_path: Path, info: StudyInfo
) -> None:
    picture = tmp_path / "history.png"
    picture.write_bytes(b"png")
    tracker = open_tracker()
    tracker.start_launch("data: {}", {"version": "1"}, {"trials": 5})
    tracker.log_dataset("bike", "d1gest", 10, ["temp"], "bike.csv")
    tracker.artifact(LAUNCH, "plots/history.png", picture)
    picture.unlink()
    tracker.artifact(LAUNCH, "evaluation.json", "{}")
    tracker.launch_metrics({"test_rmse": 51.0, "test_r2": float("nan")})
    tracker.launch_tags({"winner": "trial-007"})
    tracker.end_launch("FINISHED", {"why": "budget spent"})
    run = client.get_run(tracker.launch_run_id)
    files = {file.path for folder in (None, "plots") for file in client.list_artifacts(run.info.run_id, folder)}
    assert files == {"study.yaml", "plots", "plots/history.png", "evaluation.json"}
    assert (run.data.metrics, run.data.params) == ({"test_rmse": 51.0}, {"trials": "5"})
    assert {"version": "1", "winner": "trial-007", "why": "budget spent"}.items() <= run.data.tags.items()
    assert run.info.status == "FINISHED"


@pytest.mark.parametrize(
    ("error", "status"), [(None, "FINISHED"), (ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_a_launch_left_open_ends_with_its_block(
    uri: str, client: Any, error: type[BaseException] | None, status: str, info: StudyInfo
) -> None:
    tracker = Tracker(uri, info, None, "me")
    tracker.start_launch("")
    run_id = tracker.launch_run_id
    tracker.__exit__(error, None, None)
    assert client.get_run(run_id).info.status == status


def test_after_a_crash_reconcile_makes_mlflow_equal_to_the_records(
    open_tracker: OpenTracker, client: Any, trial: Make, info: StudyInfo
) -> None:
    dead = open_tracker(owner="dead")
    dead.start_launch("")
    dead.trial_ended(trial(0, value=50.0))
    for number in (1, 2):
        dead.trial_started(trial(number, "running"))
    dead.flush()
    now = open_tracker(owner="me")
    now.start_launch("")
    records = [trial(0, value=50.0), trial(1, value=45.0), trial(2, "interrupted"), trial(3, "pruned")]
    assert len(now.reconcile(records)) == 7
    runs = trials(client, now)
    assert [runs[f"trial-00{number}"].info.status for number in range(4)] == [
        "FINISHED",
        "FINISHED",
        "KILLED",
        "KILLED",
    ]
    old, new = client.get_run(dead.launch_run_id), client.get_run(now.launch_run_id)
    assert (old.info.status, old.data.tags["hpsearch.state"], new.info.status) == ("KILLED", "interrupted", "RUNNING")
    history = client.get_metric_history(dead.launch_run_id, "best_objective")
    assert {(metric.step, metric.value) for metric in history} == {(0, 50.0), (1, 45.0)}


@pytest.mark.parametrize("written", range(5))
def test_a_crash_between_any_two_writes_leaves_no_trace(
    open_tracker: OpenTracker, client: Any, written: int, trial: Make, info: StudyInfo
) -> None:
    items = [*trial_started(info, trial(0, "running"), "dead", parent=None), *trial_ended(info, trial(0))]
    MlflowStore(client.tracking_uri, info, None).write(items[:written])
    now = open_tracker(owner="me")
    now.start_launch("")
    now.reconcile([trial(0)])
    run = trials(client, now)["trial-000"]
    assert (run.info.status, run.data.tags["hpsearch.state"], run.data.metrics["objective"]) == (
        "FINISHED",
        "completed",
        50.0,
    )
    assert len(client.get_metric_history(run.info.run_id, "val_rmse")) == 3
    assert now.reconcile([trial(0)]) == []


def test_a_run_made_from_the_record_is_the_run_made_live(
    open_tracker: OpenTracker, client: Any, trial: Make, info: StudyInfo
) -> None:
    tracker = open_tracker()
    tracker.start_launch("")
    tracker.trial_started(trial(0, "running"))
    tracker.trial_ended(trial(0))
    before = trials(client, tracker)["trial-000"]
    client.delete_run(before.info.run_id)
    tracker.reconcile([trial(0)])
    after = trials(client, tracker)["trial-000"]
    assert (after.data.to_dictionary(), after.info.start_time, after.info.end_time) == (
        before.data.to_dictionary(),
        before.info.start_time,
        before.info.end_time,
    )


def test_reconciling_twice_changes_nothing(open_tracker: OpenTracker, client: Any, trial: Make) -> None:
    tracker = open_tracker()
    tracker.start_launch("")
    tracker.trial_started(trial(9, "running"))
    records = [trial(0), trial(1, "failed"), trial(2, "running"), trial(9, "running")]
    assert tracker.reconcile(records)
    before = {name: run.to_dictionary() for name, run in trials(client, tracker).items()}
    assert tracker.reconcile(records) == []
    assert {name: run.to_dictionary() for name, run in trials(client, tracker).items()} == before


def test_the_best_so_far_goes_on_from_earlier_launches(open_tracker: OpenTracker, client: Any, trial: Make) -> None:
    tracker = open_tracker()
    tracker.start_launch("")
    tracker.reconcile([trial(0, value=30.0)])
    tracker.trial_ended(trial(1, value=50.0))
    tracker.flush()
    assert client.get_run(tracker.launch_run_id).data.metrics["best_objective"] == 30.0


def test_a_server_that_is_away_is_trouble_told_not_raised(tmp_path: Path, trial: Make, info: StudyInfo) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        uri = f"http://user:S3CRET@127.0.0.1:{unused.getsockname()[1]}"
        with Tracker(uri, info, None, "me") as tracker:
            tracker.start_launch("")
            tracker.trial_ended(trial(0))
            assert tracker.launch_run_id is None
            assert tracker.reconcile([trial(0)]) == []
    assert tracker.trouble is not None
    assert "S3CRET" not in tracker.trouble


def test_trouble_once_over_is_made_good_by_reconcile(
    uri: str, tmp_path: Path, client: Any, trial: Make, info: StudyInfo
) -> None:
    blocked = tmp_path / "artifacts"
    blocked.write_text("a file where a folder must be")
    with Tracker(uri, info, blocked, "me") as tracker:
        tracker.start_launch("data: {}")
        tracker.trial_ended(trial(0))
        tracker.flush()
        assert tracker.trouble is not None
        blocked.unlink()
        tracker.reconcile([trial(0)])
        assert tracker.trouble is None
        assert trials(client, tracker)["trial-000"].data.tags["mlflow.parentRunId"] == tracker.launch_run_id


def test_a_launch_whose_run_somebody_removes_goes_on_without_it(
    open_tracker: OpenTracker, client: Any, trial: Make, tmp_path: Path
) -> None:
    clock = Clock()
    tracker = open_tracker(clock=clock)
    tracker.start_launch("")
    tracker.recall([])
    client.delete_run(tracker.launch_run_id)
    for number in range(3):
        clock.now += 10.0
        tracker.launch_metrics({"test_rmse": 1.0})
        tracker.trial_ended(trial(number))
        tracker.flush()
    tracker.end_launch()
    tracker.close()
    assert tracker.trouble is None
    assert trials(client, open_tracker()).keys() == {"trial-000", "trial-001", "trial-002"}
    assert not (tmp_path / "mlflow.spool").exists()


def test_an_error_of_ours_is_not_swallowed(open_tracker: OpenTracker) -> None:
    tracker = open_tracker()
    tracker.artifact(99, "of-no-trial.txt", "")
    with pytest.raises(KeyError):
        tracker.flush()


def test_hostile_names_come_back_harmless(open_tracker: OpenTracker, client: Any, trial: Make) -> None:
    record = replace(trial(0), configuration={"<script>": "../../x", "a?b": 1}, metrics={"val_\n🙂": 1.0})
    tracker = open_tracker()
    tracker.start_launch("")
    tracker.trial_ended(record)
    run = trials(client, tracker)["trial-000"]
    assert run.data.params == {"_script_": "../../x", "a_b": "1"}
    assert "best___" in run.data.metrics


def test_nothing_is_printed(open_tracker: OpenTracker, capfd: pytest.CaptureFixture[str], trial: Make) -> None:
    tracker = open_tracker()
    tracker.start_launch("")
    tracker.trial_ended(trial(0))
    tracker.close()
    assert capfd.readouterr() == ("", "")
