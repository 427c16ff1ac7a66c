from __future__ import annotations

import logging
from collections.abc import Generator
from pathlib import Path

import pytest
from fakes import ScriptedTrainer, job, write_dataset

from hpsearch.data.dataset import Dataset
from hpsearch.training.trainer import Epoch, Job, Outcome
from hpsearch.workers.inline import InlinePool
from hpsearch.workers.pool import Lost, Started, Stopped


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return write_dataset(tmp_path)


def test_each_call_trains_one_epoch(data: Dataset) -> None:
    pool = InlinePool(ScriptedTrainer(), data)
    pool.start(job(0, epochs=2))
    kinds = [[type(event) for event in pool.events(timeout=0)] for _ in range(5)]
    assert kinds == [[Started], [Epoch], [Epoch], [Outcome], []]


def test_stopping_closes_the_trainer_between_two_epochs(data: Dataset) -> None:
    closed = []

    class Closing:
        def train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
            try:
                while True:
                    yield Epoch(job.token, 1, {})
            finally:
                closed.append(job.token)

    pool = InlinePool(Closing(), data)
    pool.start(job(0))
    pool.events(0)
    pool.events(0)
    pool.stop((0, 0, 0))
    assert closed == [(0, 0, 0)]
    assert pool.events(0) == [Stopped((0, 0, 0))]
    pool.start(job(1))
    pool.events(0)
    pool.events(0)
    pool.close()
    assert closed == [(0, 0, 0), (1, 0, 0)]


def test_a_job_that_follows_a_stopped_one_does_not_hide_its_end(data: Dataset) -> None:
    pool = InlinePool(ScriptedTrainer(), data)
    pool.start(job(0))
    pool.stop((0, 0, 0))
    pool.start(job(1))
    assert pool.events(0) == [Started((0, 0, 0)), Stopped((0, 0, 0)), Started((1, 0, 0))]


def test_the_traceback_of_a_lost_job_can_be_logged(data: Dataset, caplog: pytest.LogCaptureFixture) -> None:
    pool = InlinePool(ScriptedTrainer(), data)
    pool.start(job(0, "raise"))
    with caplog.at_level(logging.DEBUG, logger="hpsearch"):
        last = [pool.events(0) for _ in range(3)][-1]
    assert last == [Lost((0, 0, 0), "ValueError: the second epoch")]
    assert "is too much" in caplog.text


def test_a_keyboard_interrupt_is_the_drivers(data: Dataset) -> None:
    class Interrupted:
        def train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
            yield Epoch(job.token, 1, {})
            raise KeyboardInterrupt

    pool = InlinePool(Interrupted(), data)
    pool.start(job(0))
    pool.events(0)
    pool.events(0)
    with pytest.raises(KeyboardInterrupt):
        pool.events(0)
