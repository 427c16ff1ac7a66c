"""A configuration and a signature -> a compiled Keras net; nets -> their average. The only place that builds one.

Every row of the table but `batch_size` and `epochs` is spent here; those two are the trainer's.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.data.dataset import Signature
from hpsearch.metrics import TaskType
from hpsearch.space.space import Configuration, widths

if TYPE_CHECKING:
    import keras


def build_model(configuration: Configuration, signature: Signature, seed: int, loss: str) -> keras.Sequential:
    """Return a compiled Sequential: Input, a Dense (and Dropout) a hidden layer, and the task's output layer.

    The output is one linear unit (regression), one sigmoid unit (binary) or a softmax over the classes (multiclass).
    Weights start as Keras starts them (Glorot uniform kernels, zero biases); equal seeds give equal weights and
    equal dropout masks. `loss` is one of `metrics.LOSSES`. Raises TensorFlow's ResourceExhaustedError where the weights
    do not fit in memory. Keras is imported as it is: `training/quiet.py` imports it without its start-up lines, first.
    """
    import keras

    rate = float(configuration.get("dropout", 0.0))
    kernel_seeds, dropout_seeds = _layer_seeds(seed, len(widths(configuration)) + 1)

    def dense(layer: int, units: int, activation: str, name: str) -> Any:
        return keras.layers.Dense(
            units,
            activation=activation,
            kernel_initializer=keras.initializers.GlorotUniform(seed=kernel_seeds[layer]),
            kernel_regularizer=_penalty(configuration),
            name=name,
        )

    layers = [keras.layers.Input((signature.inputs,), name="inputs")]
    for layer, units in enumerate(widths(configuration)):
        layers.append(dense(layer, units, str(configuration["activation"]), f"hidden_{layer + 1}"))
        if rate > 0:
            layers.append(keras.layers.Dropout(rate, seed=dropout_seeds[layer], name=f"dropout_{layer + 1}"))
    layers.append(dense(-1, signature.outputs, OUTPUT_ACTIVATION[signature.task], "output"))
    model = keras.Sequential(layers, name="net")
    model.compile(optimizer=make_optimizer(configuration), loss=loss, metrics=_training_metrics(signature.task))
    return model


def average_models(models: Sequence[keras.Model]) -> keras.Model:
    """Return one net that gives the mean of what several nets of the same inputs and outputs give.

    For classes that is the mean of their probabilities. It holds copies of the nets, and is for inference: it has no
    optimizer and no loss. A single net is returned as it is. Raises ValueError where their inputs or outputs differ.
    """
    import keras

    if len(models) == 1:
        return models[0]
    shapes = sorted({(model.input_shape, model.output_shape) for model in models})
    if len(shapes) != 1:
        raise ValueError(f"nets of the same inputs and outputs can be averaged, one at least; given: {shapes}")
    inputs = keras.layers.Input(shapes[0][0][1:], name="inputs")
    members = [_copy(model, f"net_{number}") for number, model in enumerate(models, start=1)]
    mean = keras.layers.Average(name="mean")([member(inputs) for member in members])
    return keras.Model(inputs, mean, name="ensemble")


def _copy(model: keras.Model, name: str) -> keras.Model:
    # Layers of one model need names of their own, and all our nets are called the same.
    copy = model.__class__.from_config(model.get_config() | {"name": name})
    copy.set_weights(model.get_weights())
    return copy


OUTPUT_ACTIVATION: dict[TaskType, str] = {"regression": "linear", "binary": "sigmoid", "multiclass": "softmax"}


def make_optimizer(configuration: Configuration) -> keras.optimizers.Optimizer:
    """Return the configuration's optimizer, with its learning rate and its weight decay (none unless it names one).

    `momentum` and `nesterov` are SGD with momentum 0.9 (Sutskever et al. 2013); all else is as Keras has it.
    """
    import keras

    name = str(configuration["optimizer"])
    kinds = {
        "adam": keras.optimizers.Adam,
        "sgd": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
        "adamw": keras.optimizers.AdamW,
        "nadam": keras.optimizers.Nadam,
        "adagrad": keras.optimizers.Adagrad,
        "adamax": keras.optimizers.Adamax,
        "momentum": keras.optimizers.SGD,
        "nesterov": keras.optimizers.SGD,
    }
    options: dict[str, Any] = {"learning_rate": float(configuration["learning_rate"])}
    if name in ("momentum", "nesterov"):
        options |= {"momentum": 0.9, "nesterov": name == "nesterov"}
    decay = float(configuration.get("weight_decay", 0.0))
    # Keras's AdamW decays by 0.004 unless told otherwise and refuses None; for the others None spares the update.
    if decay > 0 or name == "adamw":
        options["weight_decay"] = decay
    return kinds[name](**options)


def initial_weights(configuration: Configuration, signature: Signature, seed: int) -> list[NDArray[np.float32]]:
    """Return the weights that `build_model` starts from, as `Model.get_weights()` lists them, without building it.

    Raises TensorFlow's ResourceExhaustedError where they do not fit in memory.
    """
    import keras

    sizes = (signature.inputs, *widths(configuration), signature.outputs)
    kernel_seeds, _ = _layer_seeds(seed, len(sizes) - 1)
    weights: list[NDArray[np.float32]] = []
    for kernel_seed, (fan_in, units) in zip(kernel_seeds, pairwise(sizes), strict=True):
        kernel = keras.initializers.GlorotUniform(seed=kernel_seed)((fan_in, units), dtype="float32")
        weights += [np.asarray(keras.ops.convert_to_numpy(kernel)), np.zeros(units, np.float32)]
    return weights


def count_parameters(configuration: Configuration, signature: Signature) -> int:
    """Return the number of weights of the net, without building it; 0 of a hypermodel's net."""
    if "hidden_layers" not in configuration:
        return 0
    sizes = (signature.inputs, *widths(configuration), signature.outputs)
    return sum((fan_in + 1) * units for fan_in, units in pairwise(sizes))


def _layer_seeds(seed: int, layers: int) -> tuple[list[int], list[int]]:
    # 31 bits: TensorFlow's stateless random operations take a signed seed.
    words = np.random.SeedSequence(seed).generate_state(2 * layers) >> 1
    return [int(word) for word in words[::2]], [int(word) for word in words[1::2]]


def _penalty(configuration: Configuration) -> Any:
    import keras

    factor = float(configuration.get("l2", 0.0))
    return keras.regularizers.L2(factor) if factor > 0 else None


def _training_metrics(task: TaskType) -> list[Any]:
    import keras

    if task == "regression":
        return [keras.metrics.MeanSquaredError(name="mse"), keras.metrics.MeanAbsoluteError(name="mae")]
    kind = keras.metrics.BinaryAccuracy if task == "binary" else keras.metrics.SparseCategoricalAccuracy
    return [kind(name="accuracy")]
