from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.records import StudyInfo
from hpsearch.tracking.items import LAUNCH, Artifact, DatasetInput, Point, Points, RunEnd, RunStart, Tags
from hpsearch.tracking.store import MlflowStore

UID = {"hpsearch.study_uid": "0123456789abcdef"}


@pytest.fixture
def store(uri: str, tmp_path: Path, info: StudyInfo) -> MlflowStore:
    return MlflowStore(uri, info, tmp_path / "artifacts")


def begin(store: MlflowStore) -> str:
    store.write([RunStart(LAUNCH, "launch", "launch", {"hpsearch.kind": "launch"} | UID)])
    return store.run_id(LAUNCH) or ""


def test_the_experiment_is_the_study(store: MlflowStore, client: Any, tmp_path: Path, info: StudyInfo) -> None:
    experiment = client.get_experiment(store.experiment_id)
    assert experiment.name == "bike"
    assert experiment.artifact_location == (tmp_path / "artifacts" / "bike-01234567").as_uri()
    assert experiment.tags["hpsearch.study_uid"] == info.uid
    assert experiment.tags["mlflow.note.content"] == "# Bike demand"


def test_a_study_finds_its_experiment_again_even_under_another_name(
    store: MlflowStore, client: Any, uri: str, tmp_path: Path, info: StudyInfo
) -> None:
    client.rename_experiment(store.experiment_id, "my best work")
    assert MlflowStore(uri, info, tmp_path / "artifacts").experiment_id == store.experiment_id


def test_a_new_study_takes_the_name_and_the_old_one_keeps_its_runs(
    store: MlflowStore, client: Any, uri: str, tmp_path: Path, info: StudyInfo
) -> None:
    begin(store)
    new = MlflowStore(uri, replace(info, uid="f" * 16), tmp_path / "artifacts")
    assert client.get_experiment(new.experiment_id).name == "bike"
    assert client.get_experiment(store.experiment_id).name == "bike (replaced, 01234567)"
    assert (len(new.runs()), len(store.runs())) == (0, 1)


@pytest.mark.parametrize("deleted", [False, True])
def test_an_experiment_that_is_not_ours_is_not_touched(client: Any, uri: str, deleted: bool, info: StudyInfo) -> None:
    theirs = client.create_experiment("bike")
    if deleted:
        client.delete_experiment(theirs)
    ours = MlflowStore(uri, info, None).experiment_id
    assert client.get_experiment(theirs).name == "bike"
    assert client.get_experiment(ours).name == "bike (2)"


def test_more_points_and_params_than_a_batch_holds_all_arrive(store: MlflowStore, client: Any) -> None:
    params = {f"p{number}": str(number) for number in range(250)}
    store.write([RunStart(3, "trial", "trial-003", UID, params)])
    store.write([Points(3, tuple(Point("val_rmse", float(step), step) for step in range(2500)))])
    run_id = store.run_id(3)
    assert client.get_run(run_id).data.params == params
    assert [metric.value for metric in client.get_metric_history(run_id, "val_rmse")] == list(range(2500))


def test_a_trial_is_nested_under_its_launch(store: MlflowStore, client: Any) -> None:
    launch = begin(store)
    store.write([RunStart(0, "trial", "trial-000", UID, parent=LAUNCH)])
    assert client.get_parent_run(store.run_id(0)).info.run_id == launch


def test_a_run_ends_as_it_is_told_and_when(store: MlflowStore, client: Any) -> None:
    store.write([RunStart(0, "trial", "trial-000", UID, started=1000), RunEnd(0, "KILLED", 3000)])
    info = client.get_run(store.run_id(0)).info
    assert (info.status, info.start_time, info.end_time) == ("KILLED", 1000, 3000)


def test_an_artifact_lies_in_its_folder(store: MlflowStore, client: Any, tmp_path: Path) -> None:
    run_id = begin(store)
    store.write([Artifact(LAUNCH, "plots/history.txt", b"\x00bytes"), Artifact(LAUNCH, "../../out.txt", b"in")])
    assert [file.path for file in client.list_artifacts(run_id, "plots")] == ["plots/history.txt"]
    local = client.download_artifacts(run_id, "plots/history.txt", str(tmp_path))
    assert Path(local).read_bytes() == b"\x00bytes"
    assert [file.path for file in client.list_artifacts(run_id, "_/_")] == ["_/_/out.txt"]


def test_the_data_are_an_input_of_the_launch(store: MlflowStore, client: Any) -> None:
    run_id = begin(store)
    store.write([DatasetInput(LAUNCH, "bike_sharing", "d" * 64, 17379, ("temp", "hum"), "bike.csv")])
    (logged,) = client.get_run(run_id).inputs.dataset_inputs
    assert (logged.dataset.name, logged.dataset.digest) == ("bike_sharing", "d" * 36)


def test_a_trial_of_an_earlier_launch_is_found(store: MlflowStore, client: Any, uri: str, info: StudyInfo) -> None:
    store.write([RunStart(4, "trial", "trial-004", UID | {"hpsearch.kind": "trial", "hpsearch.trial": "4"})])
    MlflowStore(uri, info, None).write([Tags(4, {"best": "yes"})])
    assert client.get_run(store.run_id(4)).data.tags["best"] == "yes"


def test_runs_of_a_kind_are_found_without_the_others(store: MlflowStore) -> None:
    begin(store)
    store.write([RunStart((4, 0, 1), "finalist", "finalist-004-seed-1", {"hpsearch.kind": "finalist"} | UID)])
    assert [run.kind for run in store.runs("finalist")] == ["finalist"]
    assert sorted(run.kind for run in store.runs()) == ["finalist", "launch"]


def test_a_run_that_never_began_is_an_error_of_ours(store: MlflowStore) -> None:
    with pytest.raises(KeyError):
        store.write([Tags(5, {"a": "b"})])


def test_only_runs_of_this_study_are_found(store: MlflowStore, client: Any) -> None:
    client.create_run(store.experiment_id, run_name="somebody's own")
    run_id = begin(store)
    store.write([Points(LAUNCH, (Point("objective", 2.0, 0), Point("objective", 1.0, 7)))])
    (found,) = store.runs()
    assert (found.run_id, found.kind, found.trial, found.steps) == (run_id, "launch", None, frozenset({0, 7}))


def test_a_launch_that_ended_is_not_asked_for_its_chart(store: MlflowStore) -> None:
    begin(store)
    store.write([Points(LAUNCH, (Point("objective", 2.0, 0),)), RunEnd(LAUNCH, "FINISHED")])
    assert [run.steps for run in store.runs()] == [None]


def test_of_some_points_those_are_found_that_a_run_lacks(store: MlflowStore) -> None:
    run_id = begin(store)
    store.write([Points(LAUNCH, (Point("a", 1.0, 0, 5), Point("a", 1.0, 1, 5)))])
    points = (Point("a", 1.0, 0, 9), Point("a", 1.0, 2), Point("b", 1.0, 0))
    assert store.lacking(run_id, points) == points[1:]
    store.write([Points(LAUNCH, points)])
    assert store.lacking(run_id, points) == ()


def test_a_run_that_is_removed_twice_is_no_trouble(store: MlflowStore) -> None:
    run_id = begin(store)
    store.delete(run_id)
    store.delete(run_id)
    assert store.runs() == []


def test_more_runs_than_a_page_are_all_found(store: MlflowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpsearch.tracking.store._RUNS_A_PAGE", 2)
    store.write([RunStart(n, "trial", str(n), UID | {"hpsearch.trial": str(n)}, started=n + 1) for n in range(5)])
    assert [run.trial for run in store.runs()] == [0, 1, 2, 3, 4]


def test_a_study_of_another_name_is_another_experiment(store: MlflowStore, uri: str, info: StudyInfo) -> None:
    other: StudyInfo = replace(info, name="wine", uid="e" * 16)
    assert MlflowStore(uri, other, None).experiment_id != store.experiment_id


def test_what_belongs_to_several_runs_goes_to_each_of_them(store: MlflowStore, client: Any) -> None:
    store.write([
        RunStart(0, "trial", "a", {}, {"p": "1"}), Points(0, (Point("m", 1.0),)), Tags(0, {"t": "x"}),
        RunStart(1, "trial", "b", {}, {"p": "2"}), Points(1, (Point("m", 2.0),)), RunEnd(1, "FINISHED"),
        Points(0, (Point("m", 3.0, 1),)), RunEnd(0, "FAILED"),
    ])  # fmt: skip
    first, second = (client.get_run(store.run_id(key)) for key in (0, 1))
    assert (first.data.params, first.data.metrics, first.data.tags["t"]) == ({"p": "1"}, {"m": 3.0}, "x")
    assert (second.data.params, second.data.metrics) == ({"p": "2"}, {"m": 2.0})
    assert (first.info.status, second.info.status) == ("FAILED", "FINISHED")


def test_more_than_a_server_takes_at_once_is_logged_all_the_same(store: MlflowStore, client: Any) -> None:
    store.write([
        RunStart(0, "trial", "a", {}, {f"p{n}": str(n) for n in range(150)}),
        Points(0, tuple(Point("m", float(n), n) for n in range(1_500))),
        Tags(0, {f"t{n}": str(n) for n in range(150)}),
    ])  # fmt: skip
    run = client.get_run(store.run_id(0))
    assert len(run.data.params) == 150
    assert {f"t{n}" for n in range(150)} <= run.data.tags.keys()
    assert len(client.get_metric_history(run.info.run_id, "m")) == 1_500
