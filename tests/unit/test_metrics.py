from __future__ import annotations

import math
import operator

import pytest
from sklearn import metrics as sk

from hpsearch.metrics import DEFAULT_OBJECTIVE, LOSSES, METRICS, TASK_TYPES, TaskType, metrics_of

SCORERS = {
    "rmse": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "r2": "r2",
    "log_loss": "neg_log_loss",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced_accuracy",
    "f1": "f1",
    "roc_auc": "roc_auc",
}


@pytest.mark.parametrize("name", list(METRICS))
def test_a_metric_is_minimized_where_scikit_learn_negates_it(name: str) -> None:
    assert sk.get_scorer(SCORERS[name])
    assert (METRICS[name].direction == "minimize") == SCORERS[name].startswith("neg_")


@pytest.mark.parametrize("name", list(METRICS))
def test_better_is_strict_and_follows_the_direction(name: str) -> None:
    metric = METRICS[name]
    wins = {"minimize": operator.lt, "maximize": operator.gt}[metric.direction]
    for a, b in [(0.1, 0.2), (0.2, 0.1), (0.1, 0.1)]:
        assert metric.better(a, b) == wins(a, b)
    assert not metric.better(math.nan, 0.0)
    assert not metric.better(0.0, math.nan)


@pytest.mark.parametrize("task", TASK_TYPES)
def test_each_task_has_a_default_objective_and_a_loss_of_its_own(task: TaskType) -> None:
    assert DEFAULT_OBJECTIVE[task] in [metric.name for metric in metrics_of(task)]
    assert LOSSES[task]


def test_the_metrics_of_a_task_are_those_that_name_it_in_the_order_shown() -> None:
    assert [metric.name for metric in metrics_of("regression")] == ["rmse", "mae", "r2"]
    assert metrics_of("binary") == metrics_of("multiclass")


@pytest.mark.parametrize("loss", [loss for names in LOSSES.values() for loss in names])
def test_every_loss_is_one_that_keras_knows(loss: str) -> None:
    from hpsearch.training.quiet import import_keras

    import_keras()
    import keras

    assert keras.losses.get(loss) is not None
