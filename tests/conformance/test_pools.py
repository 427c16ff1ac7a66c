"""What every pool does, wherever its jobs run. A new pool is one more line of `POOLS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from fakes import ScriptedTrainer, job, write_dataset
from worker_pools import scripted_pool

from hpsearch.data.dataset import Dataset
from hpsearch.training.trainer import Epoch, Job, Outcome
from hpsearch.workers.inline import InlinePool
from hpsearch.workers.pool import End, Event, Lost, Pool, Started, Stopped

POOLS: dict[str, Callable[[Dataset, Path], Pool]] = {
    "inline": lambda data, logs: InlinePool(ScriptedTrainer(), data),
    "one process": lambda data, logs: scripted_pool(1, data, logs),
    "two processes": lambda data, logs: scripted_pool(2, data, logs),
}


@pytest.fixture(params=list(POOLS))
def pool(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pool]:
    with ExitStack() as stack:
        made = POOLS[request.param](write_dataset(tmp_path / "data"), tmp_path / "logs")
        stack.callback(made.close)
        yield made


def until_end(pool: Pool, *jobs: Job) -> dict[tuple[int, int, int], list[Event]]:
    """Return what came of each job, in order, once all have ended."""
    heard: dict[tuple[int, int, int], list[Event]] = {started.token: [] for started in jobs}
    while not all(events and isinstance(events[-1], End) for events in heard.values()):
        for event in pool.events(timeout=30):
            heard[event.token].append(event)
    return heard


def test_a_job_starts_has_its_epochs_in_order_and_one_outcome(pool: Pool) -> None:
    one = job(4)
    assert pool.start(one) in range(1, pool.places + 1)
    events = until_end(pool, one)[one.token]
    assert events[0] == Started(one.token)
    assert [(e.step, e.metrics["val_rmse"]) for e in events if isinstance(e, Epoch)] == [
        (1, 13.0),
        (2, 12.0),
        (3, 11.0),
    ]
    outcome = events[-1]
    assert isinstance(outcome, Outcome)
    assert (outcome.state, outcome.best_epoch, outcome.parameters) == ("completed", 3, 3)
    assert outcome.weights is not None
    np.testing.assert_array_equal(outcome.weights[0], np.full((2, 1), 4, np.float32))
    assert len(events) == 5


def test_weights_of_megabytes_come_through(pool: Pool) -> None:
    one = job(0, "large", epochs=1)
    pool.start(one)
    outcome = until_end(pool, one)[one.token][-1]
    assert isinstance(outcome, Outcome)
    assert outcome.weights is not None
    assert outcome.weights[2].shape == (1000, 1000)


def test_a_failed_outcome_is_an_outcome(pool: Pool) -> None:
    one = job(0, "diverge")
    pool.start(one)
    outcome = until_end(pool, one)[one.token][-1]
    assert isinstance(outcome, Outcome)
    assert (outcome.state, outcome.reason) == ("failed", "diverged at epoch 3")


def test_a_job_that_is_stopped_ends_after_its_epoch_and_its_place_is_free(pool: Pool) -> None:
    long, short = job(0, epochs=10**9), job(1)
    pool.start(long)
    heard: list[Event] = []
    while not any(isinstance(event, Epoch) for event in heard):
        heard += pool.events(timeout=30)
    pool.stop(long.token)
    events = until_end(pool, long)[long.token]
    assert events[-1] == Stopped(long.token)
    pool.start(short)
    assert isinstance(until_end(pool, short)[short.token][-1], Outcome)


def test_a_job_can_be_stopped_before_its_first_epoch_and_more_than_once(pool: Pool) -> None:
    one = job(0, epochs=10**9)
    pool.start(one)
    pool.stop(one.token)
    pool.stop(one.token, grace=60)
    pool.stop(one.token)
    events = until_end(pool, one)[one.token]
    assert events[-1] == Stopped(one.token)
    assert sum(isinstance(event, End) for event in events) == 1


def test_stopping_a_job_that_does_not_run_changes_nothing(pool: Pool) -> None:
    one = job(1)
    pool.stop((9, 9, 9))
    pool.start(one)
    pool.stop((1, 1, 0))
    assert isinstance(until_end(pool, one)[one.token][-1], Outcome)
    pool.stop(one.token, grace=0)
    assert pool.events(timeout=0) == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("raise", "ValueError: the second epoch"),
        ("exit", "SystemExit: 1"),
        ("pipe", "EOFError: a file of the trainer's own ended"),
        ("memory", "out of memory: 3 weights, batch 16"),
        ("nothing", "the trainer gave 'NoneType', which is neither an Epoch nor an Outcome"),
    ],
)
def test_what_a_trainer_raises_loses_its_job_and_nothing_else(pool: Pool, script: str, reason: str) -> None:
    one, after = job(0, script), job(1)
    pool.start(one)
    events = until_end(pool, one)[one.token]
    assert events[-1] == Lost(one.token, reason, died=False)
    pool.start(after)
    assert isinstance(until_end(pool, after)[after.token][-1], Outcome)


def test_no_more_jobs_run_than_there_are_places(pool: Pool) -> None:
    jobs = [job(number, epochs=10**9) for number in range(pool.places)]
    assert sorted(pool.start(one) for one in jobs) == list(range(1, pool.places + 1))
    with pytest.raises(RuntimeError, match="taken"):
        pool.start(job(99))
    for one in jobs:
        pool.stop(one.token)
    assert all(events[-1] == Stopped(token) for token, events in until_end(pool, *jobs).items())


def test_many_jobs_each_end_once(pool: Pool) -> None:
    waiting = [job(n, ("train", "raise", "diverge")[n % 3]) for n in range(12)]
    running: set[tuple[int, int, int]] = set()
    ended: list[tuple[int, int, int]] = []
    while waiting or running:
        while waiting and len(running) < pool.places:
            running.add(waiting[0].token)
            pool.start(waiting.pop(0))
        for event in pool.events(timeout=30):
            if isinstance(event, End):
                running.remove(event.token)
                ended.append(event.token)
    assert sorted(ended) == [(n, 0, 0) for n in range(12)]


def test_a_pool_that_has_nothing_to_do_says_nothing(pool: Pool) -> None:
    assert pool.events(timeout=0) == []


def test_a_pool_closes_while_a_job_runs(pool: Pool) -> None:
    pool.start(job(0, epochs=10**9))
    pool.events(timeout=30)
    pool.close()
    pool.close()
