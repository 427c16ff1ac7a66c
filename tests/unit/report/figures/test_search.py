from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from hpsearch.records import TrialRecord
from hpsearch.report.figures import importances, optimization_history, timeline
from hpsearch.report.figures.search import _Clock
from hpsearch.report.style import BLUE, GREEN, ORANGE, RED, STATE_COLOURS

from ..pictures import area_of, pixels
from ..trials import INFO, make_trials

TRIALS = make_trials(40)


def test_history_tells_the_states_apart():
    picture = optimization_history(TRIALS, INFO)
    for state in {trial.state for trial in TRIALS}:
        assert area_of(picture, STATE_COLOURS[state]) > 20, state


def test_history_without_a_completed_trial_has_no_best_line():
    pruned = [replace(trial, state="pruned", value=None) for trial in TRIALS]
    assert area_of(optimization_history(pruned, INFO), GREEN) == 0
    assert area_of(optimization_history(TRIALS, INFO), GREEN) > 300


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize(
    "trials",
    [
        [],
        TRIALS[:1],
        [replace(TRIALS[0], state="failed", value=None, metrics={})],
        [replace(trial, state="completed", value=5.0) for trial in TRIALS],
        [replace(trial, state="completed", value=10.0 ** (trial.number % 30)) for trial in TRIALS],
        [replace(trial, state="running", value=None, metrics={}) for trial in TRIALS],
        [replace(trial, state="completed", value=(-1) ** trial.number * 1.7e308) for trial in TRIALS],
        make_trials(1000),
    ],
    ids=["none", "one", "failed", "equal", "far apart", "running", "huge", "thousand"],
)
def test_history_and_timeline_stand_any_study(trials, direction):
    info = replace(INFO, direction=direction, name="a $very$ long name 日本 \N{GRINNING FACE}" * 20)
    assert pixels(optimization_history(trials, info)).size
    assert pixels(timeline(trials)).size


def test_importances_are_drawn_in_proportion():
    picture = importances({"PED-ANOVA": {"a": 0.8, "b": 0.2}, "fANOVA": {"a": 0.4, "b": 0.6}})
    assert area_of(picture, BLUE) == pytest.approx(area_of(picture, ORANGE), rel=0.1)


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"PED-ANOVA": {}, "fANOVA": {}},
        {"PED-ANOVA": {"a": 0.0, "b": 0.0}},
        {"PED-ANOVA": {"a": 1.0}, "fANOVA": {}},
        {"PED-ANOVA": {"a": float("nan"), "b": -0.1}, "fANOVA": {"c": 1.0}},
        {"a $method$ " * 30: {f"parameter_{'x' * 200}_{i}": 1 / (i + 1) for i in range(25)}},
    ],
)
def test_importances_stand_missing_and_odd_ratings(named):
    assert pixels(importances(named)).size


def test_timeline_draws_each_state_in_its_colour():
    picture = timeline([replace(TRIALS[0], state="failed"), replace(TRIALS[1], state="completed")])
    assert area_of(picture, RED) > 1000
    assert area_of(picture, BLUE) > 1000


def test_timeline_leaves_out_trials_that_never_started():
    never = [TrialRecord(0, {}, "running"), TrialRecord(1, {}, "running", started="soon")]
    assert pixels(timeline(never)).size
    assert pixels(timeline([*never, TRIALS[0], replace(TRIALS[1], seconds=0.0, worker=99)])).size


def test_long_idle_gaps_are_cut_and_short_ones_are_kept():
    clock = _Clock([(0, 100), (130, 200), (5000, 5100)])
    assert [round(idle) for _, idle in clock.breaks] == [4800]
    assert clock(130) == 130
    assert clock(5000) == pytest.approx(200 + 0.015 * 270)
    assert clock.length == pytest.approx(clock(5100))


def test_pictures_can_be_drawn_in_threads():
    alone = optimization_history(TRIALS, INFO), timeline(TRIALS)
    with ThreadPoolExecutor(4) as pool:
        together = [(pool.submit(optimization_history, TRIALS, INFO), pool.submit(timeline, TRIALS)) for _ in range(6)]
    assert all((a.result(), b.result()) == alone for a, b in together)
