from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils import validation

from hpsearch.records import EpochRecord, StudyInfo, TrialRecord, TrialState
from hpsearch.tracking.items import (
    LAUNCH,
    Artifact,
    Item,
    Point,
    Points,
    RunEnd,
    RunStart,
    Tags,
    as_params,
    better,
    launch_ended,
    launch_started,
    metric_points,
    progress,
    slug,
    trial_ended,
    trial_started,
    whole_trial,
)

INFO = StudyInfo("bike", "0123456789abcdef", "rmse", "minimize", "regression", "d1gest")
RECORD = TrialRecord(
    7,
    {"hidden_layers": 1, "neurons_1": 32, "learning_rate": 0.00123456789},
    "completed",
    value=48.5,
    best_epoch=2,
    metrics={"val_rmse": 48.5, "train_loss": 0.1},
    epochs=(EpochRecord(0, 1, {"val_rmse": 50.0}), EpochRecord(0, 2, {"val_rmse": 48.5})),
    parameters=161,
    started="2026-01-02T03:04:05+00:00",
    seconds=10.0,
    trainer="keras",
)
STARTED = round(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp() * 1000)


def ended(record: TrialRecord, info: StudyInfo = INFO) -> tuple[tuple[Point, ...], dict[str, str], RunEnd]:
    points, tags, end = trial_ended(info, record)
    assert isinstance(points, Points)
    assert isinstance(tags, Tags)
    assert isinstance(end, RunEnd)
    return points.points, tags.tags, end


def start(items: tuple[Item, ...]) -> RunStart:
    assert isinstance(items[0], RunStart)
    return items[0]


def test_a_launch_brings_its_study_file() -> None:
    items = launch_started(
        INFO, "data: {}\n", "me", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), token="t", params={"trials": 5}
    )
    assert start(items).name == "launch 2026-01-02 03:04:05"
    assert start(items).params == {"trials": "5"}
    assert items[1] == Artifact(LAUNCH, "study.yaml", b"data: {}\n")


def test_what_a_caller_tags_cannot_hide_whose_run_it_is() -> None:
    tags = start(
        launch_started(INFO, "", "me", datetime.now(UTC), token="t", tags={"hpsearch.study_uid": "other"})
    ).tags
    assert tags["hpsearch.study_uid"] == INFO.uid


def test_a_launch_never_bears_a_state_of_completed_trials() -> None:
    states = [item.tags["hpsearch.state"] for item in launch_ended("FINISHED") if isinstance(item, Tags)]
    assert states == ["finished"]


def test_a_trial_begins_with_its_active_configuration_and_nothing_else() -> None:
    run = start(trial_started(INFO, RECORD, "me"))
    assert run.params == {"hidden_layers": "1", "neurons_1": "32", "learning_rate": "0.00123456789"}
    assert (run.name, run.parent, run.started) == ("trial-007", LAUNCH, STARTED)


def test_a_trial_says_what_it_repeats_only_if_it_does() -> None:
    assert not {"hpsearch.copy_of", "hpsearch.retry_of"} & start(trial_started(INFO, RECORD, "me")).tags.keys()
    tags = start(trial_started(INFO, replace(RECORD, copy_of=0, retry_of=3), "me")).tags
    assert (tags["hpsearch.copy_of"], tags["hpsearch.retry_of"]) == ("0", "3")


def test_every_epoch_is_a_point_at_its_step_within_the_trials_time() -> None:
    points = [point for point in ended(RECORD)[0] if point.key == "val_rmse"]
    assert points == [Point("val_rmse", 50.0, 1, STARTED + 5000), Point("val_rmse", 48.5, 2, STARTED + 10000)]


def test_the_best_epoch_is_summed_up_by_its_validation_metrics() -> None:
    summary = {point.key: point.value for point in ended(RECORD)[0] if point.step == 0}
    assert summary == {
        "objective": 48.5, "best_epoch": 2, "best_rmse": 48.5, "trial_seconds": 10.0, "parameters": 161,
    }  # fmt: skip


def test_folds_are_told_apart_from_the_first_on() -> None:
    epochs = (EpochRecord(0, 1, {"val_rmse": 50.0}), EpochRecord(1, 1, {"val_rmse": 52.0}))
    points, _, _ = ended(replace(RECORD, epochs=epochs), replace(INFO, splits=2))
    assert {point.key for point in points if point.step} == {"fold_1/val_rmse", "fold_2/val_rmse"}


def test_a_trial_written_whole_is_the_one_written_in_two() -> None:
    start_, points, end = whole_trial(INFO, RECORD, "me", heard=[1, 2])
    (begun,) = trial_started(INFO, RECORD, "me")
    late_points, tags, late_end = trial_ended(INFO, RECORD, heard=[1, 2])
    assert isinstance(tags, Tags)
    assert isinstance(start_, RunStart)
    assert start_ == replace(begun, tags=begun.tags | tags.tags)
    assert (points, end) == (late_points, late_end)


@pytest.mark.parametrize(
    ("state", "status"),
    [("completed", "FINISHED"), ("pruned", "KILLED"), ("interrupted", "KILLED"), ("failed", "FAILED")],
)
def test_a_state_is_a_status_and_a_tag(state: TrialState, status: str) -> None:
    _, tags, end = ended(replace(RECORD, state=state, reason="because"))
    assert end == RunEnd(7, status, STARTED + 10000)  # type: ignore[arg-type]
    assert (tags["hpsearch.state"], tags["hpsearch.reason"]) == (state, "because")


@given(st.dictionaries(st.text(max_size=8), st.floats(), max_size=8))
def test_only_finite_values_are_logged(metrics: dict[str, float]) -> None:
    record = replace(RECORD, metrics=metrics, value=math.inf, epochs=(EpochRecord(0, 1, metrics),))
    assert all(math.isfinite(point.value) for point in ended(record)[0])
    assert len(metric_points(metrics)) == sum(math.isfinite(value) for value in metrics.values())


@given(st.text())
def test_any_text_becomes_a_key_that_mlflow_takes(text: str) -> None:
    validation._validate_metric(slug(text), 0.5, 0, 0)
    validation._validate_param_name(slug(text))


@given(st.text())
def test_a_key_once_made_fit_stays(text: str) -> None:
    assert slug(slug(text)) == slug(text)


def test_names_of_the_table_stay_as_they_are() -> None:
    names = ["learning_rate", "neurons_1", "val_rmse", "fold_1/val_rmse", "hpsearch.state"]
    assert [slug(name) for name in names] == names


def test_long_values_are_cut_before_mlflow_warns_of_them() -> None:
    assert as_params({"key": "x" * 7000}) == {"key": "x" * 6000}


def test_a_completed_trial_moves_its_launch_at_the_step_of_its_number() -> None:
    at = STARTED + 10000
    assert progress(RECORD, 47.0) == (Point("objective", 48.5, 7, at), Point("best_objective", 47.0, 7, at))


def test_a_pruned_trial_does_not_move_its_launch() -> None:
    assert progress(replace(RECORD, state="pruned", value=None), 47.0) == ()


def test_the_better_objective_goes_by_the_direction() -> None:
    assert better(INFO, 1.0, 2.0) == 1.0
    assert better(replace(INFO, direction="maximize"), 1.0, 2.0) == 2.0
    assert better(INFO, math.nan, 2.0) == 2.0
    assert better(INFO, None, None) is None


def test_a_time_without_a_zone_is_utc() -> None:
    assert start(trial_started(INFO, replace(RECORD, started="2026-01-02T03:04:05"), "me")).started == STARTED
