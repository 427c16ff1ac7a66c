from __future__ import annotations

import numpy as np
import pytest

from hpsearch.training.mean_weights import MeanWeights, averaged_epochs


@pytest.mark.parametrize(("epochs", "averaged"), [(1, 1), (2, 1), (3, 1), (20, 5), (60, 15), (500, 125)])
def test_the_last_quarter_of_the_epochs_is_averaged(epochs: int, averaged: int) -> None:
    assert averaged_epochs(epochs) == averaged


def test_the_mean_is_numpy_s_at_every_step() -> None:
    rng = np.random.default_rng(0)
    epochs = [[rng.normal(100, 1, (3, 2)).astype(np.float32), rng.normal(size=2).astype(np.float32)] for _ in range(9)]
    mean = MeanWeights()
    for count, weights in enumerate(epochs, start=1):
        for ours, seen in zip(mean.add(weights), zip(*epochs[:count], strict=True), strict=True):
            assert ours.dtype == np.float32
            np.testing.assert_array_equal(ours, np.mean(seen, axis=0, dtype=np.float64).astype(np.float32))


def test_what_is_given_stays_as_it_is() -> None:
    given, mean = [np.ones(2, np.float32)], MeanWeights()
    first = mean.add(given)
    mean.add([np.zeros(2, np.float32)])
    assert (given[0].tolist(), first[0].tolist()) == ([1.0, 1.0], [1.0, 1.0])
