from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hpsearch.search.rungs import ABOUT, halving_rungs, rungs


@given(st.integers(1, 300), st.integers(1, 2000))
def test_rungs_rise_from_the_first_step_and_stay_below_the_last(first: int, steps: int) -> None:
    found = rungs(first, steps)
    assert all(a < b for a, b in pairwise(found))
    assert len(found) <= ABOUT
    if first < steps:
        assert (found[0], found[-1]) == (first, steps - 1)
    else:
        assert found == ()


@given(st.integers(1, 300), st.integers(1, 2000))
def test_rungs_lie_further_apart_the_later_they_are(first: int, steps: int) -> None:
    gaps = [b - a for a, b in pairwise(rungs(first, steps))]
    assert all(late >= early - 1 for early, late in pairwise(gaps))  # rounding moves each by half a step


def test_few_steps_are_all_rungs() -> None:
    assert rungs(1, 5) == (1, 2, 3, 4)
    assert rungs(3, 10) == (3, 4, 5, 6, 7, 8, 9)


def test_a_hundred_epochs_have_ten_rungs_and_thirty_the_first_six_of_them() -> None:
    found = rungs(5, 100)
    assert found == (5, 7, 10, 14, 19, 26, 37, 51, 71, 99)
    assert sum(step < 30 for step in found) == 6


def test_halving_compares_at_the_resources_of_its_rule() -> None:
    assert halving_rungs(3, 4, 100) == (3, 12, 48)
    assert halving_rungs(3, 3, 81) == (3, 9, 27)
    assert halving_rungs(5, 3, 5) == ()
