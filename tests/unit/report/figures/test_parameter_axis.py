import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.report.figures.parameter_axis import ParameterAxis, searched_axes
from hpsearch.space.domain import Choices, FloatRange, IntRange

from ..trials import make_space, make_trials


def test_only_parameters_that_vary_and_are_active_get_an_axis():
    space = make_space(3)
    shallow = [trial for trial in make_trials(60, space) if trial.configuration["hidden_layers"] < 3]
    names = [axis.name for axis in searched_axes(shallow, space)]
    assert "neurons_2" in names
    assert "neurons_3" not in names
    assert {axis.name for axis in searched_axes(shallow, space) if axis.partial} == {"neurons_2"}


def test_a_log_range_is_placed_by_its_logarithm():
    axis = ParameterAxis("learning_rate", FloatRange(1e-4, 1e-1, log=True))
    assert axis.place(1e-3) == pytest.approx(1 / 3)
    assert [text for _, text in axis.ticks()] == ["0.0001", "0.1", "0.001", "0.01"]


def test_choices_are_spread_evenly_and_in_their_order():
    axis = ParameterAxis("batch_size", Choices((16, 32, 64, 128)))
    assert [axis.place(value) for value in (16, 32, 64, 128)] == [0.125, 0.375, 0.625, 0.875]


def test_a_value_that_is_no_choice_of_the_space_gets_a_place_too():
    space = make_space(1)
    trial = make_trials(1, space)[0]
    foreign = type(trial)(0, {**trial.configuration, "optimizer": "adamw"}, "completed", value=1.0)
    axis = next(axis for axis in searched_axes([foreign], space) if axis.name == "optimizer")
    assert axis.domain.choices[-1] == "adamw"


@given(
    st.integers(1, 10**6), st.integers(0, 10**6), st.booleans(), st.floats(0, 1),
    st.sampled_from([IntRange, FloatRange]),
)  # fmt: skip
def test_every_value_and_tick_of_a_range_lies_on_the_axis(low, width, log, share, kind):
    high = low + width
    axis = ParameterAxis("x", kind(low=low, high=high, log=log))
    value = min(max(math.floor(low + share * width), low), high)
    assert 0 <= axis.place(value) <= 1
    assert all(0 <= at <= 1 and text for at, text in axis.ticks())
