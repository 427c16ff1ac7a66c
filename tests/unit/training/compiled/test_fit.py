from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hpsearch.data.dataset import Arrays, Signature
from hpsearch.model import build_model, initial_weights
from hpsearch.training.compiled.activations import BLEND
from hpsearch.training.compiled.fit import Fit
from hpsearch.training.compiled.program import Program, build_program
from hpsearch.training.compiled.rows import load_rows
from hpsearch.training.compiled.shape import Shape, exact_shape
from hpsearch.training.quiet import import_keras
from hpsearch.training.trainer import Job, Weights

import_keras()

SIGNATURE = Signature("regression", 4, tuple("wxyz"), tuple("wxyz"), "y")
ROWS = 70


def _configuration(**changes: Any) -> dict[str, Any]:
    net = {"hidden_layers": 2, "neurons_1": 9, "neurons_2": 5, "activation": "sigmoid", "dropout": 0.0}
    return {**net, "optimizer": "adam", "learning_rate": 0.01, "batch_size": 16, "epochs": 5, **changes}


def _arrays() -> Arrays:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(ROWS, 4)).astype(np.float32)
    return Arrays(x, np.tanh(x[:, 0] - x[:, 1]).astype(np.float32))


def _job(configuration: dict[str, Any], seed: int = 5) -> Job:
    return Job(0, 1, 0, seed, configuration)


def _exact(configuration: dict[str, Any]) -> Shape:
    return exact_shape(configuration, SIGNATURE, ROWS, "mse")


def _epochs(job: Job, program: Program, epochs: int = 5) -> list[Weights]:
    rows = load_rows(_arrays(), SIGNATURE, balanced=False)
    fit = Fit(job, program, rows, ROWS, initial_weights(job.configuration, SIGNATURE, job.seed))
    after = []
    for number in range(1, epochs + 1):
        fit.epoch(number)
        after.append(fit.weights())
    return after


def _assert_equal(ours: Weights, theirs: Weights, rtol: float) -> None:
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6)


@pytest.fixture(scope="module")
def roomy() -> Program:
    """A program for wider layers and larger batches than any job here."""
    return build_program(replace(_exact(_configuration()), widths=(16, 16), batch=32, activation=BLEND, penalized=True))


PADDED: dict[str, dict[str, Any]] = {
    "plain": {},
    "dropout": {"dropout": 0.4},
    "l2": {"l2": 0.1, "optimizer": "sgd"},
    "decay": {"weight_decay": 0.5, "optimizer": "rmsprop"},
    "adagrad": {"optimizer": "adagrad", "activation": "elu"},
    "one row at a time": {"batch_size": 1, "optimizer": "nadam"},
    "narrow": {"neurons_1": 1, "neurons_2": 2, "optimizer": "adamax"},
}


@pytest.mark.parametrize("case", list(PADDED))
def test_a_padded_program_trains_as_an_exact_one_does(roomy: Program, case: str) -> None:
    job = _job(_configuration(**PADDED[case]))
    exact = _epochs(job, build_program(_exact(dict(job.configuration))))
    for ours, theirs in zip(_epochs(job, roomy), exact, strict=True):
        _assert_equal(ours, theirs, rtol=1e-4)


def test_the_loss_counts_each_row_once_however_ragged_the_last_batch(roomy: Program) -> None:
    job = _job(_configuration(learning_rate=1e-12))
    weights = initial_weights(job.configuration, SIGNATURE, job.seed)
    train = _arrays()
    fit = Fit(job, roomy, load_rows(train, SIGNATURE, balanced=False), ROWS, weights)
    model = build_model(job.configuration, SIGNATURE, job.seed, "mse")
    loss, mse, mae = model.evaluate(train.x, train.y, verbose=0)
    assert fit.epoch(1) == pytest.approx((loss, *sorted((mse, mae))), rel=1e-5)
