"""The hyperparameter table: one entry a row, in the groups and the order a person sets them in.

Everything else that knows a hyperparameter's name reads it here: the study file's `space` section, the
printed table, Optuna's distributions, the JSON Schema. What a value does stands in `hpsearch/model.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange, Value

ACTIVATIONS = ("relu", "tanh", "sigmoid", "elu", "selu", "gelu", "silu", "leaky_relu", "softplus", "linear")
OPTIMIZERS = ("adam", "sgd", "rmsprop", "adamw", "nadam", "adagrad", "adamax", "momentum", "nesterov")


@dataclass(frozen=True)
class Row:
    """One hyperparameter: its default range, what is legal, and what a person would try first."""

    name: str
    group: str
    kind: Literal["int", "float", "category"]
    default: Domain
    usual: Value
    meaning: str
    used_by: str
    legal: IntRange | FloatRange | Choices
    optional: bool = False
    needs_hidden: bool = False
    """Only a net with a hidden layer has this parameter."""
    per_layer: bool = False
    """One parameter a hidden layer: `neurons_1`, `neurons_2`, ..."""


_STRUCTURE = "model structure"
_OPTIMIZATION = "optimization, regularization"
_TRAINING = "training"

TABLE: tuple[Row, ...] = (
    Row(
        "hidden_layers", _STRUCTURE, "int", IntRange(1, 4), 2,
        "Dense layers before the output; 0 is a linear model", "Dense", IntRange(0, 16),
    ),
    Row(
        "neurons", _STRUCTURE, "int", IntRange(16, 256, log=True), 64,
        "units of a hidden layer", "Dense(units)", IntRange(1, 16384), needs_hidden=True, per_layer=True,
    ),
    Row(
        "activation", _STRUCTURE, "category", Choices(("relu", "tanh", "sigmoid", "elu")), "relu",
        "non-linearity of the hidden layers", "Dense(activation)", Choices(ACTIVATIONS), needs_hidden=True,
    ),
    Row(
        "optimizer", _OPTIMIZATION, "category", Choices(("adam", "sgd", "rmsprop")), "adam",
        "rule that turns gradients into updates", "compile(optimizer)", Choices(OPTIMIZERS),
    ),
    Row(
        "dropout", _OPTIMIZATION, "float", FloatRange(0.0, 0.5), 0.1,
        "share of hidden units zeroed in each training step", "Dropout(rate)", FloatRange(0.0, 0.99),
        needs_hidden=True,
    ),
    Row(
        "weight_decay", _OPTIMIZATION, "float", FloatRange(1e-6, 1e-2, log=True), 1e-4,
        "decoupled shrinking of the weights at each step", "optimizer(weight_decay)", FloatRange(0.0, 1.0),
        optional=True,
    ),
    Row(
        "l2", _OPTIMIZATION, "float", FloatRange(1e-6, 1e-2, log=True), 1e-4,
        "penalty on the squared weights, added to the loss", "Dense(kernel_regularizer)", FloatRange(0.0, 10.0),
        optional=True,
    ),
    Row(
        "learning_rate", _TRAINING, "float", FloatRange(1e-4, 1e-1, log=True), 1e-3,
        "size of an update", "optimizer(learning_rate)", FloatRange(1e-12, 100.0),
    ),
    Row(
        "batch_size", _TRAINING, "int", Choices((16, 32, 64, 128)), 32,
        "rows in each gradient step", "fit(batch_size)", IntRange(1, 1_048_576),
    ),
    Row(
        "epochs", _TRAINING, "int", IntRange(30, 100), 50,
        "passes over the training rows, at most", "fit(epochs)", IntRange(1, 100_000),
    ),
)  # fmt: skip

ROWS: dict[str, Row] = {row.name: row for row in TABLE}
