"""What every trainer does, whatever trains behind it. A new trainer is one more line of `TRAINERS`."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from sklearn import metrics as sk
from sklearn.utils.class_weight import compute_sample_weight

from hpsearch.data.dataset import Dataset, Signature
from hpsearch.metrics import LOSSES, TASK_TYPES, TaskType, metrics_of
from hpsearch.model import build_model, count_parameters
from hpsearch.training.compiled.trainer import CompiledTrainer
from hpsearch.training.keras_fit import KerasTrainer
from hpsearch.training.quiet import import_keras
from hpsearch.training.seeds import row_order
from hpsearch.training.trainer import Epoch, Job, Outcome, Settings, Trainer, Weights

keras = import_keras()

TRAINERS: dict[str, Callable[[Settings], Trainer]] = {"keras": KerasTrainer, "compiled": CompiledTrainer}
OBJECTIVE = {"regression": "rmse", "binary": "log_loss", "multiclass": "log_loss"}
CENTER, SCALE = 40.0, 5.0
"""of the regression target"""
TRAIN, VALIDATION, INPUTS = 70, 30, 4


@pytest.fixture(params=list(TRAINERS))
def make(request: pytest.FixtureRequest) -> Callable[[Settings], Trainer]:
    return TRAINERS[request.param]


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[TaskType, Dataset]:
    return {task: _dataset(tmp_path_factory.mktemp(task), task) for task in TASK_TYPES}


def _dataset(folder: Path, task: TaskType) -> Dataset:
    classes = {"regression": (), "binary": ("no", "yes"), "multiclass": ("a", "b", "c")}[task]
    rng = np.random.default_rng(7)
    for split in range(2):
        at = folder / f"split-{split}"
        at.mkdir()
        for part, rows in (("train", TRAIN), ("validation", VALIDATION), ("test", 10)):
            x = rng.normal(size=(rows, INPUTS)).astype(np.float32)
            noisy = np.tanh(x[:, 0]) - x[:, 1] / 2 + rng.normal(0, 0.2, rows)
            # Classes of unequal size: 'balanced' must matter.
            y = {"regression": noisy, "binary": noisy > 0.5, "multiclass": np.digitize(noisy, [-1, 0.8])}[task]
            np.save(at / f"x_{part}.npy", x)
            np.save(at / f"y_{part}.npy", y.astype(np.float32))
        scaled = {"center": CENTER, "scale": SCALE} if task == "regression" else {"center": 0.0, "scale": 1.0}
        (at / "target.json").write_text(json.dumps(scaled))
    names = tuple(f"x{i}" for i in range(INPUTS))
    rows = {"train": TRAIN, "validation": VALIDATION, "test": 10, "total": TRAIN + VALIDATION + 10}
    dataset = Dataset(folder, f"{task}-digest", Signature(task, INPUTS, names, names, "y", classes), 2, rows)
    dataset.save_description()
    return dataset


def _configuration(*units: int, **changes: Any) -> dict[str, Any]:
    layers = {f"neurons_{i}": n for i, n in enumerate(units, start=1)}
    usual = {"activation": "relu", "dropout": 0.0} if units else {}
    training = {"optimizer": "adam", "learning_rate": 0.01, "batch_size": 16, "epochs": 3}
    return {"hidden_layers": len(units), **layers, **usual, **training, **changes}


def _settings(task: TaskType = "regression", **changes: Any) -> Settings:
    return Settings(**{"objective": OBJECTIVE[task], "loss": LOSSES[task][0]} | changes)


def _job(configuration: dict[str, Any], split: int = 0, seed: int = 5) -> Job:
    return Job(3, 1, split, seed, configuration)


def _train(trainer: Trainer, job: Job, data: Dataset) -> tuple[list[Epoch], Outcome]:
    running, epochs = trainer.train(job, data), []
    while True:
        try:
            epochs.append(next(running))
        except StopIteration as end:
            return epochs, end.value


def _net(outcome: Outcome, job: Job, data: Dataset) -> Any:
    model = build_model(job.configuration, data.signature, 0, LOSSES[data.signature.task][0])
    model.set_weights(outcome.weights)
    return model


def _trained_by_hand(job: Job, data: Dataset, settings: Settings) -> list[Weights]:
    """Return the weights after each epoch of Keras's `train_on_batch`, row order and initial weights shared."""
    model = build_model(job.configuration, data.signature, job.seed, settings.loss)
    model.run_eagerly = True
    train = data.split(job.split).train
    y = train.y if data.signature.task == "multiclass" else train.y[:, None]
    w = compute_sample_weight(None if settings.class_weight == "none" else "balanced", train.y).astype(np.float32)
    size, after = int(job.configuration["batch_size"]), []
    for epoch in range(1, int(job.configuration["epochs"]) + 1):
        order = row_order(job.seed, epoch, train.rows)
        for start in range(0, train.rows, size):
            chosen = order[start : start + size]
            model.train_on_batch(train.x[chosen], y[chosen], sample_weight=w[chosen])
        after.append(model.get_weights())
    return after


# Each optimizer, activation, loss, task and depth at least once; 70 rows leave a ragged last batch of 6 (or 20).
CASES: dict[str, tuple[TaskType, dict[str, Any], dict[str, Any]]] = {
    "linear model": ("regression", _configuration(optimizer="sgd"), {}),
    "linear model with l2": ("binary", _configuration(optimizer="adam", l2=0.05), {}),
    "adam, mae": ("regression", _configuration(9, activation="tanh"), {"loss": "mae"}),
    "rmsprop, huber": ("regression", _configuration(9, 5, activation="elu", optimizer="rmsprop"), {"loss": "huber"}),
    "adamw": ("multiclass", _configuration(5, 9, 4, activation="selu", optimizer="adamw", weight_decay=0.1), {}),
    "nadam": ("binary", _configuration(9, activation="gelu", optimizer="nadam", batch_size=50), {}),
    "adagrad": ("multiclass", _configuration(9, activation="silu", optimizer="adagrad"), {"class_weight": "balanced"}),
    "adamax": ("binary", _configuration(9, activation="softplus", optimizer="adamax"), {"class_weight": "balanced"}),
    "momentum": ("regression", _configuration(9, activation="leaky_relu", optimizer="momentum", weight_decay=0.1), {}),
    "nesterov": ("regression", _configuration(9, 3, 7, 4, activation="sigmoid", optimizer="nesterov", l2=0.01), {}),
    "one batch": ("regression", _configuration(9, activation="linear", batch_size=1000), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", list(CASES))
def test_the_weights_are_those_of_plain_keras(make: Any, data: dict[TaskType, Dataset], case: str) -> None:
    task, configuration, changes = CASES[case]
    settings, job = _settings(task, **changes), _job(configuration)
    _, outcome = _train(make(settings), job, data[task])
    assert outcome.weights is not None
    expected = _trained_by_hand(job, data[task], settings)[outcome.best_epoch - 1]
    for ours, theirs in zip(outcome.weights, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("task", TASK_TYPES)
def test_each_epoch_brings_every_metric_of_the_task(make: Any, data: dict[TaskType, Dataset], task: TaskType) -> None:
    epochs, outcome = _train(make(_settings(task)), _job(_configuration(6)), data[task])
    fitted = {"train_rmse", "train_mae"} if task == "regression" else {"train_accuracy"}
    names = {"train_loss", "val_loss", *fitted, *(f"val_{metric.name}" for metric in metrics_of(task))}
    assert [epoch.step for epoch in epochs] == [1, 2, 3]
    assert all(set(epoch.metrics) == names and np.isfinite(list(epoch.metrics.values())).all() for epoch in epochs)
    assert outcome.metrics == epochs[outcome.best_epoch - 1].metrics


@pytest.mark.parametrize("loss", [loss for losses in LOSSES.values() for loss in losses])
def test_the_finished_net_s_metrics_are_those_of_keras(make: Any, data: dict[TaskType, Dataset], loss: str) -> None:
    task = next(task for task, losses in LOSSES.items() if loss in losses)
    settings = _settings(task, loss=loss, class_weight="none" if task == "regression" else "balanced")
    job, validation = _job(_configuration(6, 9, l2=0.01, dropout=0.1)), data[task].split(0).validation
    _, outcome = _train(make(settings), job, data[task])
    predicted = _net(outcome, job, data[task]).predict(validation.x, verbose=0)
    truth = validation.y[:, None]
    mean_loss = float(np.mean(keras.losses.get(loss)(truth, predicted)))
    assert outcome.metrics["val_loss"] == pytest.approx(mean_loss, rel=1e-5)
    if task == "regression":
        truth, predicted = truth * SCALE, predicted * SCALE  # around 40 Keras's float32 loses digits of R2
    for name, metric in _keras_metrics(task).items():
        y = keras.ops.one_hot(truth[:, 0].astype(int), 3) if name == "f1" and task == "multiclass" else truth
        assert outcome.metrics[f"val_{name}"] == pytest.approx(float(np.mean(metric(y, predicted))), rel=1e-5)


def _keras_metrics(task: TaskType) -> dict[str, Any]:
    """Return those that Keras has; its area under the curve is taken from 200 points of it."""
    if task == "regression":
        of_its_own = {"rmse": keras.metrics.RootMeanSquaredError(), "mae": keras.metrics.MeanAbsoluteError()}
        return {**of_its_own, "r2": keras.metrics.R2Score()}
    if task == "binary":
        return {
            "log_loss": keras.metrics.BinaryCrossentropy(),
            "accuracy": keras.metrics.BinaryAccuracy(),
            "f1": keras.metrics.F1Score(threshold=0.5),
        }
    return {
        "log_loss": keras.metrics.SparseCategoricalCrossentropy(),
        "accuracy": keras.metrics.SparseCategoricalAccuracy(),
        "f1": keras.metrics.F1Score(average="macro"),
    }


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_the_other_metrics_of_classes_are_scikit_learns(
    make: Any, data: dict[TaskType, Dataset], task: TaskType
) -> None:
    rows, job = data[task].split(0), _job(_configuration(6))
    _, outcome = _train(make(_settings(task)), job, data[task])
    p = _net(outcome, job, data[task]).predict(rows.validation.x, verbose=0)
    area = sk.roc_auc_score(rows.validation.y, p[:, 0] if task == "binary" else p, multi_class="ovr")
    assert outcome.metrics["val_roc_auc"] == pytest.approx(area, rel=1e-5)
    classes = p[:, 0] > 0.5 if task == "binary" else p.argmax(axis=1)
    recall = sk.balanced_accuracy_score(rows.validation.y, classes)
    assert outcome.metrics["val_balanced_accuracy"] == pytest.approx(recall, rel=1e-5)


STILL = 1e-12
"""a learning rate that leaves the weights as they are"""


def test_train_metrics_are_means_over_the_training_rows_in_the_target_s_own_units(
    make: Any, data: dict[TaskType, Dataset]
) -> None:
    train, job = data["regression"].split(0).train, _job(_configuration(6, learning_rate=STILL, epochs=1))
    (epoch,), outcome = _train(make(_settings()), job, data["regression"])
    scaled = _net(outcome, job, data["regression"]).predict(train.x, verbose=0)[:, 0]
    assert epoch.metrics["train_loss"] == pytest.approx(sk.mean_squared_error(train.y, scaled), rel=1e-4)
    assert epoch.metrics["train_rmse"] == pytest.approx(SCALE * sk.root_mean_squared_error(train.y, scaled), rel=1e-4)
    assert epoch.metrics["train_mae"] == pytest.approx(SCALE * sk.mean_absolute_error(train.y, scaled), rel=1e-4)


def test_penalties_are_in_the_train_loss_and_not_in_the_validation_loss(
    make: Any, data: dict[TaskType, Dataset]
) -> None:
    plain, penalized = (
        _train(make(_settings()), _job(_configuration(6, learning_rate=STILL, epochs=1, **more)), data["regression"])
        for more in ({}, {"l2": 0.5})
    )
    weights = plain[1].weights or []
    penalty = 0.5 * sum(float((w**2).sum()) for w in weights if w.ndim == 2)
    before, after = plain[0][0].metrics, penalized[0][0].metrics
    assert after["train_loss"] - before["train_loss"] == pytest.approx(penalty, rel=1e-4)
    assert after["val_loss"] == before["val_loss"]


def test_dropout_acts_in_training_alone(make: Any, data: dict[TaskType, Dataset]) -> None:
    without, dropped = (
        _train(
            make(_settings()), _job(_configuration(30, learning_rate=STILL, epochs=1, dropout=p)), data["regression"]
        )
        for p in (0.0, 0.5)
    )
    before, after = without[0][0].metrics, dropped[0][0].metrics
    assert after["train_loss"] != pytest.approx(before["train_loss"], rel=1e-3)
    assert after["val_loss"] == pytest.approx(before["val_loss"], rel=1e-5)


def test_the_weights_are_those_of_the_best_epoch_and_not_the_last(make: Any, data: dict[TaskType, Dataset]) -> None:
    # Steps beyond 2 / curvature (about 1 here) make a linear model worse with each epoch.
    job = _job(_configuration(optimizer="sgd", learning_rate=1.2))
    epochs, outcome = _train(make(_settings()), job, data["regression"])
    objective = [epoch.metrics["val_rmse"] for epoch in epochs]
    assert outcome.best_epoch == int(np.argmin(objective)) + 1 < len(epochs)
    rows = data["regression"].split(0).validation
    scaled = _net(outcome, job, data["regression"]).predict(rows.x, verbose=0)[:, 0]
    assert SCALE * sk.root_mean_squared_error(rows.y, scaled) == pytest.approx(min(objective), rel=1e-5)


def test_a_job_that_keeps_the_last_epoch_trains_to_its_end(make: Any, data: dict[TaskType, Dataset]) -> None:
    job = _job(_configuration(optimizer="sgd", learning_rate=1.2))  # worse with each epoch, as above
    settings = _settings(keep="last", patience=1)
    epochs, outcome = _train(make(settings), job, data["regression"])
    assert outcome.best_epoch == len(epochs) == 3
    assert outcome.metrics == epochs[-1].metrics
    for ours, theirs in zip(outcome.weights, _trained_by_hand(job, data["regression"], settings)[-1], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_job_that_keeps_the_mean_averages_its_last_quarter(make: Any, data: dict[TaskType, Dataset]) -> None:
    job, settings = _job(_configuration(9, epochs=8)), _settings(keep="mean", patience=1)
    _, outcome = _train(make(settings), job, data["regression"])
    last_two = zip(*_trained_by_hand(job, data["regression"], settings)[-2:], strict=True)
    for ours, theirs in zip(outcome.weights, last_two, strict=True):
        np.testing.assert_allclose(ours, np.mean(theirs, axis=0), rtol=1e-4, atol=1e-5)


def test_a_score_that_grows_is_better(make: Any, data: dict[TaskType, Dataset]) -> None:
    epochs, outcome = _train(make(_settings(objective="r2")), _job(_configuration(6)), data["regression"])
    assert outcome.metrics["val_r2"] == max(epoch.metrics["val_r2"] for epoch in epochs)


def test_a_job_stops_early_without_improvement(make: Any, data: dict[TaskType, Dataset]) -> None:
    job = _job(_configuration(6, learning_rate=STILL, epochs=50))
    epochs, outcome = _train(make(_settings(patience=3, min_delta=0.001)), job, data["regression"])
    assert (len(epochs), outcome.state) == (4, "completed")


def test_the_same_seed_gives_the_same_weights_bit_for_bit(make: Any, data: dict[TaskType, Dataset]) -> None:
    trainer = make(_settings())
    first, again, other = (
        _train(trainer, _job(_configuration(6, dropout=0.3), seed=seed), data["regression"])[1].weights
        for seed in (5, 5, 6)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_a_closed_job_stops_and_the_next_one_trains(make: Any, data: dict[TaskType, Dataset]) -> None:
    trainer, job = make(_settings()), _job(_configuration(6, epochs=1000))
    running = trainer.train(job, data["regression"])
    assert next(running).step == 1
    running.close()
    assert next(running, None) is None
    assert _train(trainer, _job(_configuration(6)), data["regression"])[1].state == "completed"


def test_each_split_is_trained_on_its_own_rows(make: Any, data: dict[TaskType, Dataset]) -> None:
    trainer = make(_settings())
    for split in (0, 1, 0):
        job = _job(_configuration(6, epochs=1), split)
        _, outcome = _train(trainer, job, data["regression"])
        rows = data["regression"].split(split).validation
        scaled = _net(outcome, job, data["regression"]).predict(rows.x, verbose=0)[:, 0]
        error = SCALE * sk.root_mean_squared_error(rows.y, scaled)
        assert outcome.metrics["val_rmse"] == pytest.approx(error, rel=1e-5)


def test_an_outcome_says_whose_it_is_and_how_large_the_net(make: Any, data: dict[TaskType, Dataset]) -> None:
    job = _job(_configuration(6), split=1)
    epochs, outcome = _train(make(_settings()), job, data["regression"])
    assert {outcome.token, *(epoch.token for epoch in epochs)} == {(3, 1, 1)}
    assert outcome.parameters == count_parameters(job.configuration, data["regression"].signature) == 37
    assert outcome.seconds > 0


def test_a_job_that_diverges_fails_and_names_the_epoch(make: Any, data: dict[TaskType, Dataset]) -> None:
    job = _job(_configuration(6, activation="linear", optimizer="sgd", learning_rate=3.0, epochs=50))
    epochs, outcome = _train(make(_settings()), job, data["regression"])
    assert (outcome.state, outcome.reason) == ("failed", f"diverged at epoch {len(epochs) + 1}")
    assert outcome.weights is None
    assert all(np.isfinite(list(epoch.metrics.values())).all() for epoch in epochs)


def test_a_net_too_large_for_the_memory_fails_and_says_its_size(make: Any, data: dict[TaskType, Dataset]) -> None:
    job, trainer = _job(_configuration(16384, 16384)), make(_settings())
    with _memory_limited_to(more=300 * 2**20):  # the second kernel alone takes 1 GB
        _, outcome = _train(trainer, job, data["regression"])
    assert (outcome.state, outcome.reason) == ("failed", "out of memory: 268,550,145 weights, batch 16")
    assert _train(trainer, _job(_configuration(6)), data["regression"])[1].state == "completed"


@contextmanager
def _memory_limited_to(more: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (psutil.Process().memory_info().data + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def test_an_objective_that_the_rows_do_not_define_fails_the_job(make: Any, tmp_path: Path) -> None:
    one_class = _dataset(tmp_path, "binary")
    np.save(tmp_path / "split-0" / "y_validation.npy", np.ones(VALIDATION, np.float32))
    _, outcome = _train(make(_settings("binary", objective="roc_auc")), _job(_configuration(6)), one_class)
    assert (outcome.state, outcome.reason) == ("failed", "the validation rows do not define roc_auc")
