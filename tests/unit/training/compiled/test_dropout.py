"""Masks as random numbers: their rate, and that no two units, rows, steps, layers or seeds have to do with each other.

Seeds are fixed, so a test passes always or never. `ALPHA` is the chance that it would fail, had the seeds been drawn
and the masks been perfect: with 43 such tests, the chance of any false alarm was once 4 in 1,000.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from hpsearch.training.compiled.dropout import BITS, kept_units, layer_keys, step_keys
from hpsearch.training.quiet import import_keras

import_keras()
import tensorflow as tf  # noqa: E402 - silenced first

ALPHA = 1e-4
SIZE = (128, 256)


def _kept(
    rate: float, *, seed: int = 1, step: int = 0, layer: int = 0, size: tuple[int, int] = SIZE
) -> NDArray[np.bool_]:
    keys = step_keys(tf.constant(layer_keys(seed, layer + 1)), tf.constant(step))
    return np.asarray(kept_units(keys[layer], size, tf.constant(round(rate * 2**BITS))))


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1, 0.3, 0.5, 0.9, 0.99])
def test_the_share_dropped_is_the_rate(rate: float) -> None:
    dropped = sum(int((~_kept(rate, step=step)).sum()) for step in range(8))
    assert stats.binomtest(dropped, 8 * int(np.prod(SIZE)), rate).pvalue > ALPHA


def test_rate_zero_keeps_all() -> None:
    assert _kept(0.0).all()


def test_a_unit_dropped_at_one_rate_is_dropped_at_every_higher_one() -> None:
    assert not (_kept(0.5) & ~_kept(0.2)).any()


def test_every_rate_between_zero_and_one_is_met() -> None:
    """How many of the rates k / 64 keep a unit is uniform over 0..63 (chi-squared, 63 degrees of freedom)."""
    level = sum(_kept(k / 64, step=3).astype(int) for k in range(1, 64))
    assert stats.chisquare(np.bincount(level.ravel(), minlength=64)).pvalue > ALPHA


AXES = ("seed", "layer", "step", "row", "unit")


@pytest.fixture(scope="module", params=[0.1, 0.5])
def deviations(request: pytest.FixtureRequest) -> NDArray[np.float64]:
    """Masks by AXES, (12, 4, 12, 16, 24): 221,184 numbers of mean 0 and variance 1, were they independent.

    Neighbours on every axis: what a weak hash would not tell apart.
    """
    rate, size = request.param, (16, 24)
    masks = [
        [[_kept(rate, seed=seed, layer=layer, step=step, size=size) for step in range(12)] for layer in range(4)]
        for seed in range(12)
    ]
    return (np.array(masks) - (1 - rate)) / np.sqrt(rate * (1 - rate))


@pytest.mark.parametrize("axis", AXES)
def test_every_place_of_an_axis_is_dropped_alike(deviations: NDArray[np.float64], axis: str) -> None:
    """Sums over all else are normal: the sum of their squares is chi-squared, neither too large nor too small."""
    of_each = np.moveaxis(deviations, AXES.index(axis), 0).reshape(deviations.shape[AXES.index(axis)], -1)
    squares = float((of_each.sum(axis=1) ** 2).sum() / of_each.shape[1])
    assert _two_sided(stats.chi2(len(of_each)), squares) > ALPHA


@pytest.mark.parametrize("axis", AXES)
def test_no_two_places_of_an_axis_go_together(deviations: NDArray[np.float64], axis: str) -> None:
    """Correlations of all pairs are normal and uncorrelated: the sum of their squares is chi-squared."""
    of_each = np.moveaxis(deviations, AXES.index(axis), 0).reshape(deviations.shape[AXES.index(axis)], -1)
    products = (of_each @ of_each.T)[np.triu_indices(len(of_each), 1)] / np.sqrt(of_each.shape[1])
    assert _two_sided(stats.chi2(len(products)), float((products**2).sum())) > ALPHA


@pytest.mark.parametrize("axes", [("row", "unit"), ("step", "row"), ("step", "unit"), ("seed", "step")])
def test_no_four_corners_of_two_axes_go_together(deviations: NDArray[np.float64], axes: tuple[str, str]) -> None:
    """A hash that adds up its parts gives corners (a, c) (b, c) (a, d) (b, d) whose product has not 0 for its mean."""
    moved = np.moveaxis(deviations, [AXES.index(axis) for axis in axes], [0, 1])
    edges = moved[1:, :] * moved[:-1, :]
    corners = edges[:, 1:] * edges[:, :-1]
    # Products that share no corner are independent, all are uncorrelated: their sum has the variance of their number.
    assert _two_sided(stats.norm(), float(corners.sum() / np.sqrt(corners.size))) > ALPHA


@pytest.mark.parametrize(("rows", "units"), [(1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (64, 0), (0, 128)])
def test_near_and_far_neighbours_are_independent(rows: int, units: int) -> None:
    kept = 2.0 * _kept(0.5) - 1
    products = kept[rows:, units:] * kept[: SIZE[0] - rows, : SIZE[1] - units]
    assert _two_sided(stats.norm(), float(products.sum() / np.sqrt(products.size))) > ALPHA


def test_a_wider_mask_begins_with_the_narrower_one() -> None:
    np.testing.assert_array_equal(_kept(0.4, size=(128, 256))[:16, :40], _kept(0.4, size=(16, 40)))


def test_rows_of_the_largest_batches_have_masks_of_their_own() -> None:
    kept = _kept(0.5, size=(2**20, 1))[:, 0].reshape(-1, 2**16)
    assert len(np.unique(kept, axis=0)) == len(kept)


def _two_sided(distribution: stats.rv_frozen, value: float) -> float:
    return 2 * float(min(distribution.cdf(value), distribution.sf(value)))
