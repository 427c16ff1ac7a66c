"""What the conformance suite does not ask of every trainer: refusals, the fallback, programs shared by jobs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hpsearch.data.dataset import Dataset, Signature
from hpsearch.model import build_model
from hpsearch.training.compiled.trainer import CompiledTrainer
from hpsearch.training.keras_fit import KerasTrainer
from hpsearch.training.quiet import import_keras
from hpsearch.training.trainer import Job, Outcome, Settings

import_keras()

SETTINGS = Settings("rmse", "mse")
ROWS = 300


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("cache") / "digest"
    (folder / "split-0").mkdir(parents=True)
    rng = np.random.default_rng(7)
    for part in ("train", "validation"):
        x = rng.normal(size=(ROWS, 3)).astype(np.float32)
        np.save(folder / "split-0" / f"x_{part}.npy", x)
        np.save(folder / "split-0" / f"y_{part}.npy", np.tanh(x[:, 0] * x[:, 1]))
    (folder / "split-0" / "target.json").write_text(json.dumps({"center": 0.0, "scale": 1.0}))
    return Dataset(folder, "digest", Signature("regression", 3, tuple("abc"), tuple("abc"), "y"), 1, {})


def _configuration(**changes: Any) -> dict[str, Any]:
    net = {"hidden_layers": 1, "neurons_1": 6, "activation": "tanh", "dropout": 0.0}
    return {**net, "optimizer": "adam", "learning_rate": 0.01, "batch_size": 32, "epochs": 2, **changes}


def _train(trainer: CompiledTrainer, data: Dataset, **changes: Any) -> Outcome:
    running = trainer.train(Job(0, 1, 0, 5, _configuration(**changes)), data)
    while True:
        try:
            next(running)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome


def test_a_refused_job_fails_and_says_what_is_missing(data: Dataset) -> None:
    outcome = _train(CompiledTrainer(SETTINGS), data, optimizer="lion")
    assert outcome.state == "failed"
    assert outcome.reason.startswith("the compiled trainer cannot train it: it has no optimizer 'lion'")


def test_a_refused_job_goes_to_the_fallback_and_the_outcome_says_why(data: Dataset) -> None:
    outcome = _train(CompiledTrainer(SETTINGS, fallback=KerasTrainer(SETTINGS)), data, activation="hard_tanh")
    assert (outcome.state, outcome.trainer) == ("completed", "keras")
    assert outcome.reason.startswith(
        "trained by Keras, since the compiled trainer cannot train it: it has no activation"
    )


def test_what_can_be_compiled_does_not_go_to_the_fallback(data: Dataset) -> None:
    assert _train(CompiledTrainer(SETTINGS, fallback=KerasTrainer(SETTINGS)), data).trainer == "compiled"


def test_jobs_share_programs_and_train_as_if_they_had_their_own(data: Dataset) -> None:
    shared = CompiledTrainer(SETTINGS)
    for changes in ({}, {"neurons_1": 11, "activation": "sigmoid"}, {"batch_size": 7, "optimizer": "rmsprop"}):
        alone = _train(CompiledTrainer(SETTINGS), data, **changes)
        together = _train(shared, data, **changes)
        assert together.metrics == pytest.approx(alone.metrics, rel=1e-4)


def test_the_finished_net_s_metrics_are_keras_s(data: Dataset) -> None:
    outcome, rows = _train(CompiledTrainer(SETTINGS), data, dropout=0.2), data.split(0).validation
    model = build_model(_configuration(), data.signature, 0, "mse")
    model.set_weights(outcome.weights)
    assert model.evaluate(rows.x, rows.y, verbose=0)[0] == pytest.approx(outcome.metrics["val_loss"], rel=1e-5)


def test_an_epoch_of_more_steps_than_a_segment_trains_every_row(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("program", "programs", "fit"):
        monkeypatch.setattr(f"hpsearch.training.compiled.{module}.SEGMENT", 4)
    pieces = _train(CompiledTrainer(SETTINGS), data, optimizer="nadam", dropout=0.3)
    monkeypatch.undo()
    whole = _train(CompiledTrainer(SETTINGS), data, optimizer="nadam", dropout=0.3)
    assert pieces.metrics == pytest.approx(whole.metrics, rel=1e-4)


def test_what_is_compiled_is_known_to_the_next_trainer(data: Dataset) -> None:
    _train(CompiledTrainer(SETTINGS), data)
    assert list((data.folder.parent / "programs").glob("*/*.program"))
