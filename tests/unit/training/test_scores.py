"""Each metric against scikit-learn's, each loss against Keras's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from hpsearch.metrics import LOSSES, TASK_TYPES, TaskType, metrics_of
from hpsearch.training.quiet import import_keras
from hpsearch.training.scores import score, validation_loss

ROWS = 200


def _rows(task: TaskType, seed: int = 0, rows: int = ROWS) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    if task == "regression":
        y = rng.normal(50, 10, rows)
        return y, y + rng.normal(0, 3, rows)
    if task == "binary":
        # Rounded, so that many rows share a score: ROC areas differ only there.
        return rng.integers(0, 2, rows), np.round(rng.random(rows), 1).astype(np.float32)
    p = rng.dirichlet(np.ones(4), rows).astype(np.float32)
    return rng.integers(0, 4, rows), p / p.sum(axis=1, keepdims=True)


def _sklearn(task: TaskType, y: Any, p: Any, w: Any = None) -> dict[str, float]:
    if task == "regression":
        return {
            "rmse": sk.root_mean_squared_error(y, p, sample_weight=w),
            "mae": sk.mean_absolute_error(y, p, sample_weight=w),
            "r2": sk.r2_score(y, p, sample_weight=w),
        }
    label = p.argmax(axis=1) if task == "multiclass" else p > 0.5
    several = task == "multiclass"
    return {
        "log_loss": sk.log_loss(y, y_proba=p, sample_weight=w, labels=range(4 if several else 2)),
        "accuracy": sk.accuracy_score(y, label, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(y, label, sample_weight=w),
        "f1": sk.f1_score(y, label, average="macro" if several else "binary", sample_weight=w),
        "roc_auc": sk.roc_auc_score(y, p, sample_weight=w, **({"multi_class": "ovr"} if several else {})),
    }


@pytest.mark.parametrize("task", TASK_TYPES)
@pytest.mark.parametrize("seed", range(5))
def test_every_metric_is_scikit_learns(task: TaskType, seed: int) -> None:
    y, p = _rows(task, seed)
    assert score(task, y, p) == pytest.approx(_sklearn(task, y, p), rel=1e-6)


@pytest.mark.parametrize("task", TASK_TYPES)
def test_every_weighted_metric_is_scikit_learns(task: TaskType) -> None:
    (y, p), w = _rows(task), np.random.default_rng(1).random(ROWS)
    assert score(task, y, p, w) == pytest.approx(_sklearn(task, y, p, w), rel=1e-6)


@pytest.mark.parametrize("task", TASK_TYPES)
def test_the_metrics_are_those_of_the_task(task: TaskType) -> None:
    assert set(score(task, *_rows(task))) == {metric.name for metric in metrics_of(task)}


@pytest.mark.parametrize(("truth", "probability"), [([1, 0], [0.0, 1.0]), ([1, 0], [1.0, 0.0])])
def test_certain_predictions_are_clipped_as_scikit_learn_does(truth: list[int], probability: list[float]) -> None:
    p = np.array(probability, np.float32)
    assert score("binary", truth, p)["log_loss"] == pytest.approx(sk.log_loss(truth, y_proba=p), rel=1e-6)


def test_roc_auc_is_absent_where_the_rows_hold_one_class() -> None:
    values = score("binary", np.ones(5), np.linspace(0.1, 0.9, 5))
    assert "roc_auc" not in values
    assert all(np.isfinite(list(values.values())))


def test_roc_auc_is_the_mean_over_the_classes_that_occur() -> None:
    y, p = _rows("multiclass")
    kept = y != 2
    per_class = [sk.roc_auc_score(y[kept] == c, p[kept][:, c]) for c in (0, 1, 3)]
    assert score("multiclass", y[kept], p[kept])["roc_auc"] == pytest.approx(np.mean(per_class))


def test_f1_leaves_out_classes_that_are_neither_true_nor_predicted() -> None:
    y, p = np.array([0, 0, 1]), np.array([[0.8, 0.2, 0.0], [0.4, 0.6, 0.0], [0.1, 0.9, 0.0]])
    assert score("multiclass", y, p)["f1"] == pytest.approx(sk.f1_score(y, p.argmax(1), average="macro"))


@pytest.mark.parametrize("prediction", [[2.0, 2.0], [1.0, 2.0]])
def test_r2_of_a_constant_target_is_scikit_learns(prediction: list[float]) -> None:
    assert score("regression", [2.0, 2.0], prediction)["r2"] == sk.r2_score([2.0, 2.0], prediction)


def test_r2_of_one_row_is_absent() -> None:
    assert set(score("regression", [2.0], [1.0])) == {"rmse", "mae"}


@pytest.mark.parametrize(("task", "loss"), [(task, loss) for task in TASK_TYPES for loss in LOSSES[task]])
def test_the_loss_of_the_validation_rows_is_keras_s(task: TaskType, loss: str) -> None:
    y, p = _rows(task)
    if task == "regression":
        y, p = (y - 50) / 3, (p - 50) / 3
    p = np.clip(p, 0.001, 0.999) if task == "binary" else p  # Keras's float32 rounds 1 - 1e-7
    function = import_keras().losses.get(loss)
    columns = (lambda v: v) if task == "multiclass" else (lambda v: np.asarray(v, np.float32)[:, None])
    theirs = float(np.mean(function(columns(y), columns(p))))
    assert validation_loss(loss, y, p) == pytest.approx(theirs, rel=1e-5)
