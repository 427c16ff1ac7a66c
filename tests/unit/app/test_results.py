from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from sample_studies import HOSTILE, copy_study

import hpsearch
from hpsearch.errors import StoreError, UnknownStudy


@pytest.fixture
def rentals(finished: Path) -> hpsearch.StudyResult:
    return hpsearch.load("rentals", store=finished)


def test_the_best_is_the_completed_trial_with_the_lowest_error(rentals: hpsearch.StudyResult) -> None:
    completed = [r for r in rentals.records if r.state == "completed" and r.value is not None]
    assert rentals.best is not None
    assert rentals.best.value == min(r.value for r in completed if r.value is not None)


def test_the_ranking_has_each_configuration_once(rentals: hpsearch.StudyResult) -> None:
    assert [record.number for record in rentals.ranked()] == [0, 3]


def test_states_tell_pruned_failed_and_completed_apart(rentals: hpsearch.StudyResult) -> None:
    assert rentals.states() == {"completed": 2, "pruned": 1, "failed": 1, "interrupted": 0}


def test_failures_are_told_by_their_reason(rentals: hpsearch.StudyResult) -> None:
    assert rentals.failures().startswith("diverged at epoch")
    assert rentals.failures().endswith("(1 trial)")
    (group,) = rentals.to_json()["failures"]
    assert group["reason"].startswith("diverged at epoch")
    assert group["count"] == 1


def test_the_frame_has_a_row_a_trial_and_nothing_where_a_net_lacks_a_parameter(rentals: hpsearch.StudyResult) -> None:
    frame = rentals.trials_frame()
    assert list(frame["trial"]) == [0, 1, 2, 3]
    assert frame["configuration.neurons_2"].isna().tolist() == [True, True, True, False]


def test_the_predictor_takes_raw_rows_with_gaps_and_unseen_categories(rentals: hpsearch.StudyResult) -> None:
    city, gap, other, temp = HOSTILE
    rows = pd.DataFrame({city: ["Rome", "Paris"], gap: [None, 0.5], other: [0.1, None], temp: [20.0, 25.0]})
    predicted = rentals.predictor().predict(rows.assign(when=["2024-01-05", None]))["prediction"]
    assert predicted.between(0, 300).all()
    assert predicted[1] > predicted[0]


def test_the_summary_keeps_its_keys(rentals: hpsearch.StudyResult) -> None:
    assert list(rentals.to_json()) == [
        "name", "objective", "direction", "task", "trials", "done", "states", "failures", "ending", "seconds", "best",
        "test", "winner", "verdict", "created", "folder", "link", "trouble",
    ]  # fmt: skip
    assert list(rentals.to_json()["best"]) == [
        "trial", "state", "value", "best_epoch", "parameters", "seconds", "reason", "copy_of", "retry_of", "started",
        "configuration", "metrics",
    ]  # fmt: skip


def test_an_unknown_name_is_refused_with_the_nearest(finished: Path) -> None:
    with pytest.raises(UnknownStudy, match=r"no study 'rental' in .*; did you mean 'rentals'"):
        hpsearch.load("rental", store=finished)


@pytest.mark.parametrize("name", ["../rentals", "rentals/../rentals", "", ".", "..", "a\nb", "\0"])
def test_a_name_that_is_a_path_is_unknown(finished: Path, name: str) -> None:
    with pytest.raises(UnknownStudy):
        hpsearch.load(name, store=finished)


def test_a_damaged_history_is_named_with_its_line(finished: Path, tmp_path: Path) -> None:
    study = copy_study(finished, "rentals", tmp_path)
    lines = (study / "history.jsonl").read_text().splitlines(keepends=True)
    (study / "history.jsonl").write_text(lines[0] + "{]\n" + "".join(lines[2:]))
    with pytest.raises(StoreError, match=r"history\.jsonl is damaged: line 2 "):
        hpsearch.load("rentals", store=tmp_path)


def test_studies_come_by_name(finished: Path) -> None:
    assert [study.name for study in hpsearch.studies(finished)] == ["flowers", "rentals"]


def test_a_folder_without_studies_has_none(tmp_path: Path) -> None:
    assert hpsearch.studies(tmp_path) == []


def test_too_few_trials_have_no_importances(rentals: hpsearch.StudyResult) -> None:
    assert rentals.importances == {}
