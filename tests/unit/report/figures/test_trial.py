from dataclasses import replace

import pytest

from hpsearch.records import EpochRecord
from hpsearch.report.figures import learning_curve
from hpsearch.report.figures.trial import _curves, _mean
from hpsearch.report.style import BLUE, ORANGE

from ..pictures import area_of, pixels
from ..trials import make_trials


def test_training_and_validation_are_drawn_in_their_colours():
    picture = learning_curve(make_trials(1)[0], "rmse")
    assert area_of(picture, BLUE) > 500
    assert area_of(picture, ORANGE) > 200


def test_the_same_trial_makes_the_same_bytes():
    trial = make_trials(1)[0]
    assert learning_curve(trial, "rmse") == learning_curve(trial, "rmse")


def test_the_mean_over_folds_ends_where_the_shortest_fold_ends():
    trial = make_trials(1, folds=3)[0]
    curves = _curves(trial.epochs, "val_rmse")
    assert [len(steps) for steps, _ in curves] == [5, 4, 3]
    steps, values = _mean(curves)
    assert steps == [1, 2, 3]
    assert values[1] == pytest.approx(50 + 99 / 2)


def test_epochs_that_are_not_finite_are_left_out():
    epochs = tuple(EpochRecord(0, step, {"val_rmse": value}) for step, value in ((1, 3.0), (2, float("nan"))))
    assert _curves(epochs, "val_rmse") == [([1], [3.0])]


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": ()},
        {"epochs": (), "state": "failed", "reason": "diverged at epoch 3 " * 40},
        {"epochs": (EpochRecord(0, 1, {"val_loss": float("inf"), "val_rmse": float("nan")}),), "state": "failed"},
        {"epochs": (EpochRecord(0, 1, {"val_loss": 0.0, "val_rmse": 1.0}),), "best_epoch": 1},
        {"epochs": tuple(EpochRecord(0, s, {"val_loss": 10.0**s, "val_rmse": 2.0}) for s in range(1, 9))},
        {"epochs": tuple(EpochRecord(0, s, {"val_loss": 1e-9 * s, "val_rmse": -5.0 * s}) for s in range(1, 400))},
        {"value": None, "metrics": {}, "best_epoch": 0},
    ],
)
def test_odd_trials_are_drawn_all_the_same(change):
    assert pixels(learning_curve(replace(make_trials(1)[0], **change), "rmse")).size
