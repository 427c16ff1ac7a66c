"""The compiled trainer's weights against Keras's, after each epoch of whatever the table can ask for.

Both start from the same weights and take the rows in the same order; dropout is left to `test_dropout_on_average.py`.
Each optimizer, activation, loss, task, depth and way of cutting an epoch into batches is asked for at least once, and
each case is trained by two programs: one of its exact shape, and a roomy one, whose layers and batch are larger, whose
activation is data, and which has room for a penalty.

Two sums of the same float32 numbers in another order differ in the last digits. Adam and its kin divide a gradient by
its own size, so where its terms cancel to almost nothing they magnify that: a bias whose gradient has lost two digits
moves by a step that has lost two. So activations, losses and batch sizes are compared under momentum, whose steps are
as exact as its gradients. The worst difference of all cases is a third of what is allowed, that of most a tenth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import cycle
from typing import Any

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from hpsearch.data.dataset import Arrays, Signature
from hpsearch.metrics import LOSSES, TaskType
from hpsearch.model import build_model, initial_weights
from hpsearch.space.table import ACTIVATIONS, OPTIMIZERS
from hpsearch.training.compiled.activations import BLEND, is_blend
from hpsearch.training.compiled.fit import Fit
from hpsearch.training.compiled.program import Program, build_program
from hpsearch.training.compiled.rows import load_rows
from hpsearch.training.compiled.shape import Shape, exact_shape
from hpsearch.training.quiet import import_keras
from hpsearch.training.seeds import row_order
from hpsearch.training.trainer import Job, Weights

import_keras()

ROWS, INPUTS, EPOCHS, SEED = 70, 5, 5, 11
CLASSES: dict[TaskType, tuple[str, ...]] = {
    "regression": (),
    "binary": ("no", "yes"),
    "multiclass": ("a", "b", "c"),
}


@dataclass(frozen=True)
class Case:
    """What is trained, on which loss."""

    loss: str
    configuration: tuple[tuple[str, Any], ...]
    balanced: bool = False

    @property
    def task(self) -> TaskType:
        return next(task for task, losses in LOSSES.items() if self.loss in losses)

    @property
    def signature(self) -> Signature:
        names = tuple(f"x{i}" for i in range(INPUTS))
        return Signature(self.task, INPUTS, names, names, "y", CLASSES[self.task])

    @property
    def job(self) -> Job:
        return Job(0, 1, 0, SEED, dict(self.configuration))

    @property
    def shape(self) -> Shape:
        return exact_shape(self.job.configuration, self.signature, ROWS, self.loss)


def _case(loss: str, *units: int, balanced: bool = False, **changes: Any) -> Case:
    layers = {f"neurons_{i}": n for i, n in enumerate(units, start=1)}
    hidden = {"activation": "tanh", "dropout": 0.0} if units else {}
    training = {"optimizer": "adam", "learning_rate": 0.01, "batch_size": 16, "epochs": EPOCHS}
    configuration = {"hidden_layers": len(units), **layers, **hidden, **training, **changes}
    return Case(loss, tuple(configuration.items()), balanced)


LEARNING_RATE = {
    "sgd": 0.1, "momentum": 0.03, "nesterov": 0.03, "adagrad": 0.05, "rmsprop": 0.005, "adam": 0.01, "adamw": 0.01,
    "adamax": 0.01, "nadam": 0.01,
}  # fmt: skip
MOMENTUM = {"optimizer": "momentum", "learning_rate": LEARNING_RATE["momentum"]}
EVERY_LOSS = [loss for losses in LOSSES.values() for loss in losses]
DEPTHS: list[tuple[int, ...]] = [(), (9,), (4, 11), (10, 3, 7), (8, 3, 9, 5)]


def _cases() -> Iterator[tuple[str, Case]]:
    """Yield cases in groups that share programs; 70 rows in batches of 16 leave 6 for the last."""
    for name in OPTIMIZERS:
        rule = {"optimizer": name, "learning_rate": LEARNING_RATE[name]}
        yield name, _case("mse", 9, 6, **rule)
        yield f"{name}, l2, weight decay", _case("mse", 9, 6, l2=0.02, weight_decay=0.1, **rule)
    for name in ACTIVATIONS:
        yield name, _case("sparse_categorical_crossentropy", 6, 10, activation=name, balanced=True, **MOMENTUM)
    for loss in EVERY_LOSS:
        yield loss, _case(loss, 12, 5, activation="relu", **MOMENTUM)
        if "crossentropy" in loss:
            yield f"{loss}, class weights", _case(loss, 12, 5, activation="relu", balanced=True, **MOMENTUM)
    for units, name in zip(DEPTHS, cycle(("nadam", "momentum"))):
        rule = {"optimizer": name, "learning_rate": LEARNING_RATE[name], "l2": 0.01}
        activation = {"activation": "silu"} if units else {}
        yield f"{len(units)} hidden", _case("binary_crossentropy", *units, balanced=True, **activation, **rule)
    for size in (3, 64, 69, 70, 1000):  # the last batch: 1, 6, 1, all, and all of fewer rows than asked for
        rule = {"optimizer": "momentum", "learning_rate": 0.01 if size == 3 else 0.03}
        yield f"batches of {size}", _case("huber", 7, 3, activation="elu", batch_size=size, **rule)


CASES = dict(_cases())


@pytest.mark.parametrize("name", CASES)
def test_the_weights_are_keras_s_after_each_epoch(name: str) -> None:
    _assert_same(_compiled(CASES[name], CASES[name].shape), _keras(CASES[name]))


@pytest.mark.parametrize("name", CASES)
def test_a_roomy_program_s_weights_are_keras_s_after_each_epoch(name: str) -> None:
    _assert_same(_compiled(CASES[name], _roomy(CASES[name].shape)), _keras(CASES[name]))


def _roomy(shape: Shape) -> Shape:
    return replace(
        shape,
        widths=tuple(units + 3 + layer for layer, units in enumerate(shape.widths)),
        batch=shape.batch + 9,
        activation=BLEND if is_blend(shape.activation) else shape.activation,
        penalized=True,
    )


@dataclass(frozen=True)
class After:
    """An epoch's end: the weights, and the means over its rows of loss and metrics."""

    weights: Weights
    means: tuple[float, ...]


def _assert_same(ours: list[After], theirs: list[After]) -> None:
    assert len(ours) == len(theirs) == EPOCHS
    for a, b in zip(ours, theirs, strict=True):
        for got, wanted in zip(a.weights, b.weights, strict=True):
            # A weight near zero is a difference of larger ones: it carries their rounding.
            np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-6 * float(np.abs(wanted).max()))
        np.testing.assert_allclose(a.means[: len(b.means)], b.means, rtol=1e-5)


@cache
def _rows(task: TaskType) -> Arrays:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(ROWS, INPUTS)).astype(np.float32)
    noisy = np.tanh(x[:, 0]) - x[:, 1] / 2 + rng.normal(0, 0.3, ROWS)
    # Classes of unequal size: class weights must matter. A target on both sides of Huber's bend.
    y = {"regression": 1.5 * noisy, "binary": noisy > 0.5, "multiclass": np.digitize(noisy, [-1, 0.8])}[task]
    return Arrays(x, y.astype(np.float32))


@cache
def _program(shape: Shape) -> Program:
    return build_program(shape)


def _compiled(case: Case, shape: Shape) -> list[After]:
    rows = load_rows(_rows(case.task), case.signature, balanced=case.balanced)
    start = initial_weights(case.job.configuration, case.signature, SEED)
    fit = Fit(case.job, _program(shape), rows, ROWS, start)
    return [After(means=fit.epoch(number), weights=fit.weights()) for number in range(1, EPOCHS + 1)]


@cache
def _keras(case: Case) -> list[After]:
    """Return what `train_on_batch` gives, eagerly: a step of these nets takes less than tracing them."""
    model = build_model(case.job.configuration, case.signature, SEED, case.loss)
    model.run_eagerly = True
    x, y = _rows(case.task).x, _rows(case.task).y
    weight = compute_sample_weight("balanced" if case.balanced else None, y).astype(np.float32)
    size = dict(case.configuration)["batch_size"]
    after = []
    for number in range(1, EPOCHS + 1):
        order, sums = row_order(SEED, number, ROWS), 0.0
        for start in range(0, ROWS, size):
            chosen = order[start : start + size]
            means = model.train_on_batch(x[chosen], y[chosen, None], sample_weight=weight[chosen])
            sums += len(chosen) * np.array(means, np.float64)
        after.append(After(model.get_weights(), tuple(sums / ROWS)))
    return after
