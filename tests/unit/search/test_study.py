"""The loop with an asker, a pool and a clock that follow a script: no Optuna, no process, no waiting."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import StudyAborted
from hpsearch.metrics import METRICS
from hpsearch.records import EpochRecord, TrialRecord
from hpsearch.search.book import Book, weights_path
from hpsearch.search.folder import StudyFolder
from hpsearch.search.stop_rule import DEATHS_IN_A_ROW
from hpsearch.search.study import GRACE, RETRIES, Ending, Plan, Search
from hpsearch.space.space import Configuration
from hpsearch.training.seeds import derive_seed
from hpsearch.training.trainer import Epoch, Job, Outcome
from hpsearch.workers.pool import Event, Lost, Started, Stopped, Token

DIED = "worker died: signal 9 (SIGKILL)"


@dataclass(frozen=True)
class Asked:
    number: int
    configuration: Configuration
    retry_of: int | None = None


@dataclass
class ScriptedAsker:
    """Gives out what is queued, then its script, then configurations of its own; prunes where it was told to."""

    script: list[float | None] = field(default_factory=list)
    """learning rates; None: there is nothing left to try"""
    prune: set[tuple[int, int]] = field(default_factory=set)
    """(trial, step)"""
    queue: deque[tuple[Configuration, int | None]] = field(default_factory=deque)
    reports: list[tuple[int, int, float]] = field(default_factory=list)
    told: dict[int, tuple[str, float | None]] = field(default_factory=dict)
    given: int = 0

    def ask(self) -> Asked | None:
        if self.queue:
            configuration, retry_of = self.queue.popleft()
        else:
            rate = self.script.pop(0) if self.script else 1000.0 + self.given
            if rate is None:
                self.script.insert(0, None)
                return None
            configuration, retry_of = {"hidden_layers": 0, "learning_rate": rate}, None
        self.given += 1
        return Asked(self.given - 1, configuration, retry_of)

    def enqueue(self, configuration: Configuration, retry_of: int | None = None) -> None:
        self.queue.append((configuration, retry_of))

    def report(self, number: int, step: int, value: float) -> bool:
        self.reports.append((number, step, value))
        return (number, step) in self.prune

    def tell(self, number: int, state: str, value: float | None) -> None:
        assert number not in self.told
        self.told[number] = state, value


Script = Callable[[Job], Iterator[Event | None]]
"""What becomes of a job: an event a turn; None: nothing happens in this turn."""


def train(job: Job, epochs: int = 2, value: float | None = None) -> Iterator[Event]:
    """Complete after some epochs. The value is the learning rate, plus what epochs are left."""
    base = float(job.configuration["learning_rate"]) if value is None else value
    for step in range(1, epochs + 1):
        yield Epoch(job.token, step, metrics(base + epochs - step))
    weights = [np.full((1, 1), job.trial, np.float32)]
    yield Outcome(
        job.token, "completed", "", epochs, metrics(base), parameters=3, weights=weights, trainer="scripted"
    )  # fmt: skip


def metrics(value: float) -> dict[str, float]:
    return {"val_rmse": value, "train_loss": value / 2}


def die(job: Job) -> Iterator[Event]:
    yield Epoch(job.token, 1, metrics(1.0))
    yield Lost(job.token, DIED, died=True)


def fail(job: Job, reason: str = "diverged at epoch 2") -> Iterator[Event]:
    yield Epoch(job.token, 1, metrics(1.0))
    yield Outcome(job.token, "failed", reason, parameters=3)


def error(job: Job, reason: str = "ValueError: too much") -> Iterator[Event]:
    yield Lost(job.token, reason)


def hang(job: Job) -> Iterator[Event | None]:
    yield Epoch(job.token, 1, metrics(1.0))
    while True:
        yield None


@dataclass
class FakePool:
    """Runs each job's script, an event a turn; a job asked to stop ends in its next turn, unless it hangs."""

    places: int = 1
    scripts: dict[int, Script] = field(default_factory=dict)
    """by the trial's number; others are trained"""
    default: Script = train
    on_turn: Callable[[], None] = lambda: None
    heedless: set[int] = field(default_factory=set)
    """trials that go on whatever is asked of them"""
    deaf: set[int] = field(default_factory=set)
    """trials that do not stop, but are killed past their grace"""
    jobs: list[Job] = field(default_factory=list)
    stops: list[tuple[int, float | None]] = field(default_factory=list)
    running: dict[Token, Iterator[Event | None]] = field(default_factory=dict)
    stopping: set[Token] = field(default_factory=set)
    extra: list[Event] = field(default_factory=list)
    busiest: int = 0

    def start(self, job: Job) -> int:
        assert len(self.running) < self.places
        self.jobs.append(job)
        self.running[job.token] = self.scripts.get(job.trial, self.default)(job)
        self.extra.append(Started(job.token))
        self.busiest = max(self.busiest, len(self.running))
        return len(self.running)

    def stop(self, token: Token, grace: float | None = None) -> None:
        self.stops.append((token[0], grace))
        if token[0] not in self.heedless and (token[0] not in self.deaf or grace is not None):
            self.stopping.add(token)

    def events(self, timeout: float) -> list[Event]:
        self.on_turn()
        events, self.extra = self.extra, []
        for token, script in list(self.running.items()):
            if token in self.stopping:
                end = Lost(token, "timeout: killed") if token[0] in self.deaf else Stopped(token)
                event: Event | None = end
            else:
                event = next(script)
            if event is not None:
                events.append(event)
            if isinstance(event, Outcome | Stopped | Lost):
                del self.running[token]
        return events

    def close(self) -> None:
        self.running.clear()


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.started: list[TrialRecord] = []
        self.epochs: list[tuple[int, EpochRecord]] = []
        self.ended: list[TrialRecord] = []

    def trial_started(self, record: TrialRecord) -> None:
        self.started.append(record)

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        self.epochs.append((number, epoch))

    def trial_ended(self, record: TrialRecord) -> None:
        self.ended.append(record)


@pytest.fixture
def clock() -> list[float]:
    """A clock that stands still until it is moved."""
    return [0.0]


@dataclass
class Launch:
    """One launch of a study in a folder."""

    folder: Path
    asker: ScriptedAsker
    pool: FakePool
    plan: Plan
    heard: Heard
    book: Book
    search: Search

    def run(self) -> Ending:
        return self.search.run()

    def states(self) -> dict[int, str]:
        return {number: record.state for number, record in sorted(self.book.records.items())}


@pytest.fixture
def launch(tmp_path: Path, clock: list[float]) -> Callable[..., Launch]:
    def make(asker: ScriptedAsker | None = None, pool: FakePool | None = None, **plan: Any) -> Launch:
        asker, pool, heard = asker or ScriptedAsker(), pool or FakePool(), Heard()
        whole = Plan(**{"seed": 7, "objective": METRICS["rmse"], "trials": 3} | plan)
        book = Book(StudyFolder(tmp_path), whole.objective.direction, 2)
        search = Search(asker, pool, book, whole, [heard], now=lambda: "2026-01-01T00:00:00Z", clock=lambda: clock[0])
        return Launch(tmp_path, asker, pool, whole, heard, book, search)

    return make


# --- the budget


@pytest.mark.parametrize("places", [1, 2, 5])
def test_the_budget_is_kept_exactly_however_many_run_at_once(launch: Callable[..., Launch], places: int) -> None:
    one = launch(pool=FakePool(places), trials=7)
    assert one.run() == "budget"
    assert one.states() == dict.fromkeys(range(7), "completed")
    assert one.pool.busiest == places
    assert one.asker.told == {n: ("completed", 1000.0 + n) for n in range(7)}


def test_a_second_launch_goes_on_to_the_same_total_and_a_third_has_nothing_to_do(
    launch: Callable[..., Launch],
) -> None:
    launch(trials=3).run()
    second = launch(ScriptedAsker(given=3), trials=5)
    assert second.run() == "budget"
    assert [job.trial for job in second.pool.jobs] == [3, 4]
    third = launch(ScriptedAsker(given=5), pool=FakePool(0), trials=5)
    assert third.run() == "budget"
    assert third.pool.jobs == []


def test_failed_and_pruned_trials_are_paid_for(launch: Callable[..., Launch]) -> None:
    one = launch(ScriptedAsker(prune={(1, 1)}), FakePool(scripts={0: fail}), trials=3)
    one.run()
    assert one.states() == {0: "failed", 1: "pruned", 2: "completed"}


def test_a_space_that_is_used_up_ends_the_launch(launch: Callable[..., Launch]) -> None:
    one = launch(ScriptedAsker([0.1, 0.2, None]), FakePool(2), trials=9)
    assert one.run() == "exhausted"
    assert one.states() == {0: "completed", 1: "completed"}


def test_a_trial_to_be_run_again_is_run_though_the_space_is_used_up(launch: Callable[..., Launch]) -> None:
    one = launch(ScriptedAsker([0.1, None]), FakePool(2, {0: die}), trials=9)
    assert one.run() == "exhausted"
    assert one.states() == {0: "interrupted", 1: "completed"}


# --- what a trial leaves behind


def test_a_completed_trial_has_its_record_its_weights_and_its_listeners(launch: Callable[..., Launch]) -> None:
    one = launch(trials=1)
    one.run()
    record = one.book.records[0]
    assert (record.state, record.value, record.best_epoch, record.parameters) == ("completed", 1000.0, 2, 3)
    assert record.epochs == (EpochRecord(0, 1, metrics(1001.0)), EpochRecord(0, 2, metrics(1000.0)))
    assert record.metrics == metrics(1000.0)
    assert (record.seed, record.trainer, record.worker) == (derive_seed(7, 0, 0), "scripted", 1)
    assert weights_path(StudyFolder(one.folder), 0).exists()
    assert [r.state for r in one.heard.started] == ["running"]
    assert [(n, e.step) for n, e in one.heard.epochs] == [(0, 1), (0, 2)]
    assert one.heard.ended == [record]


def test_time_counts_from_when_the_worker_began(launch: Callable[..., Launch], clock: list[float]) -> None:
    def turn() -> None:
        clock[0] += 10

    one = launch(pool=FakePool(on_turn=turn), trials=1, trial_timeout=25)
    one.run()
    assert one.book.records[0].seconds == 20.0  # two turns after the one that said it began
    assert one.states() == {0: "completed"}


def test_a_pruned_trial_stops_at_once_and_has_its_best_epoch_but_no_value(launch: Callable[..., Launch]) -> None:
    one = launch(
        ScriptedAsker(prune={(0, 3)}), FakePool(scripts={0: lambda job: train(job, epochs=9)}), trials=1
    )  # fmt: skip
    one.run()
    record = one.book.records[0]
    assert (record.state, record.reason, record.value, record.best_epoch) == ("pruned", "pruned at epoch 3", None, 3)
    assert len(record.epochs) == 3
    assert one.asker.told == {0: ("pruned", None)}
    assert one.pool.stops == [(0, None)]


def test_a_failed_trial_says_why_and_is_not_run_again(launch: Callable[..., Launch]) -> None:
    one = launch(pool=FakePool(scripts={0: fail}), trials=2)
    one.run()
    assert (one.book.records[0].state, one.book.records[0].reason) == ("failed", "diverged at epoch 2")
    assert one.asker.told[0] == ("failed", None)
    assert one.book.records[1].retry_of is None


def test_a_job_that_ends_before_it_hears_that_it_is_pruned_is_completed(launch: Callable[..., Launch]) -> None:
    pool = FakePool(deaf={0})
    one = launch(ScriptedAsker(prune={(0, 2)}), pool, trials=1)
    one.run()
    assert one.states() == {0: "completed"}


@pytest.mark.parametrize("value", [math.nan, math.inf, "0.5", None, True, np.array([1.0, 2.0])])
def test_an_objective_that_is_no_finite_number_fails_the_trial(launch: Callable[..., Launch], value: Any) -> None:
    def script(job: Job) -> Iterator[Event]:
        yield Outcome(job.token, "completed", "", 1, {"val_rmse": value, "train_loss": math.inf})

    one = launch(pool=FakePool(scripts={0: script}), trials=1)
    one.run()
    record = one.book.records[0]
    assert (record.state, record.reason) == ("failed", "the trainer returned no finite val_rmse")
    assert one.asker.told == {0: ("failed", None)}
    assert Book(StudyFolder(one.folder), "minimize", 1).records == one.book.records


def test_an_epoch_without_a_finite_objective_stops_the_trial(launch: Callable[..., Launch]) -> None:
    def script(job: Job) -> Iterator[Event]:
        yield Epoch(job.token, 1, metrics(4.0) | {"val_r2": math.nan})
        yield Epoch(job.token, 2, metrics(math.nan))
        yield Epoch(job.token, 3, metrics(3.0))

    one = launch(pool=FakePool(scripts={0: script}), trials=1)
    one.run()
    record = one.book.records[0]
    assert (record.state, record.reason) == ("failed", "val_rmse is no finite number at epoch 2")
    assert record.metrics == metrics(4.0)
    assert [epoch.metrics for epoch in record.epochs] == [metrics(4.0), {}]
    assert one.asker.reports == [(0, 1, 4.0)]


def test_numbers_of_numpy_become_plain_ones(launch: Callable[..., Launch]) -> None:
    one = launch(pool=FakePool(default=lambda job: train(job, value=np.float32(0.5))), trials=1)  # type: ignore[arg-type]
    one.run()
    assert type(one.book.records[0].value) is float


# --- configurations that were seen before


def test_a_configuration_seen_before_is_told_its_value_and_not_trained(launch: Callable[..., Launch]) -> None:
    one = launch(ScriptedAsker([0.1, 0.2, 0.1]), trials=3)
    one.run()
    assert [job.trial for job in one.pool.jobs] == [0, 1]
    copy = one.book.records[2]
    assert (copy.state, copy.value, copy.copy_of, copy.best_epoch) == ("completed", 0.1, 0, 2)
    assert copy.metrics == one.book.records[0].metrics
    assert copy.epochs == ()
    assert one.asker.told[2] == ("completed", 0.1)
    assert [r.number for r in one.heard.started] == [0, 1, 2]
    assert [r.number for r in one.heard.ended] == [0, 1, 2]


def test_a_configuration_of_an_earlier_launch_is_known_too(launch: Callable[..., Launch]) -> None:
    launch(ScriptedAsker([0.1]), trials=1).run()
    second = launch(ScriptedAsker([0.1], given=1), trials=2)
    second.run()
    assert second.pool.jobs == []
    assert second.book.records[1].copy_of == 0


@pytest.mark.parametrize(("script", "state"), [(fail, "failed"), (train, "completed")])
def test_a_twin_of_a_running_trial_waits_for_its_outcome(
    launch: Callable[..., Launch], script: Script, state: str
) -> None:
    one = launch(ScriptedAsker([0.1, 0.1, 0.2, 0.1]), FakePool(2, {0: script}), trials=4)
    one.run()
    assert [job.trial for job in one.pool.jobs] == [0, 2]
    assert one.states() == {0: state, 1: state, 2: "completed", 3: state}
    assert [one.book.records[n].copy_of for n in (1, 3)] == [0, 0]


def test_twins_of_a_pruned_trial_are_pruned(launch: Callable[..., Launch]) -> None:
    one = launch(ScriptedAsker([0.1, 0.1, 0.2], prune={(0, 1)}), FakePool(2), trials=3)
    one.run()
    assert one.states() == {0: "pruned", 1: "pruned", 2: "completed"}
    assert one.book.records[1].reason == "pruned at epoch 1"


def test_twins_that_wait_count_towards_the_budget(launch: Callable[..., Launch]) -> None:
    one = launch(ScriptedAsker([0.1, 0.1, 0.1, 0.2]), FakePool(3), trials=3)
    one.run()
    assert one.asker.given == 3
    assert len(one.book.records) == 3


def test_twins_of_an_interrupted_trial_are_queued_again_under_their_own_numbers(
    launch: Callable[..., Launch],
) -> None:
    one = launch(ScriptedAsker([0.1, 0.1, 0.2]), FakePool(2, {0: die}), trials=3)
    one.run()
    assert one.states() == {
        0: "interrupted", 1: "interrupted", 2: "completed", 3: "completed", 4: "completed",
    }  # fmt: skip
    assert [one.book.records[n].retry_of for n in (3, 4)] == [0, 1]
    assert one.book.records[4].copy_of == 3
    assert one.book.counted() == 3


def test_the_twin_of_a_retry_that_is_interrupted_keeps_its_root(launch: Callable[..., Launch]) -> None:
    asker = ScriptedAsker(given=10)
    asker.enqueue({"hidden_layers": 0, "learning_rate": 0.1}, retry_of=4)
    asker.enqueue({"hidden_layers": 0, "learning_rate": 0.1}, retry_of=5)
    one = launch(asker, FakePool(2, {10: die}), trials=2)
    one.run()
    assert {n: r.retry_of for n, r in one.book.records.items()} == {10: 4, 11: 5, 12: 4, 13: 5}


# --- folds


def test_the_value_of_a_trial_is_the_mean_over_its_folds(launch: Callable[..., Launch]) -> None:
    one = launch(pool=FakePool(default=lambda job: train(job, value=float(job.split + 1))), trials=1, splits=3)
    one.run()
    record = one.book.records[0]
    assert record.value == pytest.approx(2.0)
    assert [job.split for job in one.pool.jobs] == [0, 1, 2]
    assert [job.seed for job in one.pool.jobs] == [derive_seed(7, 0, split) for split in range(3)]
    assert [(e.split, e.step) for e in record.epochs] == [(s, e) for s in range(3) for e in (1, 2)]


def test_pruning_sees_the_running_mean_of_the_folds(launch: Callable[..., Launch]) -> None:
    asker = ScriptedAsker(prune={(0, 2)})
    values = {0: 4.0, 1: 8.0, 2: 0.0}
    one = launch(
        asker, FakePool(default=lambda job: train(job, value=values[job.split])), trials=1, splits=3
    )  # fmt: skip
    one.run()
    assert asker.reports == [(0, 1, 4.0), (0, 2, 6.0)]
    record = one.book.records[0]
    assert (record.state, record.reason) == ("pruned", "pruned after 2 of 3 folds")
    assert [job.split for job in one.pool.jobs] == [0, 1]


def test_a_fold_that_fails_fails_the_trial(launch: Callable[..., Launch]) -> None:
    one = launch(pool=FakePool(default=lambda job: fail(job) if job.split == 1 else train(job)), trials=1, splits=3)
    one.run()
    assert one.states() == {0: "failed"}
    assert [job.split for job in one.pool.jobs] == [0, 1]


def test_a_metric_that_a_fold_leaves_undefined_has_no_mean(launch: Callable[..., Launch]) -> None:
    def script(job: Job) -> Iterator[Event]:
        extra = {"val_r2": 0.5} if job.split else {}
        yield Outcome(job.token, "completed", "", 3 + job.split * 2, metrics(1.0) | extra)

    one = launch(pool=FakePool(default=script), trials=1, splits=2)
    one.run()
    assert one.book.records[0].metrics == metrics(1.0)
    assert one.book.records[0].best_epoch == 4


# --- the ends of a launch


def test_a_value_good_enough_ends_the_launch(launch: Callable[..., Launch]) -> None:
    one = launch(ScriptedAsker([5.0, 0.5, 3.0]), trials=9, stop_at=0.5)
    assert one.run() == "good enough"
    assert one.states() == {0: "completed", 1: "completed"}
    again = launch(ScriptedAsker(given=2), trials=9, stop_at=0.5)
    assert again.run() == "good enough"
    assert again.pool.jobs == []


def test_a_value_good_enough_follows_the_direction(launch: Callable[..., Launch]) -> None:
    def script(job: Job) -> Iterator[Event]:
        yield Outcome(job.token, "completed", "", 1, {"val_r2": float(job.configuration["learning_rate"])})

    one = launch(
        ScriptedAsker([0.5, 0.95, 0.2]), FakePool(default=script), trials=9, stop_at=0.9, objective=METRICS["r2"]
    )  # fmt: skip
    assert one.run() == "good enough"
    assert one.states() == {0: "completed", 1: "completed"}


def test_trials_that_still_run_when_the_launch_ends_are_stopped_and_queued(launch: Callable[..., Launch]) -> None:
    one = launch(ScriptedAsker([0.5, 7.0]), FakePool(2, {1: hang}), trials=9, stop_at=1.0)
    assert one.run() == "good enough"
    assert one.states() == {0: "completed", 1: "interrupted"}
    assert one.book.records[1].reason == "the launch ended: good enough"
    assert list(one.asker.queue) == [({"hidden_layers": 0, "learning_rate": 7.0}, 1)]
    assert one.pool.stops == [(1, GRACE)]


def test_the_launch_ends_when_its_time_is_over(launch: Callable[..., Launch], clock: list[float]) -> None:
    def turn() -> None:
        clock[0] += 1

    one = launch(pool=FakePool(default=hang, on_turn=turn), trials=9, timeout=5.0)
    assert one.run() == "timeout"
    assert one.states() == {0: "interrupted"}
    assert one.book.counted() == 0


def test_an_interrupt_starts_nothing_more_and_leaves_a_state_that_goes_on(launch: Callable[..., Launch]) -> None:
    pool = FakePool(2, default=hang)
    one = launch(pool=pool, trials=9)
    pool.on_turn = one.search.interrupt
    assert one.run() == "interrupted"
    assert one.states() == {0: "interrupted", 1: "interrupted"}
    assert [retry for _, retry in one.asker.queue] == [0, 1]

    second = launch(ScriptedAsker(given=2, queue=one.asker.queue), trials=2)
    assert second.run() == "budget"
    assert second.states() == {0: "interrupted", 1: "interrupted", 2: "completed", 3: "completed"}
    assert [job.seed for job in second.pool.jobs] == [job.seed for job in pool.jobs]
    assert [job.attempt for job in second.pool.jobs] == [1, 1]


def test_an_interrupt_before_the_first_trial_ends_the_launch_at_once(launch: Callable[..., Launch]) -> None:
    one = launch()
    one.search.interrupt()
    assert one.run() == "interrupted"
    assert one.states() == {}


def test_an_outcome_that_comes_in_while_the_launch_ends_counts(launch: Callable[..., Launch]) -> None:
    pool = FakePool(deaf={0})
    one = launch(pool=pool, trials=9)
    pool.on_turn = one.search.interrupt
    pool.scripts = {0: lambda job: iter([Outcome(job.token, "completed", "", 1, metrics(1.0))])}
    assert one.run() == "interrupted"
    assert one.states() == {0: "completed"}


def test_a_trial_that_takes_too_long_fails_and_its_place_is_filled(
    launch: Callable[..., Launch], clock: list[float]
) -> None:
    def turn() -> None:
        clock[0] += 1

    one = launch(pool=FakePool(scripts={0: hang}, on_turn=turn), trials=2, trial_timeout=4.0)
    assert one.run() == "budget"
    assert one.states() == {0: "failed", 1: "completed"}
    assert one.book.records[0].reason == "timeout after 4 s"
    assert one.pool.stops == [(0, GRACE)]


def test_a_trial_that_does_not_hear_is_killed_and_keeps_its_reason(
    launch: Callable[..., Launch], clock: list[float]
) -> None:
    def turn() -> None:
        clock[0] += 1

    one = launch(pool=FakePool(scripts={0: hang}, on_turn=turn, deaf={0}), trials=2, trial_timeout=4.0)
    one.run()
    assert (one.book.records[0].state, one.book.records[0].reason) == ("failed", "timeout after 4 s")


def test_a_pruned_trial_that_hangs_is_killed_when_the_launch_ends(
    launch: Callable[..., Launch], clock: list[float]
) -> None:
    def turn() -> None:
        clock[0] += 1

    asker, pool = ScriptedAsker(prune={(0, 1)}), FakePool(scripts={0: hang}, on_turn=turn, deaf={0})
    one = launch(asker, pool, trials=2, timeout=6.0)
    assert one.run() == "timeout"
    assert pool.stops == [(0, None), (0, GRACE)]
    assert (one.book.records[0].state, one.book.records[0].reason) == ("pruned", "pruned at epoch 1")


def test_a_worker_that_is_still_loading_costs_the_trial_no_time(
    launch: Callable[..., Launch], clock: list[float]
) -> None:
    pool = FakePool()

    def turn() -> None:
        clock[0] += 100
        pool.extra.clear()  # the worker has not begun

    pool.on_turn = turn
    one = launch(pool=pool, trials=1, trial_timeout=5.0)
    one.run()
    assert one.states() == {0: "completed"}
    assert one.book.records[0].seconds == 0.0


# --- workers that die


def test_a_trial_whose_worker_died_is_run_again_as_a_new_trial_with_its_seed(launch: Callable[..., Launch]) -> None:
    one = launch(pool=FakePool(scripts={0: die}), trials=2)
    one.run()
    assert one.states() == {0: "interrupted", 1: "completed", 2: "completed"}
    assert one.book.records[0].reason == DIED
    assert one.book.records[1].retry_of == 0
    assert one.book.records[1].configuration == one.book.records[0].configuration
    assert one.book.records[1].seed == one.book.records[0].seed
    assert [job.attempt for job in one.pool.jobs] == [0, 1, 0]
    assert one.asker.told[0] == ("interrupted", None)


def test_a_configuration_that_kills_every_worker_fails_and_the_study_goes_on(launch: Callable[..., Launch]) -> None:
    scripts = dict.fromkeys(range(RETRIES + 1), die)
    one = launch(pool=FakePool(scripts=scripts), trials=3)
    assert one.run() == "budget"
    assert list(one.states().values()) == ["interrupted"] * RETRIES + ["failed", "completed", "completed"]
    assert one.book.records[RETRIES].reason == DIED


def test_workers_that_die_whatever_they_train_end_the_study(launch: Callable[..., Launch]) -> None:
    one = launch(pool=FakePool(2, default=die), trials=9)
    with pytest.raises(StudyAborted, match=r"3 workers in a row died .*; what was found is kept, put the cause right"):
        one.run()
    reasons = [record.reason for record in one.book.records.values()]
    assert reasons == [DIED] * DEATHS_IN_A_ROW + ["the study was stopped"]
    assert set(one.asker.told) == set(one.book.records)


def test_one_worker_that_dies_whatever_it_trains_ends_the_study_with_its_second_trial(
    launch: Callable[..., Launch],
) -> None:
    one = launch(pool=FakePool(1, default=die), trials=9)
    with pytest.raises(StudyAborted, match="4 workers in a row died"):
        one.run()
    assert list(one.states().values()) == ["interrupted", "interrupted", "failed", "interrupted"]


def test_deaths_that_are_not_in_a_row_do_not_end_the_study(launch: Callable[..., Launch]) -> None:
    one = launch(pool=FakePool(default=lambda job: die(job) if job.attempt == 0 else train(job)), trials=6)
    assert one.run() == "budget"
    assert one.book.counted() == 6


def test_the_same_error_again_and_again_ends_the_study(launch: Callable[..., Launch]) -> None:
    one = launch(pool=FakePool(scripts={1: error, 2: error, 3: error}), trials=9)
    with pytest.raises(StudyAborted, match=r"3 trainings failed with the same error .* \(ValueError: too much\)"):
        one.run()
    assert one.states() == {0: "completed", 1: "failed", 2: "failed", 3: "failed"}
    assert one.book.records[1].reason == "ValueError: too much"


def test_errors_that_differ_in_numbers_are_the_same_whatever_fails_between(launch: Callable[..., Launch]) -> None:
    scripts: dict[int, Script] = {
        0: lambda job: error(job, "ValueError: shapes (3,) and (4, 7) at 0x7f1a do not fit in trial 0"),
        1: fail,
        2: lambda job: error(job, "ValueError: shapes (8, 16, 2) and (4,) at 0x7fff do not fit in trial 2"),
        3: lambda job: error(job, "KeyError: 3"),
        4: lambda job: error(job, "ValueError: shapes (1,) and (2,) at 0x7abc do not fit in trial 4"),
    }
    one = launch(pool=FakePool(scripts=scripts), trials=9)
    with pytest.raises(StudyAborted, match="3 trainings failed with the same error and none went well between"):
        one.run()
    assert set(one.states().values()) == {"failed"}


def test_a_study_that_is_stopped_leaves_no_trial_running(launch: Callable[..., Launch]) -> None:
    asker = ScriptedAsker([1.0, 2.0, 2.0, 3.0, 4.0, 5.0])
    one = launch(asker, FakePool(2, {0: error, 1: hang, 3: error, 4: error}), trials=9)
    with pytest.raises(StudyAborted):
        one.run()
    assert one.states() == {0: "failed", 1: "interrupted", 2: "interrupted", 3: "failed", 4: "failed"}
    assert one.book.records[1].reason == "the study was stopped"
    assert set(asker.told) == set(range(asker.given))
    assert [retry for _, retry in asker.queue] == [1, 2]


def test_a_lack_of_memory_from_the_start_ends_the_study_and_says_what_to_raise(
    launch: Callable[..., Launch],
) -> None:
    def lack(job: Job) -> Iterator[Event]:
        yield Lost(job.token, f"out of memory: the worker held 2.1 GB of 2 GB allowed; the net has {job.trial} weights")

    one = launch(pool=FakePool(default=lack), trials=9)
    with pytest.raises(
        StudyAborted, match=r"put the cause right \(raise search.worker_memory, or allow smaller nets\)"
    ):
        one.run()
    assert list(one.states().values()) == ["failed"] * 3


def test_a_lack_of_memory_after_a_success_is_the_configurations_fault(launch: Callable[..., Launch]) -> None:
    def lack(job: Job) -> Iterator[Event]:
        yield Outcome(job.token, "failed", "out of memory: 7 weights, batch 8")

    one = launch(pool=FakePool(scripts=dict.fromkeys(range(1, 9), lack)), trials=9)
    assert one.run() == "budget"
    assert list(one.states().values()) == ["completed", *["failed"] * 8]
    assert all(record.retry_of is None for record in one.book.records.values())


def test_a_result_that_comes_after_the_time_was_over_is_dropped(
    launch: Callable[..., Launch], clock: list[float]
) -> None:
    def late(job: Job) -> Iterator[Event | None]:
        yield None
        yield None
        yield Outcome(job.token, "completed", "", 1, metrics(0.1))

    def turn() -> None:
        clock[0] += 3

    pool = FakePool(scripts={0: late}, on_turn=turn, heedless={0})
    one = launch(pool=pool, trials=2, trial_timeout=2.0)
    assert one.run() == "budget"
    assert (one.book.records[0].state, one.book.records[0].reason) == ("failed", "timeout after 2 s")
    assert one.book.records[0].value is None


def test_different_errors_and_errors_apart_do_not_end_the_study(launch: Callable[..., Launch]) -> None:
    different = {n: (lambda job, n=n: error(job, f"ValueError: {'abc'[n]}")) for n in range(3)}
    apart: dict[int, Script] = {4: error, 5: error, 7: error, 8: error}
    one = launch(pool=FakePool(scripts=different | apart), trials=9)
    assert one.run() == "budget"


def test_configurations_that_diverge_never_end_the_study(launch: Callable[..., Launch]) -> None:
    one = launch(pool=FakePool(default=fail), trials=9)
    assert one.run() == "budget"
    assert set(one.states().values()) == {"failed"}


# --- messages that come late


def test_messages_of_an_earlier_attempt_a_finished_trial_or_another_fold_are_passed_over(
    launch: Callable[..., Launch],
) -> None:
    pool = FakePool(scripts={0: die})
    one = launch(pool=pool, trials=2, splits=2)
    stale: list[Event] = []
    for trial, attempt, split in ((0, 0, 0), (1, 0, 0), (1, 1, 1), (99, 0, 0)):
        token = (trial, attempt, split)
        stale += [Started(token), Epoch(token, 1, metrics(-1.0)), Outcome(token, "completed", "", 1, metrics(-1.0))]
        stale += [Stopped(token), Lost(token, DIED, died=True)]

    def turn() -> None:
        if len(one.book.records) == 1:  # trial 0 is over, trial 1 runs its second attempt, first fold
            job = pool.jobs[-1]
            pool.extra += [e for e in stale if e.token != job.token]

    pool.on_turn = turn
    assert one.run() == "budget"
    assert one.states() == {0: "interrupted", 1: "completed", 2: "completed"}
    assert all((record.value or 0) > 0 for record in one.book.records.values() if record.state == "completed")
    assert len(one.asker.told) == 3


def test_the_history_is_written_before_anybody_hears_of_the_end(launch: Callable[..., Launch]) -> None:
    one = launch(trials=1)
    order: list[str] = []

    class Order(Heard):
        def trial_ended(self, record: TrialRecord) -> None:
            lines = (one.folder / "history.jsonl").read_bytes().count(b"\n")
            order.append(f"heard with {lines} lines, told {record.number in one.asker.told}")

    one.search = Search(one.asker, one.pool, one.book, replace(one.plan, trials=1), [Order()])
    one.run()
    assert order == ["heard with 1 lines, told True"]
