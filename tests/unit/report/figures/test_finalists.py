from dataclasses import replace

import numpy as np
import pytest

from hpsearch.report.figures.finalists import finalists
from hpsearch.report.style import GREEN, ORANGE, PURPLE
from hpsearch.search.verdict import Retrained, judge

from ..pictures import area_of, pixels
from ..trials import INFO

VALUES = (40.2, 40.9, 39.7, 40.4, 40.1)


def verdict(*shifts, values=VALUES, direction="minimize"):
    retrained = [
        Retrained(trial, 39.5 + shift, tuple(value + shift for value in values), 100, 1.0)
        for trial, shift in enumerate(shifts)
    ]
    return judge(retrained, direction)


def test_the_winner_stands_out_and_the_search_s_values_are_marked():
    picture = finalists(verdict(0.0, 0.4, 3.0), INFO)
    assert area_of(picture, GREEN) > 200
    assert area_of(picture, ORANGE) > 30


def test_a_baseline_near_the_finalists_is_a_line_and_one_far_off_is_not():
    none = area_of(finalists(verdict(0.0, 0.4), INFO), PURPLE)
    near = area_of(finalists(verdict(0.0, 0.4), INFO, {"linear": 41.5}), PURPLE)
    far = area_of(finalists(verdict(0.0, 0.4), INFO, {"constant": 180.0}), PURPLE)
    assert none == far == 0
    assert near > 100


@pytest.mark.parametrize(
    "found",
    [
        verdict(0.0),
        verdict(0.0, 0.0, values=(1.0, 1.0, 1.0)),
        verdict(*np.linspace(0, 4, 20)),
        verdict(0.0, 1e-9, 1e9),
        verdict(0.0, 0.2, direction="maximize"),
        verdict(0.0, values=(1.7e200, -1.6e200)),
    ],
    ids=["one", "equal", "twenty", "far apart", "maximize", "huge"],
)
def test_any_finalists_can_be_drawn(found):
    info = replace(INFO, name="a $very$ long name 日本 " * 20)
    assert pixels(finalists(found, info, {"$x$ </b>": 41.0, "huge": 1e305})).size
