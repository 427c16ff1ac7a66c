from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from hpsearch.training.class_weight import balanced_weights


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2], [0, 3]], ids=["binary", "three", "one that never occurs"])
def test_balanced_weights_are_scikit_learns(classes: list[int]) -> None:
    y = np.random.default_rng(0).choice(classes, 100)
    assert balanced_weights(y) == pytest.approx(compute_sample_weight("balanced", y), rel=1e-6)
