import statistics

from contest.curves import best_by, rising, spread
from hypothesis import given
from hypothesis import strategies as st

POINTS = st.lists(st.tuples(st.floats(0, 600), st.floats(1, 200)), max_size=20)


@given(POINTS)
def test_a_curve_rises_in_time_and_falls_in_value(points: list[tuple[float, float]]) -> None:
    curve = rising(points)
    assert [seconds for seconds, _ in curve] == sorted(seconds for seconds, _ in curve)
    assert [value for _, value in curve] == sorted((value for _, value in curve), reverse=True)


@given(POINTS, st.floats(0, 600))
def test_the_best_by_a_time_is_the_least_of_what_was_known_then(points: list[tuple[float, float]], when: float) -> None:
    assert best_by(points, when) == min((value for seconds, value in points if seconds <= when), default=None)


def test_nothing_is_known_before_the_first_point() -> None:
    assert best_by([(10.0, 5.0)], 9.9) is None


def test_the_spread_begins_when_every_run_has_a_value_and_reaches_the_end() -> None:
    points = spread([[(1.0, 9.0), (5.0, 3.0)], [(2.0, 7.0)], [(3.0, 8.0)]], 10.0)
    assert points == [(3.0, 7.0, 8.0, 9.0), (5.0, 3.0, 7.0, 8.0), (10.0, 3.0, 7.0, 8.0)]


@given(st.lists(POINTS.filter(bool), min_size=1, max_size=4))
def test_the_median_lies_in_the_range(several: list[list[tuple[float, float]]]) -> None:
    curves = [rising(points) for points in several]
    for seconds, low, median, high in spread(curves, 600.0):
        assert low <= median <= high
        assert median == statistics.median(value for c in curves if (value := best_by(c, seconds)) is not None)


def test_runs_without_a_value_have_no_spread() -> None:
    assert spread([[(1.0, 9.0)], []], 10.0) == []
