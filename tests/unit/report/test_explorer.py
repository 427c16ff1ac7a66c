import json
from dataclasses import replace

import pytest

from hpsearch.report.explorer import MOST_LINES, explorer
from hpsearch.report.figures.parameter_axis import searched_axes

from .trials import INFO, make_space, make_trials

SPACE = make_space()
TRIALS = make_trials(60)
TOLD = explorer(TRIALS, INFO, SPACE, winner=7, first="dropout")


def test_what_the_script_draws_is_plain_json():
    assert json.loads(json.dumps(TOLD, allow_nan=False)) == TOLD


def test_the_best_trials_come_first_and_pruned_ones_last():
    values = [trial["o"] for trial in TOLD["trials"]]
    completed = [value for value in values if value is not None]
    assert completed == sorted(completed)
    assert values == completed + [None] * (len(values) - len(completed))
    number = {
        "completed": sum(r.state == "completed" for r in TRIALS),
        "pruned": sum(r.state == "pruned" for r in TRIALS),
    }
    assert (len(completed), len(values) - len(completed)) == (number["completed"], number["pruned"])


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_of_too_many_trials_the_best_are_kept(direction):
    many = [replace(record, state="completed", value=float(record.number)) for record in make_trials(MOST_LINES + 80)]
    kept = {trial["n"] for trial in explorer(many, replace(INFO, direction=direction), SPACE)["trials"]}
    assert kept == set(range(MOST_LINES) if direction == "minimize" else range(80, MOST_LINES + 80))


def test_a_place_is_that_of_the_static_picture_but_for_what_keeps_points_apart():
    by_number = {record.number: record for record in TRIALS}
    axes = searched_axes([by_number[trial["n"]] for trial in TOLD["trials"]], SPACE)
    assert [axis["name"] for axis in TOLD["axes"]] == [axis.name for axis in axes]
    for trial in TOLD["trials"]:
        settings = by_number[trial["n"]].configuration
        for axis, place, text in zip(axes, trial["p"], trial["t"], strict=True):
            if axis.name in settings:
                assert place == pytest.approx(axis.place(settings[axis.name]), abs=axis.wobble / 2 + 1e-4)
            else:
                assert place is text is None


def test_the_slice_that_is_shown_first_is_the_one_asked_for():
    assert TOLD["axes"][TOLD["first"]]["name"] == "dropout"
    assert explorer(TRIALS, INFO, SPACE, first="no such thing")["first"] == 0


def test_without_a_completed_trial_there_is_nothing_to_draw():
    assert explorer([replace(record, state="pruned", value=None) for record in TRIALS], INFO, SPACE) == {}
    assert explorer([], INFO, SPACE) == {}
