"""The mean of a net's weights over its last epochs: steadier than where the last step happened to end."""

from __future__ import annotations

import numpy as np

from hpsearch.training.trainer import Weights

SHARE = 0.25
"""of a job's epochs; those at its end are averaged"""


def averaged_epochs(epochs: int) -> int:
    """Return how many of a job's epochs, at its end, are averaged: 1 at least."""
    return max(1, round(SHARE * epochs))


class MeanWeights:
    """A running mean of weights.

    With a constant learning rate weights wander about a minimum, and their mean lies nearer to it (Polyak and Juditsky
    1992; for nets Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization").
    """

    def __init__(self) -> None:
        self._count = 0
        self._sums: list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = []

    def add(self, weights: Weights) -> Weights:
        """Take in weights; return the mean of all so far."""
        self._count += 1
        seen = [array.astype(np.float64) for array in weights]
        self._sums = [a + b for a, b in zip(self._sums, seen, strict=True)] if self._sums else seen
        return [(total / self._count).astype(np.float32) for total in self._sums]
