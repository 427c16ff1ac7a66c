"""Weights that make rare classes count as much as frequent ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def balanced_weights(y: ArrayLike) -> NDArray[np.float32]:
    """Return a weight for each row: rows / (classes that occur * rows of its class), scikit-learn's 'balanced'.

    y: (rows,) class indices. The weights' mean is 1.
    """
    labels = np.asarray(y).astype(np.int64)
    counts = np.bincount(labels)
    per_class = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return per_class[labels].astype(np.float32)
