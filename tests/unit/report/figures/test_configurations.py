from dataclasses import replace

import pytest

from hpsearch.report.figures import parallel_coordinates, slices
from hpsearch.report.style import RED
from hpsearch.space.domain import Choices, IntRange
from hpsearch.space.space import build_space

from ..pictures import area_of, pixels
from ..trials import INFO, make_space, make_trials

SPACE = make_space()
TRIALS = make_trials(30, SPACE)
DEEP = build_space({"hidden_layers": IntRange(0, 16), "activation": Choices(("relu", "tanh"))})
FIXED = build_space({name: Choices((value,)) for name, value in make_space(1).defaults().items() if "_1" not in name}
                    | {"neurons": Choices((8,))})  # fmt: skip


def test_the_best_trial_is_marked():
    assert area_of(parallel_coordinates(TRIALS, INFO, SPACE), RED) > 500
    assert area_of(slices(TRIALS, INFO, SPACE), RED) > 50


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize(
    ("trials", "space"),
    [
        ([], SPACE),
        (TRIALS[:1], SPACE),
        ([replace(trial, state="pruned", value=None) for trial in TRIALS], SPACE),
        ([replace(trial, state="completed", value=2.5) for trial in TRIALS], SPACE),
        ([replace(trial, state="completed", value=10.0 ** (trial.number % 40)) for trial in TRIALS], SPACE),
        ([replace(trial, state="completed", value=float("nan")) for trial in TRIALS], SPACE),
        ([replace(trial, state="completed", value=1.7e308) for trial in TRIALS], SPACE),
        (make_trials(1000, SPACE), SPACE),
        (make_trials(20, DEEP), DEEP),
        (make_trials(5, FIXED), FIXED),
        (make_trials(9, make_space(1)), FIXED),
    ],
    ids=["none", "one", "pruned", "equal", "far apart", "nan", "huge", "thousand", "deep", "fixed", "of another space"],
)
def test_any_study_is_drawn(trials, space, direction):
    info = replace(INFO, direction=direction, objective="a_$long$_name" * 9, name="日本 \N{GRINNING FACE}" * 30)
    assert pixels(parallel_coordinates(trials, info, space)).size
    assert pixels(slices(trials, info, space)).size
