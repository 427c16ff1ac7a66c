from __future__ import annotations

from dataclasses import replace

import pytest

from hpsearch.training.compiled.costs import Costs
from hpsearch.training.compiled.shape import Shape

SHAPE = Shape(20, 1, widths=(64, 32), batch=32, rows=8192, loss="mse", activation="relu", penalized=False)


@pytest.mark.parametrize(
    "more", [{"widths": (64, 33)}, {"batch": 33}, {"widths": (64, 32, 1)}, {"activation": "blend"}]
)
def test_more_room_costs_more_time_a_step(more: dict[str, object]) -> None:
    assert Costs().step_seconds(replace(SHAPE, **more)) > Costs().step_seconds(SHAPE)


@pytest.mark.parametrize("more", [{"widths": (64, 32, 1)}, {"activation": "blend"}, {"penalized": True}])
def test_more_kernels_cost_more_time_to_compile(more: dict[str, object]) -> None:
    assert Costs().opening_seconds(replace(SHAPE, **more)) > Costs().opening_seconds(SHAPE)


def test_what_was_observed_scales_the_predictions_of_every_shape() -> None:
    costs, wide = Costs(), replace(SHAPE, widths=(256, 256))
    step, compiling = costs.step_seconds(wide), costs.opening_seconds(wide)
    costs.observe_steps(SHAPE, 100, 3 * 100 * costs.step_seconds(SHAPE))
    costs.observe_opening(SHAPE, costs.opening_seconds(SHAPE) / 2)
    assert costs.step_seconds(wide) == pytest.approx(3 * step)
    assert costs.opening_seconds(wide) == pytest.approx(compiling / 2)


def test_a_slow_moment_is_forgotten() -> None:
    costs = Costs()
    usual = costs.step_seconds(SHAPE)
    costs.observe_steps(SHAPE, 10, 50 * 10 * usual)
    for _ in range(200):
        costs.observe_steps(SHAPE, 10, 10 * usual)
    assert costs.step_seconds(SHAPE) == pytest.approx(usual, rel=0.05)


def test_what_is_kept_on_disk_opens_in_less_time() -> None:
    costs = Costs()
    usual = costs.opening_seconds(SHAPE)
    costs.know_kept({SHAPE})
    assert costs.opening_seconds(SHAPE) < usual / 2
    assert costs.opening_seconds(replace(SHAPE, batch=64)) == usual
    costs.know_kept(set())
    assert costs.opening_seconds(SHAPE) == usual


def test_slow_loading_says_nothing_of_compiling() -> None:
    costs, other = Costs(), replace(SHAPE, batch=64)
    compiling = costs.opening_seconds(other)
    costs.know_kept({SHAPE})
    costs.observe_opening(SHAPE, 3 * costs.opening_seconds(SHAPE))
    assert costs.opening_seconds(other) == compiling
    costs.know_kept({SHAPE, other})
    assert costs.opening_seconds(other) == pytest.approx(costs.opening_seconds(SHAPE))
