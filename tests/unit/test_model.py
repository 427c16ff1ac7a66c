from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from hpsearch.data.dataset import Signature
from hpsearch.metrics import LOSSES, TASK_TYPES, TaskType
from hpsearch.model import average_models, build_model, count_parameters, initial_weights, make_optimizer
from hpsearch.space.table import ACTIVATIONS, OPTIMIZERS
from hpsearch.training.quiet import import_keras

keras = import_keras()

CLASSES: dict[TaskType, tuple[str, ...]] = {"regression": (), "binary": ("no", "yes"), "multiclass": ("a", "b", "c")}


def _signature(task: TaskType = "regression", inputs: int = 4) -> Signature:
    names = tuple(f"x{i}" for i in range(inputs))
    return Signature(task, inputs, names, names, "y", CLASSES[task])


def _configuration(*units: int, **changes: Any) -> dict[str, Any]:
    layers = {f"neurons_{i}": n for i, n in enumerate(units, start=1)}
    usual = {"activation": "relu", "dropout": 0.1} if units else {}
    training = {"optimizer": "adam", "learning_rate": 0.01, "batch_size": 32, "epochs": 3}
    return {"hidden_layers": len(units), **layers, **usual, **training, **changes}


def _build(configuration: dict[str, Any], task: TaskType = "regression", seed: int = 0) -> Any:
    return build_model(configuration, _signature(task), seed, LOSSES[task][0])


def test_a_hidden_layer_is_dense_with_dropout_behind_it() -> None:
    layers = _build(_configuration(8, 5)).layers
    assert [(type(layer).__name__, layer.name) for layer in layers] == [
        ("Dense", "hidden_1"), ("Dropout", "dropout_1"), ("Dense", "hidden_2"), ("Dropout", "dropout_2"),
        ("Dense", "output"),
    ]  # fmt: skip


def test_no_dropout_leaves_no_dropout_layers() -> None:
    layers = _build(_configuration(8, dropout=0.0)).layers
    assert [layer.name for layer in layers] == ["hidden_1", "output"]


def test_a_shared_width_is_every_hidden_layer_s() -> None:
    configuration = {"hidden_layers": 3, "neurons": 7, "activation": "tanh", "optimizer": "sgd", "learning_rate": 0.1}
    assert [layer.units for layer in _build(configuration).layers] == [7, 7, 7, 1]


def test_no_hidden_layer_is_a_linear_model() -> None:
    model = _build(_configuration())
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    kernel, bias = model.get_weights()
    assert model(x).numpy() == pytest.approx(x @ kernel + bias, rel=1e-5)


@pytest.mark.parametrize(("task", "units", "activation"), [
    ("regression", 1, "linear"), ("binary", 1, "sigmoid"), ("multiclass", 3, "softmax"),
])  # fmt: skip
def test_the_output_layer_follows_the_task(task: TaskType, units: int, activation: str) -> None:
    output = _build(_configuration(8), task).layers[-1]
    assert (output.units, output.activation.__name__) == (units, activation)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_of_the_table_is_built(activation: str) -> None:
    layer = _build(_configuration(8, activation=activation)).layers[0]
    assert layer.activation is keras.activations.get(activation)


@pytest.mark.parametrize("task", TASK_TYPES)
@pytest.mark.parametrize("units", [(), (8,), (30, 4, 17)])
def test_the_counted_parameters_are_those_of_the_net(task: TaskType, units: tuple[int, ...]) -> None:
    configuration = _configuration(*units)
    assert count_parameters(configuration, _signature(task)) == _build(configuration, task).count_params()


def test_equal_seeds_build_equal_weights() -> None:
    one, other = (_build(_configuration(8, 5), seed=2**32 - 1).get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_another_seed_builds_other_weights() -> None:
    one, other = (_build(_configuration(8), seed=seed).get_weights()[0] for seed in (1, 2))
    assert not np.array_equal(one, other)


def test_no_two_layers_start_alike() -> None:
    kernels = [w for w in _build(_configuration(4, 4, 4)).get_weights() if w.shape == (4, 4)]
    assert all(not np.array_equal(a, b) for a, b in pairwise(kernels))


def test_kernels_start_as_glorot_uniform_and_biases_at_zero() -> None:
    kernel, bias, *_ = _build(_configuration(2000)).get_weights()
    limit = np.sqrt(6 / (4 + 2000))  # Glorot & Bengio 2010
    assert 0.99 * limit < np.abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)
    assert not bias.any()


def test_equal_seeds_drop_the_same_units_at_every_step() -> None:
    def masks() -> list[Any]:
        dropout = _build(_configuration(8, dropout=0.5), seed=3).layers[1]
        return [dropout(np.ones((4, 8), np.float32), training=True).numpy() for _ in range(3)]

    one, other = masks(), masks()
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert not np.array_equal(one[0], one[1])


def test_l2_is_a_penalty_on_every_kernel_and_no_bias() -> None:
    model = _build(_configuration(8, l2=0.5))
    kernels = [w for w in model.get_weights() if w.ndim == 2]
    assert float(sum(model.losses)) == pytest.approx(0.5 * sum((w**2).sum() for w in kernels), rel=1e-5)


def test_a_net_without_l2_has_no_penalty() -> None:
    assert _build(_configuration(8, l2=0.0)).losses == []


KINDS = {
    "adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop", "adamw": "AdamW", "nadam": "Nadam", "adagrad": "Adagrad",
    "adamax": "Adamax", "momentum": "SGD", "nesterov": "SGD",
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_of_the_table_is_made_with_its_learning_rate(name: str) -> None:
    optimizer = make_optimizer(_configuration(optimizer=name, learning_rate=0.25))
    assert (type(optimizer).__name__, float(optimizer.learning_rate)) == (KINDS[name], 0.25)


@pytest.mark.parametrize(("name", "momentum", "nesterov"), [
    ("sgd", 0.0, False), ("momentum", 0.9, False), ("nesterov", 0.9, True),
])  # fmt: skip
def test_momentum_is_sgd_s(name: str, momentum: float, nesterov: bool) -> None:
    optimizer = make_optimizer(_configuration(optimizer=name))
    assert (optimizer.momentum, optimizer.nesterov) == (momentum, nesterov)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("absent", [{}, {"weight_decay": 0.0}], ids=["absent", "zero"])
def test_weights_without_a_gradient_stay_unless_decay_is_asked_for(name: str, absent: dict[str, float]) -> None:
    assert _after_a_step_without_gradient(_configuration(optimizer=name, **absent)) == 1.0


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_shrinks_by_the_learning_rate_times_the_decay(name: str) -> None:
    configuration = _configuration(optimizer=name, learning_rate=0.5, weight_decay=0.1)
    assert _after_a_step_without_gradient(configuration) == pytest.approx(1 - 0.5 * 0.1)


def _after_a_step_without_gradient(configuration: dict[str, Any]) -> float:
    optimizer, weight = make_optimizer(configuration), keras.Variable(1.0)
    optimizer.apply([keras.ops.zeros(())], [weight])
    return float(weight.numpy())


@pytest.mark.parametrize("units", [(), (8,), (8, 5, 3)])
def test_initial_weights_are_those_of_the_built_net(units: tuple[int, ...]) -> None:
    configuration = _configuration(*units)
    ours = initial_weights(configuration, _signature(), 11)
    for a, b in zip(ours, _build(configuration, seed=11).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("task", TASK_TYPES)
def test_the_average_predicts_the_mean_of_its_nets(task: TaskType) -> None:
    nets = [
        _build(given, task, seed)
        for seed, given in enumerate((_configuration(8, 5), _configuration(8), _configuration()))
    ]
    x = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    expected = np.mean([net.predict(x, verbose=0) for net in nets], axis=0, dtype=np.float64)
    np.testing.assert_allclose(average_models(nets).predict(x, verbose=0), expected, rtol=0, atol=1e-6)


def test_the_average_holds_copies() -> None:
    net, x = _build(_configuration(8)), np.ones((1, 4), np.float32)
    average = average_models([net, net])
    before = np.asarray(average(x))
    net.set_weights([w + 1 for w in net.get_weights()])
    assert np.array_equal(np.asarray(average(x)), before)
    assert net.name == "net"


def test_the_average_of_one_net_is_that_net() -> None:
    net = _build(_configuration(8))
    assert average_models([net]) is net


def test_nets_of_other_shapes_are_not_averaged() -> None:
    with pytest.raises(ValueError, match="same inputs and outputs"):
        average_models([_build(_configuration(8), "binary"), _build(_configuration(8), "multiclass")])
    with pytest.raises(ValueError, match="one at least"):
        average_models([])
