from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.training.compiled.costs import Costs
from hpsearch.training.compiled.planner import Planner
from hpsearch.training.compiled.shape import Shape

SHAPE = Shape(20, 1, widths=(64, 32), batch=32, rows=8192, loss="mse", activation="relu", penalized=False)
SHORT, LONG = 50, 2_000_000
"""steps of a trial"""


def _total(trials: list[tuple[Shape, int]], chosen: list[Shape]) -> float:
    """Seconds of all trials with the programs chosen, each compiled once."""
    costs = Costs()
    training = sum(steps * costs.step_seconds(shape) for (_, steps), shape in zip(trials, chosen, strict=True))
    return training + sum(costs.compile_seconds(shape) for shape in set(chosen))


def _plan(trials: list[tuple[Shape, int]], most: int = 10_000) -> list[Shape]:
    planner = Planner(Costs(), most)
    return [planner.choose(exact, steps) for exact, steps in trials]


shapes = st.builds(
    lambda units, batch, activation: replace(SHAPE, widths=tuple(units), batch=batch, activation=activation),
    st.lists(st.integers(4, 256), min_size=0, max_size=3),
    st.sampled_from([16, 32, 128]),
    st.sampled_from(["relu", "tanh", "gelu"]),
)
trials = st.lists(st.tuples(shapes, st.integers(1, 100_000)), min_size=1, max_size=30)


@settings(deadline=None)
@given(trials)
def test_every_trial_gets_a_program_that_holds_it(drawn: list[tuple[Shape, int]]) -> None:
    assert all(chosen.holds(exact) for (exact, _), chosen in zip(drawn, _plan(drawn), strict=True))


@settings(deadline=None)
@given(shapes, st.lists(st.tuples(st.booleans(), st.integers(1, 100_000)), min_size=1, max_size=60))
def test_a_shape_costs_at_most_twice_the_better_of_renting_and_buying(
    first: Shape, drawn: list[tuple[bool, int]]
) -> None:
    """Whatever comes in between: what a shape's trials cost beyond the first program, which both have to pay."""
    other = replace(first, widths=tuple(width + 3 for width in first.widths), batch=first.batch * 2)
    mixed = [(other, SHORT)] + [(first if ours else other, steps) for ours, steps in drawn]
    chosen = _plan(mixed)
    ours = [(trial, shape) for trial, shape in zip(mixed, chosen, strict=True) if trial[0] == first]
    if not ours:
        return
    plan = [trial for trial, _ in ours]
    spent = _total(plan, [shape for _, shape in ours]) - sum(
        Costs().compile_seconds(shape) for shape in {shape for _, shape in ours} if shape != first
    )
    renting = sum(steps * Costs().step_seconds(chosen[0]) for _, steps in plan)
    assert spent <= 2 * min(renting, _total(plan, [first] * len(plan))) + 1e-9


@settings(deadline=None)
@given(shapes, st.lists(st.integers(1, 100_000), min_size=1, max_size=60))
def test_one_shape_costs_at_most_twice_the_best_and_the_first_program(exact: Shape, steps: list[int]) -> None:
    plan = [(exact, n) for n in steps]
    first = Costs().compile_seconds(exact) * 1.5
    assert _total(plan, _plan(plan)) <= 2 * _total(plan, [exact] * len(plan)) + first


def test_short_trials_share_a_roomy_program() -> None:
    plan = [(replace(SHAPE, widths=(8 + i, 40 - i)), SHORT) for i in range(20)]
    assert len(set(_plan(plan))) == 1


def test_a_long_trial_has_a_program_of_its_own() -> None:
    assert _plan([(SHAPE, LONG)]) == [SHAPE]
    assert _plan([(replace(SHAPE, widths=(16, 16)), SHORT), (SHAPE, LONG)])[1] == SHAPE


def test_a_shape_that_comes_again_and_again_is_bought_once() -> None:
    chosen = Counter(_plan([(SHAPE, 5_000)] * 200))
    assert chosen[SHAPE] > 100
    assert len(chosen) == 2


def test_past_the_most_programs_nothing_is_bought_that_can_be_rented() -> None:
    plan = [(replace(SHAPE, widths=(100, 100), batch=128), LONG)]
    plan += [(replace(SHAPE, widths=(10 + i, 10)), LONG) for i in range(5)]
    plan = [(replace(exact, activation="gelu"), steps) for exact, steps in plan]
    assert len(set(_plan(plan, most=3))) == 3
    assert len(set(_plan(plan))) == 6


@pytest.mark.parametrize("penalized", [False, True])
def test_a_penalty_is_never_compiled_for_a_trial_without_one(penalized: bool) -> None:
    assert _plan([(replace(SHAPE, penalized=penalized), SHORT)])[0].penalized == penalized
