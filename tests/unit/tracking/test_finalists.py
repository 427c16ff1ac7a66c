from __future__ import annotations

import math
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.tracking.finalists import FinalistRun, finalist_written, finalists_to_write
from hpsearch.tracking.items import LAUNCH, STATUS, Point, Points, RunEnd, RunStart, Status
from hpsearch.tracking.mlflow import Tracker
from hpsearch.tracking.reconcile import RunFound
from hpsearch.tracking.store import MlflowStore
from hpsearch.tracking.ui import finalists_link, study_link

OpenTracker = Callable[..., Tracker]
Make = Callable[..., TrialRecord]

NOW = 1_800_000_000_000


def training(trial: int = 12, repeat: int = 2, split: int = 0, value: float = 48.5) -> FinalistRun:
    return FinalistRun(
        trial, repeat, split, seed=1000 + repeat, state="completed", reason="", best_epoch=7,
        metrics={"val_rmse": value, "train_loss": 0.25}, parameters=161, seconds=2.5,
        configuration={"hidden_layers": 1, "neurons_1": 32, "learning_rate": 0.00123456789},
    )  # fmt: skip


def failed(trial: int = 12, repeat: int = 0) -> FinalistRun:
    return replace(
        training(trial, repeat), state="failed", reason="diverged at epoch 3", best_epoch=0, metrics={}, parameters=0
    )


def finalists(client: Any, tracker: Tracker) -> dict[str, Any]:
    """The finalists' runs MLflow holds, by name; each name once."""
    tracker.flush()
    assert tracker.trouble is None
    runs = client.search_runs([tracker.experiment_id], "tags.`hpsearch.kind` = 'finalist'")
    names = {run.info.run_name: run for run in runs}
    assert len(names) == len(runs)
    return names


def written(run: FinalistRun, info: StudyInfo) -> tuple[RunStart, tuple[Point, ...], RunEnd]:
    start, points, end = finalist_written(info, run, "me", NOW)
    assert isinstance(start, RunStart)
    assert isinstance(points, Points)
    assert isinstance(end, RunEnd)
    return start, points.points, end


def found(run: FinalistRun, run_id: str = "r", status: Status | None = None) -> RunFound:
    tags = {"hpsearch.repeat": str(run.repeat), "hpsearch.split": str(run.split)}
    return RunFound(run_id, "finalist", run.trial, status or STATUS[run.state], tags)


def test_a_training_is_named_for_its_trial_and_its_seed(info: StudyInfo) -> None:
    start, _, _ = written(training(12, repeat=2), info)
    assert start.name == "finalist-012-seed-3"


def test_with_folds_it_is_named_for_its_fold_too(info: StudyInfo) -> None:
    start, _, _ = written(training(12, repeat=2, split=1), replace(info, splits=3))
    assert start.name == "finalist-012-seed-3-fold-2"


def test_no_metric_of_it_bears_the_name_of_a_trials(info: StudyInfo) -> None:
    _, points, _ = written(training(), info)
    assert {point.key: point.value for point in points} == {
        "finalist/val_rmse": 48.5, "finalist/train_loss": 0.25, "finalist/seconds": 2.5, "finalist/parameters": 161,
        "finalist/best_epoch": 7,
    }  # fmt: skip


def test_what_a_failed_training_never_had_is_no_metric(info: StudyInfo) -> None:
    start, points, end = written(failed(), info)
    assert [point.key for point in points] == ["finalist/seconds"]
    assert (start.tags["hpsearch.state"], start.tags["hpsearch.reason"]) == ("failed", "diverged at epoch 3")
    assert end.status == "FAILED"


def test_it_lasts_as_long_as_it_was_trained(info: StudyInfo) -> None:
    start, _, end = written(training(), info)
    assert (start.started, end.ended) == (NOW - 2500, NOW)


@given(st.dictionaries(st.text(max_size=8), st.floats(), max_size=5))
def test_only_finite_metrics_are_logged(metrics: dict[str, float]) -> None:
    info = StudyInfo("bike", "0" * 16, "rmse", "minimize", "regression", "d")
    _, points, _ = written(replace(training(), metrics=metrics), info)
    assert all(math.isfinite(point.value) and point.key.split("/")[0] == "finalist" for point in points)


def test_of_doubles_the_one_that_ended_right_stays() -> None:
    run = training()
    torn, wrong, right, more = (
        found(run, "torn", "RUNNING"), found(run, "wrong", "FAILED"), found(run, "right"), found(run, "more"),
    )  # fmt: skip
    assert finalists_to_write([run], [torn, wrong, right, more]) == ([], [torn, wrong, more])


def test_runs_of_trainings_that_are_not_given_are_left_alone() -> None:
    assert finalists_to_write([], [found(training(), "other", "RUNNING")]) == ([], [])


_TRAININGS = st.lists(
    st.builds(training, st.integers(0, 2), st.integers(0, 1), st.integers(0, 1)), unique_by=lambda run: run.key
)
_STATUSES = st.sampled_from(["RUNNING", "FINISHED", "FAILED"])


@given(_TRAININGS, st.lists(st.tuples(st.builds(training, st.integers(0, 2), st.integers(0, 1)), _STATUSES)))
def test_afterwards_each_training_has_one_right_run_and_a_second_time_changes_nothing(
    runs: list[FinalistRun], held: list[tuple[FinalistRun, Status]]
) -> None:
    before = [found(run, str(index), status) for index, (run, status) in enumerate(held)]
    missing, wrong = finalists_to_write(runs, before)
    after = [one for one in before if one not in wrong] + [found(run, f"new-{run.key}") for run in missing]
    assert finalists_to_write(runs, after) == ([], [])
    for run in runs:
        keys = [(one.trial, int(one.tags["hpsearch.repeat"]), int(one.tags["hpsearch.split"])) for one in after]
        assert keys.count(run.key) == 1


def test_a_training_reads_back_whole(open_tracker: OpenTracker, client: Any, info: StudyInfo) -> None:
    tracker = open_tracker(clock=lambda: NOW / 1000)
    tracker.start_launch("data: {}")
    tracker.finalists([training(12, 2)])
    run = finalists(client, tracker)["finalist-012-seed-3"]
    assert run.data.params == {"hidden_layers": "1", "neurons_1": "32", "learning_rate": "0.00123456789"}
    assert run.data.metrics["finalist/val_rmse"] == 48.5
    assert (run.info.status, run.info.start_time, run.info.end_time) == ("FINISHED", NOW - 2500, NOW)
    assert run.data.tags.items() >= {
        "hpsearch.kind": "finalist", "hpsearch.study_uid": info.uid, "hpsearch.trial": "12", "hpsearch.repeat": "2",
        "hpsearch.split": "0", "hpsearch.seed": "1002", "hpsearch.state": "completed",
        "mlflow.parentRunId": tracker.launch_run_id,
    }.items()  # fmt: skip


def test_writing_them_again_changes_nothing(open_tracker: OpenTracker, client: Any) -> None:
    tracker = open_tracker()
    tracker.start_launch("")
    runs = [training(trial, repeat) for trial in (3, 12) for repeat in (0, 1)] + [failed(4)]
    tracker.finalists(runs)
    before = {name: run.to_dictionary() for name, run in finalists(client, tracker).items()}
    assert len(before) == 5
    tracker.finalists(runs)
    assert {name: run.to_dictionary() for name, run in finalists(client, tracker).items()} == before


def test_only_what_is_missing_is_written_and_the_rest_stays_under_its_launch(
    open_tracker: OpenTracker, client: Any
) -> None:
    first = open_tracker(owner="first")
    first.start_launch("")
    first.finalists([training(12, 0)])
    first.end_launch("KILLED")
    first.flush()
    second = open_tracker(owner="second")
    second.start_launch("")
    second.finalists([training(12, 0), training(12, 1)])
    parents = {name: run.data.tags["mlflow.parentRunId"] for name, run in finalists(client, second).items()}
    assert parents == {"finalist-012-seed-1": first.launch_run_id, "finalist-012-seed-2": second.launch_run_id}


def test_after_a_kill_before_they_were_written_the_next_launch_writes_them(
    open_tracker: OpenTracker, client: Any, trial: Make
) -> None:
    records, runs = [trial(0), trial(1)], [training(number, repeat) for number in (0, 1) for repeat in range(3)]
    killed = open_tracker(owner="killed")
    killed.start_launch("")
    for record in records:
        killed.trial_ended(record)
    killed.close()
    now = open_tracker(owner="now")
    now.start_launch("")
    now.reconcile(records)
    now.finalists(runs)
    found_now = finalists(client, now)
    assert len(found_now) == 6
    assert {run.data.tags["mlflow.parentRunId"] for run in found_now.values()} == {now.launch_run_id}
    assert client.get_run(now.launch_run_id).info.status == "RUNNING"


@pytest.mark.parametrize("count", range(4))
def test_a_kill_between_any_two_writes_leaves_no_trace(
    open_tracker: OpenTracker, client: Any, info: StudyInfo, count: int
) -> None:
    start, *rest = finalist_written(info, training(), "killed", NOW)
    assert isinstance(start, RunStart)
    MlflowStore(client.tracking_uri, info, None).write([replace(start, parent=None), *rest][:count])
    now = open_tracker()
    now.start_launch("")
    now.finalists([training()])
    (run,) = finalists(client, now).values()
    assert (run.info.status, run.data.params["neurons_1"]) == ("FINISHED", "32")
    assert len(run.data.metrics) == 5


def test_reconciling_trials_passes_over_them(open_tracker: OpenTracker, client: Any, trial: Make) -> None:
    tracker = open_tracker()
    tracker.start_launch("")
    tracker.trial_ended(trial(0))
    tracker.finalists([training(0, 0), failed(0, 1), training(9, 0)])  # the study has no record of a trial 9
    before = {name: run.to_dictionary() for name, run in finalists(client, tracker).items()}
    assert tracker.reconcile([trial(0)]) == []
    assert {name: run.to_dictionary() for name, run in finalists(client, tracker).items()} == before


def test_a_trials_lost_run_is_written_though_finalists_of_it_have_theirs(
    open_tracker: OpenTracker, client: Any, trial: Make
) -> None:
    tracker = open_tracker()
    tracker.start_launch("")
    tracker.finalists([training(7, 0)])
    assert tracker.reconcile([trial(7)])
    (run,) = client.search_runs([tracker.experiment_id], "tags.`hpsearch.kind` = 'trial'")
    assert (run.info.run_name, run.data.metrics["objective"]) == ("trial-007", 50.0)


def test_a_file_of_an_earlier_trial_does_not_go_to_a_finalist_of_it(
    open_tracker: OpenTracker, client: Any, trial: Make
) -> None:
    first = open_tracker()
    first.start_launch("")
    first.trial_ended(trial(7))
    first.finalists([training(7, 0), training(7, 1)])
    first.flush()
    second = open_tracker()
    second.artifact(7, "curve.txt", "1, 2, 3")
    second.flush()
    runs = client.search_runs([second.experiment_id], "tags.`hpsearch.trial` = '7'")
    assert [run.info.run_name for run in runs if client.list_artifacts(run.info.run_id)] == ["trial-007"]


def test_the_link_to_the_trials_shows_none_of_them_and_their_own_link_no_trial(
    open_tracker: OpenTracker, client: Any, trial: Make
) -> None:
    tracker = open_tracker()
    tracker.start_launch("")
    tracker.trial_ended(trial(7))
    tracker.finalists([training(7, 0, value=51.0), training(7, 1, value=49.0), failed(7, 2)])
    tracker.end_launch()
    tracker.flush()

    def opened(link: str) -> list[str]:
        query = {key: value for key, (value,) in parse_qs(urlsplit(urlsplit(link).fragment).query).items()}
        order = f"{query['orderByKey']} {'ASC' if query['orderByAsc'] == 'true' else 'DESC'}"
        runs = client.search_runs([tracker.experiment_id], query["searchFilter"], order_by=[order])
        return [run.info.run_name for run in runs]

    base, experiment = "http://127.0.0.1:5000", tracker.experiment_id or ""
    assert opened(study_link(base, experiment, "objective", "minimize")) == ["trial-007"]
    best_first = ["finalist-007-seed-2", "finalist-007-seed-1"]
    assert opened(finalists_link(base, experiment, "rmse", "minimize")) == best_first
    assert opened(finalists_link(base, experiment, "rmse", "maximize")) == best_first[::-1]


def test_the_launch_is_described_beside_its_metrics(open_tracker: OpenTracker, client: Any) -> None:
    tracker = open_tracker()
    tracker.start_launch("")
    tracker.describe_launch("## Verdict\n\n| trial |\n| --- |\n| 12 |\n")
    tracker.launch_metrics({"optimism": 0.25, "test_rmse_low": 48.0})
    tracker.artifact(LAUNCH, "verdict.json", "{}")
    run = client.get_run(tracker.launch_run_id)
    assert run.data.tags["mlflow.note.content"] == "## Verdict\n\n| trial |\n| --- |\n| 12 |\n"
    assert run.data.metrics == {"optimism": 0.25, "test_rmse_low": 48.0}


def test_after_trouble_the_same_call_writes_them(uri: str, tmp_path: Path, client: Any, info: StudyInfo) -> None:
    blocked = tmp_path / "artifacts"
    blocked.write_text("a file where a folder must be")
    with Tracker(uri, info, blocked, "me") as tracker:
        tracker.start_launch("data: {}")
        tracker.finalists([training()])
        tracker.flush()
        assert tracker.trouble is not None
        blocked.unlink()
        tracker.reconcile([])
        tracker.finalists([training()])
        assert list(finalists(client, tracker)) == ["finalist-012-seed-3"]


def test_a_server_that_is_away_is_trouble_told_not_raised(tmp_path: Path, info: StudyInfo) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with Tracker(f"http://127.0.0.1:{unused.getsockname()[1]}", info, None, "me") as tracker:
            tracker.finalists([training()])
    assert tracker.trouble is not None
