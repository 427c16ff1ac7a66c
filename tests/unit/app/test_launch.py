from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

import hpsearch
from hpsearch.app.holder import driver_name
from hpsearch.delivery.predictor import Predictor

from .notes import Notes

IRIS: dict[str, Any] = {
    "name": "iris",
    "data": {"sklearn": "iris"},
    "space": {"hidden_layers": 0, "optimizer": "adam", "batch_size": 32, "epochs": 3},
    "search": {"trials": 2, "sampler": "random", "pruner": "none"},
    "winner": {"finalists": 2, "seeds": 2},
}


def run(
    store: Path, display: Notes | None = None, timeout: float | None = None, **changes: Any
) -> hpsearch.StudyResult:
    spec = hpsearch.make_spec(IRIS | changes)
    return hpsearch.run(spec, workers="inline", store=store, display=display, timeout=timeout)


def runs(store: Path, kind: str) -> list[Run]:
    client = MlflowClient(f"sqlite:///{store}/mlflow.db")
    experiment = client.get_experiment_by_name("iris")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], f"tags.`hpsearch.kind` = '{kind}'"))


@pytest.fixture(scope="module")
def launched(
    tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path
) -> tuple[Path, hpsearch.StudyResult, Notes]:
    """A study that was launched once. Look, but do not run it on."""
    from sample_studies import new_store

    place = new_store(tmp_path_factory.mktemp("launched") / "store", mlflow_database)
    notes = Notes()
    return place, run(place, notes), notes


Launched = tuple[Path, hpsearch.StudyResult, Notes]


def test_a_launch_ends_with_a_verdict_on_new_seeds(launched: Launched) -> None:
    _, result, notes = launched
    assert result.verdict is not None
    assert [finalist.n for finalist in result.verdict.finalists] == [2, 2]
    assert any(note.startswith("training the 2 best configurations again, 4 times in all") for note in notes.notes)
    assert any(note.startswith("seed 2 of 2: val_log_loss of trial 0 ") for note in notes.notes)
    assert notes.notes[-1] == "packaging and evaluating the winner"


def test_the_winner_is_refitted_on_all_rows_but_the_test_rows(launched: Launched) -> None:
    _, result, _ = launched
    about = Predictor.load(result.folder.path / "package").about["metadata"]
    assert result.winner is not None
    assert (about["kind"], about["trial"], about["members"]) == ("winner", result.winner.number, [result.winner.number])
    assert about["refit"]["rows"] == 120
    assert about["looks"] == 1


def test_each_training_of_a_finalist_is_a_run_of_its_own_kind_under_the_launch(launched: Launched) -> None:
    store, _, _ = launched
    (launch,) = runs(store, "launch")
    finalists = runs(store, "finalist")
    assert len(finalists) == 4
    assert {run.data.tags["mlflow.parentRunId"] for run in finalists} == {launch.info.run_id}
    assert len(runs(store, "trial")) == 2


def test_the_launch_has_the_verdict_as_description_and_the_test_scores_with_intervals(launched: Launched) -> None:
    store, result, _ = launched
    (launch,) = runs(store, "launch")
    assert result.verdict is not None
    assert result.evaluation is not None
    assert f"Trial {result.verdict.winner} wins" in launch.data.tags["mlflow.note.content"]
    metrics = launch.data.metrics
    assert metrics["optimism"] == pytest.approx(result.verdict.optimism)
    low, high = result.evaluation["intervals"]["log_loss"]
    assert (metrics["test_log_loss_low"], metrics["test_log_loss_high"]) == pytest.approx((low, high))
    assert low <= metrics["test_log_loss"] <= high


def test_baselines_are_scored_on_the_same_test_rows(launched: Launched) -> None:
    _, result, _ = launched
    assert result.evaluation is not None
    named = {baseline["name"]: baseline["test"]["accuracy"] for baseline in result.evaluation["baselines"]}
    assert set(named) == {"constant", "linear", "gradient boosting"}
    assert named["constant"] == pytest.approx(1 / 3)
    assert named["linear"] > 0.8


def test_the_page_is_kept_with_the_launch(launched: Launched) -> None:
    store, result, _ = launched
    (launch,) = runs(store, "launch")
    client = MlflowClient(f"sqlite:///{store}/mlflow.db")
    assert "report.html" in {file.path for file in client.list_artifacts(launch.info.run_id)}
    assert (result.folder.path / "report.html").read_text().startswith("<!")


def test_without_a_winner_section_the_best_trial_is_delivered(store: Path) -> None:
    notes = Notes()
    result = run(store, notes, winner="none")
    assert result.verdict is None
    assert result.evaluation is not None
    assert result.predictor().about["metadata"]["kind"] == "best trial"
    assert notes.notes[-1] == "packaging and evaluating the best trial"
    assert runs(store, "finalist") == []


def test_once_the_time_is_over_no_more_of_it_goes_to_finalists_than_went_to_the_search(store: Path) -> None:
    run(store, winner="none")
    evaluation = store / "studies" / "iris" / "evaluation.json"
    assert evaluation.exists()
    notes = Notes()
    result = run(store, notes, timeout=1e-9, search=IRIS["search"] | {"trials": 9})
    assert result.ending == "timeout"
    assert result.verdict is None
    assert any("the time is over" in note and "hpsearch verify iris" in note for note in notes.notes)


def test_the_test_rows_stay_locked_while_finalists_wait_to_be_trained(store: Path) -> None:
    assert run(store, Notes(interrupt_at="training the")).ending == "interrupted"
    assert run(store, timeout=1e-9, search=IRIS["search"] | {"trials": 9}).evaluation is None
    folder = store / "studies" / "iris"
    assert not (folder / "test_looks.json").exists()
    assert Predictor.load(folder / "package").about["metadata"]["kind"] == "best trial"
    assert (run(store).evaluation or {})["looks"] == 1


def test_an_interruption_among_the_finalists_is_one_of_the_launch_and_the_next_goes_on(store: Path) -> None:
    first = run(store, Notes(interrupt_at="seed 1 of 2"))
    assert first.ending == "interrupted"
    assert not (first.folder.path / "package").exists()
    lines = first.folder.finalists.read_text().splitlines()
    second = run(store)
    assert second.ending == "budget"
    assert second.verdict is not None
    assert second.folder.finalists.read_text().splitlines()[: len(lines)] == lines
    assert len(runs(store, "finalist")) == 4


def test_a_second_launch_of_a_finished_study_changes_nothing(store: Path) -> None:
    first = run(store)
    before = (first.folder.finalists.read_text(), first.folder.verdict.read_text(), first.folder.looks.read_text())
    second = run(store)
    assert (
        second.folder.finalists.read_text(),
        second.folder.verdict.read_text(),
        second.folder.looks.read_text(),
    ) == before
    assert len(runs(store, "finalist")) == 4


def test_an_ensemble_is_compared_with_the_winner(store: Path) -> None:
    result = run(store, winner={"finalists": 2, "seeds": 2, "ensemble": 2})
    assert result.verdict is not None
    assert result.verdict.ensemble is not None
    assert sorted(result.verdict.ensemble.members) == [0, 1]
    assert len(result.verdict.ensemble.values) == 2
    written = json.loads(result.folder.verdict.read_text())
    assert written["ensemble"]["values"] == list(result.verdict.ensemble.values)


def test_a_driver_is_known_by_its_process() -> None:
    assert driver_name().startswith(f"process {os.getpid()} on ")
