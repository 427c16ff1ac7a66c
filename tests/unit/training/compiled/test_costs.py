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
    assert Costs().compile_seconds(replace(SHAPE, **more)) > Costs().compile_seconds(SHAPE)


def test_what_was_observed_scales_the_predictions_of_every_shape() -> None:
    costs, wide = Costs(), replace(SHAPE, widths=(256, 256))
    step, compiling = costs.step_seconds(wide), costs.compile_seconds(wide)
    costs.observe_steps(SHAPE, 100, 3 * 100 * costs.step_seconds(SHAPE))
    costs.observe_compile(SHAPE, costs.compile_seconds(SHAPE) / 2)
    assert costs.step_seconds(wide) == pytest.approx(3 * step)
    assert costs.compile_seconds(wide) == pytest.approx(compiling / 2)


def test_a_slow_moment_is_forgotten() -> None:
    costs = Costs()
    usual = costs.step_seconds(SHAPE)
    costs.observe_steps(SHAPE, 10, 50 * 10 * usual)
    for _ in range(200):
        costs.observe_steps(SHAPE, 10, 10 * usual)
    assert costs.step_seconds(SHAPE) == pytest.approx(usual, rel=0.05)


def test_what_is_kept_on_disk_costs_less_to_compile() -> None:
    costs = Costs()
    usual = costs.compile_seconds(SHAPE)
    costs.know_kept(SHAPE)
    assert costs.compile_seconds(SHAPE) < usual / 2
    assert costs.compile_seconds(replace(SHAPE, batch=64)) == usual
