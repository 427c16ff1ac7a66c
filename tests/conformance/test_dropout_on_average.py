"""The compiled trainer's dropout masks are its own, so it cannot end in Keras's weights; on average it does as well."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from hpsearch.data.dataset import Arrays, Signature
from hpsearch.model import build_model, initial_weights
from hpsearch.training.compiled.fit import Fit
from hpsearch.training.compiled.predict import predict
from hpsearch.training.compiled.program import Program, build_program
from hpsearch.training.compiled.rows import load_rows
from hpsearch.training.compiled.shape import exact_shape
from hpsearch.training.quiet import import_keras
from hpsearch.training.scores import validation_loss
from hpsearch.training.seeds import row_order
from hpsearch.training.trainer import Job, Weights

import_keras()

SIGNATURE = Signature("regression", 4, tuple("wxyz"), tuple("wxyz"), "y")
ROWS, SEEDS, EPOCHS, BATCH = 70, 20, 4, 16


def _configuration(rate: float) -> dict[str, Any]:
    net = {"hidden_layers": 2, "neurons_1": 24, "neurons_2": 12, "activation": "relu", "dropout": rate}
    return {**net, "optimizer": "adam", "learning_rate": 0.02, "batch_size": BATCH, "epochs": EPOCHS}


def _arrays(seed: int) -> Arrays:
    x = np.random.default_rng(seed).normal(size=(ROWS, 4)).astype(np.float32)
    return Arrays(x, np.tanh(x[:, 0] - x[:, 1]).astype(np.float32))


TRAIN, VALIDATION = _arrays(3), _arrays(4)


def _loss(weights: Weights) -> float:
    return validation_loss("mse", VALIDATION.y, predict(weights, "relu", "regression", VALIDATION.x))


@pytest.fixture(scope="module")
def theirs() -> list[float]:
    """Keras's validation loss of each seed, at rate 0.3. One net serves all, set back to its beginning."""
    model = build_model(_configuration(0.3), SIGNATURE, 0, "mse")
    model.optimizer.build(model.trainable_variables)
    fresh = [variable.numpy() for variable in model.optimizer.variables]
    losses = []
    for seed in range(SEEDS):
        model.set_weights(initial_weights(_configuration(0.3), SIGNATURE, seed))
        for variable, value in zip(model.optimizer.variables, fresh, strict=True):
            variable.assign(value)
        for number in range(1, EPOCHS + 1):
            order = row_order(seed, number, ROWS)
            for start in range(0, ROWS, BATCH):
                chosen = order[start : start + BATCH]
                model.train_on_batch(TRAIN.x[chosen], TRAIN.y[chosen, None])
        losses.append(_loss(model.get_weights()))
    return losses


@cache
def _program() -> Program:
    return build_program(exact_shape(_configuration(0.3), SIGNATURE, ROWS, "mse"))


def _ours(rate: float) -> list[float]:
    configuration = _configuration(rate)
    program = _program()
    rows, losses = load_rows(TRAIN, SIGNATURE, balanced=False), []
    for seed in range(SEEDS):
        start = initial_weights(configuration, SIGNATURE, seed)
        fit = Fit(Job(0, 1, 0, seed, configuration), program, rows, ROWS, start)
        for number in range(1, EPOCHS + 1):
            fit.epoch(number)
        losses.append(_loss(fit.weights()))
    return losses


def _standard_errors(ours: list[float], theirs: list[float]) -> float:
    """Return the mean difference in its standard errors. Seed by seed: initial weights and row order are shared."""
    difference = np.subtract(ours, theirs)
    return float(difference.mean() / (difference.std(ddof=1) / np.sqrt(len(difference))))


def test_the_mean_validation_loss_under_dropout_is_keras_s(theirs: list[float]) -> None:
    """Within three standard errors: a false alarm in 0.7 % of choices of seeds (Student's t, 19 degrees of freedom)."""
    assert abs(_standard_errors(_ours(0.3), theirs)) < 3


@pytest.mark.parametrize(("rate", "errors"), [(0.1, -6.0), (0.5, 8.4)])
def test_another_rate_would_be_noticed(theirs: list[float], rate: float, errors: float) -> None:
    assert _standard_errors(_ours(rate), theirs) == pytest.approx(errors, abs=1.0)
