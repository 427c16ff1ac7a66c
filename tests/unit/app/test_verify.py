from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sample_studies import new_store, write_rentals

import hpsearch
from hpsearch.app.verify import verify
from hpsearch.errors import NoTrialCompleted, StudyChanged, UnknownStudy

from .notes import Notes

IRIS: dict[str, Any] = {
    "name": "iris",
    "data": {"sklearn": "iris"},
    "space": {"hidden_layers": 0, "optimizer": "adam", "learning_rate": [0.1, 0.05], "batch_size": 32, "epochs": 3},
    "search": {"trials": 2, "sampler": "grid", "pruner": "none"},
    "winner": "none",
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path) -> Path:
    """A store with a study that was searched and named no winner. Look, but do not verify it."""
    place = new_store(tmp_path_factory.mktemp("searched") / "store", mlflow_database)
    hpsearch.run(hpsearch.make_spec(IRIS), workers="inline", store=place)
    return place


@pytest.fixture
def store(searched: Path, tmp_path: Path) -> Path:
    """A copy of it, to work on."""
    return Path(shutil.copytree(searched, tmp_path / "store"))


def trainings(store: Path) -> list[str]:
    return (store / "studies" / "iris" / "finalists.jsonl").read_text().splitlines()


def again(store: Path, **options: Any) -> hpsearch.StudyResult:
    return verify("iris", workers="inline", store=store, **options)


def test_a_study_that_named_no_winner_gets_one(store: Path) -> None:
    before = hpsearch.load("iris", store=store)
    assert (before.verdict, before.winner) == (None, before.best)
    result = again(store, seeds=2)
    assert result.verdict is not None
    assert {finalist.trial for finalist in result.verdict.finalists} == {0, 1}
    assert [finalist.n for finalist in result.verdict.finalists] == [2, 2]
    assert result.predictor().about["metadata"]["kind"] == "winner"
    assert result.done() == before.done()


def test_what_was_trained_is_not_trained_again(store: Path) -> None:
    first = again(store, seeds=2)
    lines = trainings(store)
    package = (first.folder.path / "package" / "MANIFEST.json").stat().st_mtime_ns
    notes = Notes()
    second = again(store, seeds=2, display=notes)
    assert trainings(store) == lines
    assert len(lines) == 4
    assert (first.folder.path / "package" / "MANIFEST.json").stat().st_mtime_ns == package
    assert second.evaluation == first.evaluation
    assert not [note for note in notes.notes if note.startswith("training the")]


def test_more_seeds_train_only_what_is_missing(store: Path) -> None:
    again(store, seeds=2)
    before = trainings(store)
    result = again(store, seeds=3)
    assert trainings(store)[:4] == before
    assert len(trainings(store)) == 6
    assert result.verdict is not None
    assert [finalist.n for finalist in result.verdict.finalists] == [3, 3]


def test_fewer_finalists_may_be_asked_for(store: Path) -> None:
    result = again(store, finalists=1, seeds=2)
    assert result.verdict is not None
    assert [finalist.trial for finalist in result.verdict.finalists] == [result.ranked()[0].number]


def test_an_interrupted_comparison_goes_on_where_it_stopped(store: Path) -> None:
    result = again(store, seeds=3, display=Notes(interrupt_at="seed 1 of 3"))
    assert result.ending == "interrupted"
    done = trainings(store)
    assert 2 <= len(done) < 6
    assert hpsearch.load("iris", store=store).verdict is None
    assert again(store, seeds=3).ending == "budget"
    assert trainings(store)[: len(done)] == done
    assert len(trainings(store)) == 6


def test_a_second_model_that_is_scored_on_the_test_rows_is_counted(store: Path) -> None:
    assert (hpsearch.load("iris", store=store).evaluation or {})["looks"] == 1
    assert (again(store, seeds=2).evaluation or {})["looks"] == 2


def test_an_unknown_study_is_refused(store: Path) -> None:
    with pytest.raises(UnknownStudy, match=r"no study 'irs'.* did you mean 'iris'"):
        verify("irs", store=store)


def test_a_study_without_a_completed_trial_has_nothing_to_verify(store: Path) -> None:
    (store / "studies" / "iris" / "history.jsonl").write_text("")
    with pytest.raises(NoTrialCompleted, match="no trial of 'iris' completed yet"):
        again(store)


def test_other_rows_than_the_search_had_are_refused(tmp_path: Path, mlflow_database: Path) -> None:
    write_rentals(tmp_path / "rentals.csv")
    values = IRIS | {"name": "rented", "data": {"csv": "rentals.csv", "target": "cnt"}}
    place = new_store(tmp_path / "store", mlflow_database)
    hpsearch.run(hpsearch.make_spec(values, folder=tmp_path), workers="inline", store=place)
    write_rentals(tmp_path / "rentals.csv", rows=80)
    with pytest.raises(StudyChanged, match="the rows of 'rented' are no longer those it was searched on"):
        verify("rented", workers="inline", store=place)
