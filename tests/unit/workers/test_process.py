"""Workers as they are, with TensorFlow: one pool for all of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from fakes import write_dataset

from hpsearch.training.trainer import Epoch, Job, Outcome, Settings
from hpsearch.workers.pool import End, Event, Started, Stopped
from hpsearch.workers.processes import ProcessPool
from hpsearch.workers.protocol import Setup

CONFIGURATION = {"hidden_layers": 0, "optimizer": "adam", "learning_rate": 0.1, "batch_size": 2, "epochs": 3}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory, logs: Path) -> Iterator[ProcessPool]:
    data = write_dataset(tmp_path_factory.mktemp("data"))
    made = ProcessPool(1, Setup(data.folder, Settings("rmse", "mse")), logs)
    yield made
    made.close()


def train(pool: ProcessPool, trial: int, seed: int = 7, **changed: int) -> list[Event]:
    one = Job(trial, 0, 0, seed, CONFIGURATION | changed)
    pool.start(one)
    events: list[Event] = []
    while not events or not isinstance(events[-1], End):
        events += pool.events(timeout=60)
    return events


def test_a_worker_trains_a_net(pool: ProcessPool) -> None:
    started, *epochs, outcome = train(pool, 0)
    assert isinstance(started, Started)
    assert [epoch.step for epoch in epochs if isinstance(epoch, Epoch)] == [1, 2, 3]
    assert isinstance(outcome, Outcome)
    assert (outcome.state, outcome.trainer, outcome.parameters) == ("completed", "compiled", 3)
    assert outcome.weights is not None
    assert [weights.shape for weights in outcome.weights] == [(2, 1), (1,)]


def test_a_job_run_again_is_the_same_to_the_last_bit(pool: ProcessPool) -> None:
    first, again = (train(pool, trial)[-1] for trial in (1, 2))
    assert isinstance(first, Outcome)
    assert isinstance(again, Outcome)
    assert first.metrics == again.metrics
    for before, after in zip(first.weights or [], again.weights or [], strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_job_is_stopped_between_two_epochs(pool: ProcessPool) -> None:
    one = Job(3, 0, 0, 7, CONFIGURATION | {"epochs": 100_000})
    pool.start(one)
    events: list[Event] = []
    while not any(isinstance(event, Epoch) for event in events):
        events += pool.events(timeout=60)
    pool.stop(one.token)
    while not isinstance(events[-1], End):
        events += pool.events(timeout=60)
    assert events[-1] == Stopped(one.token)


def test_a_worker_keeps_to_one_core_and_says_nothing(pool: ProcessPool, logs: Path) -> None:
    train(pool, 4)
    process = psutil.Process(pool._workers[0].process.pid)
    assert process.environ()["OMP_NUM_THREADS"] == "1"
    assert (logs / "worker-1.log").read_text() == ""
