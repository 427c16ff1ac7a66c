from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.training.best_epoch import BestEpoch
from hpsearch.training.quiet import import_keras
from hpsearch.training.trainer import Settings

values = st.lists(st.floats(-100, 100), min_size=1, max_size=40)


def _follow(settings: Settings, objective: Sequence[float]) -> tuple[int, int]:
    """Return (best epoch, last epoch)."""
    follow = BestEpoch(settings)
    step = 0
    for step, value in enumerate(objective, start=1):
        follow.is_new_best(step, value)
        if follow.is_hopeless(step):
            break
    return follow.step, step


@given(values)
def test_the_best_epoch_is_the_first_lowest_of_a_loss(objective: list[float]) -> None:
    best, last = _follow(Settings("rmse", "mse"), objective)
    assert (best, last) == (objective.index(min(objective)) + 1, len(objective))


@given(values)
def test_the_best_epoch_is_the_first_highest_of_a_score(objective: list[float]) -> None:
    best, _ = _follow(Settings("r2", "mse"), objective)
    assert best == objective.index(max(objective)) + 1


def test_a_job_ends_after_patience_epochs_without_improvement() -> None:
    assert _follow(Settings("rmse", "mse", patience=2), [3, 2, 2.5, 2, 1]) == (2, 4)


def test_gains_up_to_min_delta_do_not_renew_the_patience() -> None:
    falling = [3, 2.9, 2.8, 2.7, 2.6]
    assert _follow(Settings("rmse", "mse", patience=2, min_delta=0.5), falling) == (3, 3)


def test_gains_up_to_min_delta_do_not_renew_the_patience_of_a_score() -> None:
    assert _follow(Settings("accuracy", "mse", patience=2, min_delta=0.5), [0.1, 0.2, 0.3, 0.4]) == (3, 3)


def test_small_gains_that_add_up_beyond_min_delta_do() -> None:
    assert _follow(Settings("rmse", "mse", patience=3, min_delta=0.25), [3, 2.9, 2.8, 2.7, 2.6, 2.5]) == (6, 6)


@pytest.mark.parametrize("patience", [1, 3, 7])
@given(objective=values)
def test_a_job_ends_where_keras_s_early_stopping_ends_it(patience: int, objective: list[float]) -> None:
    model = SimpleNamespace(stop_training=False)
    theirs = import_keras().callbacks.EarlyStopping("val_rmse", min_delta=0.5, patience=patience, mode="min")
    theirs.set_model(model)
    theirs.on_train_begin()
    end = 0
    for end, value in enumerate(objective, start=1):
        theirs.on_epoch_end(end - 1, {"val_rmse": value})
        if model.stop_training:
            break
    assert _follow(Settings("rmse", "mse", patience=patience, min_delta=0.5), objective)[1] == end
