"""What surrounds a fit, with a fit that only tells what it is told: no net, no Keras."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpsearch.data.dataset import Arrays, Dataset, Signature, Split
from hpsearch.training.epoch_metrics import EpochMetrics
from hpsearch.training.epochs import train_epochs
from hpsearch.training.trainer import Epoch, Job, Outcome, Settings, Weights

TRUTH = np.array([1.0, 2.0, 3.0], np.float32)
DATA = Dataset(Path("data"), "digest", Signature("regression", 1, ("x",), ("x",), "y"), 1, {})


class _Told:
    """Misses the truth by the given distance in each epoch; inf diverges, an exception is raised."""

    def __init__(self, errors: Sequence[Any]) -> None:
        self._errors = errors
        self._step = 0

    def epoch(self, step: int) -> tuple[dict[str, float], NDArray[np.float32]]:
        self._step = step
        error = self._errors[step - 1]
        if isinstance(error, BaseException):
            raise error
        return {"loss": 1.0, "mse": 1.0, "mae": 1.0}, (TRUTH + np.float32(error)).astype(np.float32)

    def weights(self) -> Weights:
        return [np.full(1, self._step, np.float32)]


def _train(*errors: Any, **settings: Any) -> tuple[list[Epoch], Outcome]:
    told = Settings("rmse", "mse", **settings)
    rows = Arrays(np.zeros((3, 1), np.float32), TRUTH)
    metrics = EpochMetrics("regression", Split(rows, rows), told)
    configuration = {
        "hidden_layers": 0, "optimizer": "sgd", "learning_rate": 0.1, "batch_size": 4, "epochs": len(errors)
    }  # fmt: skip
    job, epochs = Job(3, 1, 0, 5, configuration), []
    running = train_epochs(job, DATA, told, "told", lambda: (_Told(errors), metrics))
    while True:
        try:
            epochs.append(next(running))
        except StopIteration as end:
            return epochs, end.value


def test_the_best_epoch_is_returned_with_its_weights_and_metrics() -> None:
    epochs, outcome = _train(3.0, 1.0, 2.0)
    assert [epoch.metrics["val_rmse"] for epoch in epochs] == pytest.approx([3.0, 1.0, 2.0])
    assert (outcome.state, outcome.best_epoch, outcome.metrics) == ("completed", 2, epochs[1].metrics)
    assert outcome.weights == [np.full(1, 2.0)]
    assert (outcome.token, outcome.trainer, outcome.parameters) == ((3, 1, 0), "told", 2)


def test_it_ends_early_without_hope() -> None:
    epochs, outcome = _train(1.0, 2.0, 2.0, 0.5, patience=2)
    assert ([epoch.step for epoch in epochs], outcome.best_epoch) == ([1, 2, 3], 1)


def test_the_last_epoch_is_returned_where_it_is_to_be_kept_and_patience_ends_nothing() -> None:
    epochs, outcome = _train(1.0, 2.0, 3.0, 2.5, patience=1, keep="last")
    assert [epoch.step for epoch in epochs] == [1, 2, 3, 4]
    assert (outcome.state, outcome.best_epoch, outcome.metrics) == ("completed", 4, epochs[3].metrics)
    assert outcome.weights == [np.full(1, 4.0)]


def test_the_mean_of_the_last_quarter_s_weights_is_returned_where_it_is_to_be_kept() -> None:
    epochs, outcome = _train(*[1.0] * 7, 5.0, patience=1, keep="mean")
    assert (len(epochs), outcome.best_epoch, outcome.metrics) == (8, 8, epochs[7].metrics)
    assert outcome.weights == [np.full(1, 7.5)]


def test_divergence_is_a_failure_with_its_epoch() -> None:
    epochs, outcome = _train(1.0, np.inf)
    assert [epoch.step for epoch in epochs] == [1]
    assert (outcome.state, outcome.reason, outcome.weights) == ("failed", "diverged at epoch 2", None)


def test_a_lack_of_memory_names_the_size_of_the_net() -> None:
    _, outcome = _train(MemoryError())
    assert (outcome.state, outcome.reason) == ("failed", "out of memory: 2 weights, batch 4")


def test_an_error_of_another_kind_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        _train(ZeroDivisionError())
