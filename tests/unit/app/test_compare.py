from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import hpsearch
from hpsearch.errors import NoTrialCompleted, UnknownStudy


def test_one_study_shows_its_best_configurations(finished: Path) -> None:
    compared = hpsearch.compare(["rentals"], store=finished)
    assert compared.columns == ("rentals #0", "rentals #3")
    assert compared.best_column == "rentals #0"


def test_several_studies_show_the_best_of_each(finished: Path) -> None:
    compared = hpsearch.compare(["rentals", "flowers"], store=finished)
    assert [column.split(" ")[0] for column in compared.columns] == ["rentals", "flowers"]
    assert compared.best_column is None


def test_the_top_of_each_may_be_asked_for(finished: Path) -> None:
    assert len(hpsearch.compare(["rentals", "flowers"], top=2, store=finished).columns) == 4


def test_a_study_in_hand_is_taken_as_it_is(finished: Path) -> None:
    assert hpsearch.compare([hpsearch.load("rentals", store=finished)]).columns == ("rentals #0", "rentals #3")


def test_it_becomes_a_frame_with_nothing_where_a_net_lacks_a_parameter(finished: Path) -> None:
    frame = hpsearch.compare(["rentals"], store=finished).to_frame()
    assert frame.loc["neurons_2", "rentals #0"] is None
    assert frame.loc["neurons_2", "rentals #3"] == 4
    assert frame.loc["neurons_2", "differs"]
    assert not frame.loc["batch_size", "differs"]


def test_a_study_without_a_completed_trial_cannot_be_compared(finished: Path) -> None:
    empty = replace(hpsearch.load("rentals", store=finished), records=())
    with pytest.raises(NoTrialCompleted, match="no trial of 'rentals' completed yet"):
        hpsearch.compare([empty])


def test_an_unknown_study_is_named(finished: Path) -> None:
    with pytest.raises(UnknownStudy, match="did you mean 'flowers'"):
        hpsearch.compare(["rentals", "flower"], store=finished)
