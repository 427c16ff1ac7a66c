import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.cbook import is_math_text

from hpsearch.report.style import dress, focus, log_axis, log_ticks, message_figure, new_figure, plain, png

from .pictures import pixels


def test_drawing_does_not_load_pyplot():
    message_figure("title", "text")
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


@given(st.text(max_size=200))
def test_any_text_draws_without_a_warning_and_without_mathtext(text):
    shown = plain(text, 30)
    assert not is_math_text(shown)
    assert len(shown.replace(r"\$", "$")) <= 30
    assert "\n" not in shown


def test_text_of_every_script_is_drawn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pixels(message_figure("日本 \N{GRINNING FACE} $a_b$", "\x1b[31m \u202e \ud800 $\\frac{$")).size


@given(st.floats(1e-12, 1e12), st.floats(1.001, 1e12))
def test_log_ticks_lie_inside_and_are_few(low, factor):
    ticks = log_ticks(low, low * factor)
    assert len(ticks) <= 8
    assert all(low * (1 - 1e-6) <= tick <= low * factor * (1 + 1e-6) for tick in ticks)


def test_a_log_axis_has_plain_labels():
    figure = new_figure(4, 3)
    axes = figure.subplots()
    axes.plot([1, 1000], [1e-4, 10])
    log_axis(axes, "x")
    log_axis(axes, "y")
    dress(axes)
    assert png(figure)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "10", "100", "1000"]


@pytest.mark.parametrize(("minimize", "seen"), [(True, (1.0, 4.0)), (False, (1.0, 1e9))])
def test_far_off_values_are_left_out_on_the_bad_side_only(minimize, seen):
    assert focus([1.0, 2.0, 3.0, 4.0, 2.5, 1e9, float("inf")], minimize=minimize) == seen


@given(st.lists(st.floats(allow_nan=True), max_size=30), st.booleans())
def test_the_scale_always_holds_the_best_value(values, minimize):
    low, high = focus(values, minimize=minimize)
    finite = [value for value in values if abs(value) < 1e300]
    assert low <= high
    if finite:
        assert (low if minimize else high) == (min if minimize else max)(finite)
