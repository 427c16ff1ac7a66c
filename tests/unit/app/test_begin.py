from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch.errors import StudyChanged, StudyError

from .notes import Notes

SPACE: dict[str, Any] = {
    "hidden_layers": 0, "optimizer": "adam", "learning_rate": {"low": 0.01, "high": 0.1}, "batch_size": 64, "epochs": 2,
}  # fmt: skip


def study(search: dict[str, Any] | None = None, **space: Any) -> hpsearch.StudySpec:
    """A study of a linear model on scikit-learn's iris that is over in a moment."""
    asked = {"trials": 2, "sampler": "random", "pruner": "none"} | (search or {})
    values = {"name": "iris", "data": {"sklearn": "iris"}, "space": SPACE | space, "search": asked, "winner": "none"}
    return hpsearch.make_spec(values)


def run(spec: hpsearch.StudySpec, store: Path, **options: Any) -> hpsearch.StudyResult:
    return hpsearch.run(spec, workers="inline", store=store, **options)


WIDER = {"learning_rate": {"low": 0.001, "high": 0.5}}


def test_a_changed_space_is_refused_with_the_way_to_keep_the_trials(store: Path) -> None:
    run(study(), store)
    with pytest.raises(StudyChanged, match=r"space\.learning_rate.*\n.*--widen goes on in the changed space"):
        run(study(**WIDER), store)


def test_a_widened_study_knows_the_trials_that_fit_and_goes_on_to_the_total(store: Path) -> None:
    before = run(study(), store)
    looked = before.folder.looks.read_text()
    notes = Notes()
    result = run(study({"trials": 3}, **WIDER), store, widen=True, display=notes)
    assert any(note.startswith("2 trials carried into the changed space") for note in notes.notes)
    assert [record.value for record in result.records][:2] == [record.value for record in before.records]
    assert result.done() == 3
    assert result.info.uid != before.info.uid
    assert result.folder.looks.read_text().startswith(looked.rstrip("}\n "))
    assert run(study({"trials": 4}, **WIDER), store).done() == 4


def test_trials_that_do_not_fit_are_left_out_and_counted_by_reason(store: Path) -> None:
    first = run(study({"trials": 4}), store)
    rates = sorted(float(record.configuration["learning_rate"]) for record in first.records)
    notes = Notes()
    narrower = {"learning_rate": {"low": 0.01, "high": (rates[2] + rates[3]) / 2}}
    result = run(study({"trials": 4}, **narrower), store, widen=True, display=notes)
    (said,) = [note for note in notes.notes if "carried into the changed space" in note]
    assert said.startswith("3 trials carried into the changed space, 1 left out (learning_rate is outside ")
    assert result.done() == 4


def test_a_study_of_which_nothing_fits_stays_as_it_was(store: Path) -> None:
    first = run(study(), store)
    with pytest.raises(StudyError, match="no trial of 'iris' fits the changed space"):
        run(study(learning_rate=0.9), store, widen=True)
    assert run(study(), store).info.uid == first.info.uid


def test_more_than_the_space_may_not_change(store: Path) -> None:
    run(study(), store)
    with pytest.raises(StudyChanged, match=r"search\.seed: 0 -> 7(.|\n)*--widen may change the space alone"):
        run(study({"seed": 7}, **WIDER), store, widen=True)


def test_widening_an_unchanged_study_is_an_ordinary_launch(store: Path) -> None:
    first = run(study(), store)
    assert run(study({"trials": 3}), store, widen=True).info.uid == first.info.uid
