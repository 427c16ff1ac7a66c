from __future__ import annotations

import numpy as np
import pytest

from hpsearch.data.dataset import Arrays, Split
from hpsearch.errors import TrialFailed
from hpsearch.training.epoch_metrics import EpochMetrics
from hpsearch.training.trainer import Settings

X = np.zeros((3, 1), np.float32)
Y = np.array([0, 1, 2], np.float32)
REGRESSION = EpochMetrics("regression", Split(Arrays(X, Y), Arrays(X, Y), 100.0, 10.0), Settings("mae", "huber"))
FITTED = {"loss": 0.5, "mse": 0.25, "mae": 0.4}


def test_losses_stay_scaled_and_metrics_return_to_the_target_s_own_units() -> None:
    metrics, objective = REGRESSION.measure(1, FITTED, Y + np.float32(3))
    assert metrics == pytest.approx(
        {
            "train_loss": 0.5, "val_loss": 2.5, "train_rmse": 5.0, "train_mae": 4.0,
            "val_rmse": 30.0, "val_mae": 30.0, "val_r2": 1 - 9 / (2 / 3),
        }
    )  # fmt: skip
    assert objective == metrics["val_mae"]


def test_classes_keep_their_accuracy() -> None:
    arrays = Arrays(X, np.array([0, 1, 1], np.float32))
    measure = EpochMetrics("binary", Split(arrays, arrays), Settings("accuracy", "binary_crossentropy")).measure
    metrics, objective = measure(1, {"loss": 0.5, "accuracy": 0.75}, np.array([0.2, 0.9, 0.1], np.float32))
    assert (metrics["train_accuracy"], objective) == (0.75, pytest.approx(2 / 3))


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_train_loss_that_is_not_finite_is_divergence(broken: float) -> None:
    with pytest.raises(TrialFailed, match="diverged at epoch 3"):
        REGRESSION.measure(3, FITTED | {"loss": broken}, Y)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_prediction_that_is_not_finite_is_divergence(broken: float) -> None:
    with pytest.raises(TrialFailed, match="diverged at epoch 2"):
        REGRESSION.measure(2, FITTED, np.array([0, 1, broken], np.float32))


def test_an_objective_that_the_rows_do_not_define_is_told() -> None:
    one = Arrays(X, np.ones(3, np.float32))
    measure = EpochMetrics("binary", Split(one, one), Settings("roc_auc", "binary_crossentropy")).measure
    with pytest.raises(TrialFailed, match="do not define roc_auc"):
        measure(1, {"loss": 0.5, "accuracy": 1.0}, np.array([0.2, 0.9, 0.1], np.float32))
