from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange, describe
from hpsearch.space.table import TABLE

from .domains import domains

any_domain = st.one_of([domains(row) for row in TABLE])
anything = st.integers(-(10**6), 10**6) | st.floats(allow_nan=False) | st.text(max_size=3)


@given(any_domain, anything)
@settings(deadline=None)
def test_the_nearest_member_of_anything_is_a_member(domain: Domain, value: int | float | str) -> None:
    if isinstance(value, float) and math.isinf(value) and not isinstance(domain, Choices):
        value = math.copysign(1e300, value)
    assert domain.contains(domain.nearest(value))


@given(any_domain, anything)
@settings(deadline=None)
def test_a_member_is_its_own_nearest(domain: Domain, value: int | float | str) -> None:
    if domain.contains(value):
        assert domain.nearest(value) == pytest.approx(value, rel=1e-9) if not isinstance(value, str) else value


@pytest.mark.parametrize("domain", [IntRange(0, 5), FloatRange(0.0, 5.0), Choices((1, 2.0)), FloatRange(0, 5, 0.5)])
@pytest.mark.parametrize("value", [True, None, "1", [1], math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_in_no_range(domain: Domain, value: object) -> None:
    assert not domain.contains(value)


def test_integers_are_the_members_of_range_with_both_ends() -> None:
    domain = IntRange(3, 11, 4)
    assert [n for n in range(20) if domain.contains(n)] == [3, 7, 11]
    assert domain.count() == 3
    assert not domain.contains(7.0)


def test_a_step_makes_a_grid_of_reals() -> None:
    domain = FloatRange(0.0, 0.3, 0.1)
    assert [domain.contains(x) for x in (0.1, 0.1 * 3, 0.15, 0.3, 0.31)] == [True, False, False, True, False]
    assert domain.count() == 4
    assert FloatRange(0.0, 1.0).count() is None
    assert FloatRange(1.0, 1.0).count() == 1


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (IntRange(16, 256, log=True), "16..256, log"),
        (IntRange(1, 4), "1..4"),
        (IntRange(2, 8, 2), "2..8, step 2"),
        (IntRange(1, 1_048_576), "1..1048576"),
        (FloatRange(0.0, 0.5), "0..0.5"),
        (FloatRange(1e-4, 1e-1, log=True), "0.0001..0.1, log"),
        (FloatRange(0.0, 3.0, 1.0), "0..3, step 1"),
        (FloatRange(0.12345678, 1.0), "0.12345678..1"),
        (FloatRange(0.1, 0.1), "0.1"),
        (Choices(("relu", "tanh")), "relu, tanh"),
        (Choices((50,)), "50"),
    ],
)
def test_a_domain_is_described_as_a_person_reads_it(domain: Domain, text: str) -> None:
    assert describe(domain) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None)
def test_a_described_number_reads_back_as_itself(value: float) -> None:
    assert float(describe(Choices((value,)))) == value


def test_the_nearest_choice_of_a_name_that_is_not_there_is_the_first() -> None:
    assert Choices(("relu", "tanh")).nearest("elu") == "relu"
    assert Choices((16, 64)).nearest(50) == 64
    assert Choices(("a", 1.5)).nearest(0) == 1.5
