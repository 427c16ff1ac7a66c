from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hpsearch.training.compiled.dropout import BITS, kept_units
from hpsearch.training.quiet import import_keras

import_keras()
import tensorflow as tf  # noqa: E402 - silenced first

SIZE = (128, 256)


def _kept(
    rate: float, *, seed: int = 1, step: int = 0, layer: int = 0, size: tuple[int, int] = SIZE
) -> NDArray[np.bool_]:
    scalars = [tf.constant(value, tf.int32) for value in (seed, step, round(rate * 2**BITS))]
    return np.asarray(kept_units(scalars[0], scalars[1], layer, size, scalars[2]))


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 0.9])
def test_the_share_dropped_is_the_rate(rate: float) -> None:
    error = 4 * np.sqrt(rate * (1 - rate) / np.prod(SIZE))  # four standard errors
    assert 1 - _kept(rate).mean() == pytest.approx(rate, abs=error)


def test_rate_zero_keeps_all() -> None:
    assert _kept(0.0).all()


@pytest.mark.parametrize("axis", [0, 1])
def test_rows_and_units_are_dropped_alike(axis: int) -> None:
    share = _kept(0.3).mean(axis=axis)
    assert np.var(share) == pytest.approx(0.21 / SIZE[axis], rel=0.4)


@pytest.mark.parametrize("other", [{"seed": 2}, {"step": 1}, {"layer": 1}, {"seed": 2, "step": 1}])
def test_masks_of_other_seeds_steps_and_layers_are_independent(other: dict[str, int]) -> None:
    assert _correlation(_kept(0.5), _kept(0.5, **other)) == pytest.approx(0, abs=4 / np.sqrt(np.prod(SIZE)))


@pytest.mark.parametrize(("rows", "units"), [(1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (64, 0), (0, 128)])
def test_neighbours_are_independent(rows: int, units: int) -> None:
    kept = _kept(0.5)
    near = _correlation(kept[rows:, units:], kept[: SIZE[0] - rows, : SIZE[1] - units])
    assert near == pytest.approx(0, abs=4 / np.sqrt(np.prod(SIZE) / 2))


def test_a_wider_mask_begins_with_the_narrower_one() -> None:
    np.testing.assert_array_equal(_kept(0.4, size=(128, 256))[:16, :40], _kept(0.4, size=(16, 40)))


def _correlation(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
