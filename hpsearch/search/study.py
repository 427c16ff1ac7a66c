"""The driver's loop: ask, train, report, tell. It knows neither Optuna nor MLflow nor processes, only their ports.

What is true is written in this order: the trial's line in the history (synced), then Optuna's `tell`, then whoever
listens. A crash between any two is put right by `recovery.py` at the next launch.
"""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from statistics import fmean
from typing import Literal

from hpsearch.errors import StudyAborted
from hpsearch.fault_injection import crash_point
from hpsearch.metrics import Metric
from hpsearch.records import EpochRecord, TrialRecord, TrialState
from hpsearch.search.book import Book
from hpsearch.search.ports import Asked, Asker, Listener
from hpsearch.search.stop_rule import StopRule
from hpsearch.space.space import configuration_key
from hpsearch.training.seeds import derive_seed
from hpsearch.training.trainer import Epoch, Job, Outcome, Weights
from hpsearch.workers.pool import OUT_OF_MEMORY, Event, Lost, Pool, Started, Stopped

Ending = Literal["budget", "exhausted", "good enough", "timeout", "interrupted"]
"""Why a launch ended: all trials done, every configuration tried, `stop_at` reached, time over, Ctrl-C."""

RETRIES = 2
"""How often a trial whose worker died is run again."""
GRACE = 10.0
"""Seconds a job may take to end its epoch before its worker is killed, when the launch ends or its time is over."""


@dataclass(frozen=True)
class Plan:
    """What a launch is to do."""

    seed: int
    objective: Metric
    trials: int
    """in all, over every launch"""
    splits: int = 1
    timeout: float | None = None
    """seconds, this launch"""
    trial_timeout: float | None = None
    stop_at: float | None = None


@dataclass
class _Live:
    """A trial that is being trained."""

    asked: Asked
    started: str
    root: int
    """the trial it runs again, or itself"""
    clock: float | None = None
    """when its first job began; None while its worker is loading"""
    worker: int = 0
    job: Job | None = None
    epochs: list[EpochRecord] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    ending: tuple[TrialState, str] | None = None
    """why it was asked to stop"""
    pressed: bool = False
    """it was given a grace to stop in"""


def _utc_now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


class Search:
    """One launch of a study."""

    def __init__(
        self, asker: Asker, pool: Pool, book: Book, plan: Plan, listeners: Sequence[Listener],
        now: Callable[[], str] = _utc_now, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._asker, self._pool, self._book, self._plan = asker, pool, book, plan
        self._listeners = listeners
        self._now, self._clock = now, clock
        self._live: dict[int, _Live] = {}
        self._parked: dict[str, list[Asked]] = {}
        self._stop_rule = StopRule()
        self._exhausted = False
        self._ending: Ending | None = None

    def interrupt(self) -> None:
        """Start no more trials and stop the running ones. Safe to call from a signal handler."""
        self._ending = self._ending or "interrupted"

    def run(self) -> Ending:
        """Run trials until the budget, the time or the space is used up, and return which.

        Raises StudyAborted where it makes no sense to go on; no trial is left running then.
        """
        try:
            return self._run()
        except StudyAborted:
            for live in list(self._live.values()):
                self._finish(live, *(live.ending or ("interrupted", "the study was stopped")))
            raise

    def _run(self) -> Ending:
        deadline = None if self._plan.timeout is None else self._clock() + self._plan.timeout
        self._end_if_good_enough(self._book.best())
        while True:
            if deadline is not None and self._clock() > deadline:
                self._ending = self._ending or "timeout"
            if self._ending is None:
                self._fill()
            if self._ending is not None:
                self._stop_all(f"the launch ended: {self._ending}")
            if not self._live:
                return self._ending or ("exhausted" if self._exhausted else "budget")
            for event in self._pool.events(timeout=0.2):
                self._handle(event)
            self._check_trial_times()

    def _fill(self) -> None:
        """Give every free place a trial, as far as the budget goes."""
        while self._ending is None and len(self._live) < self._pool.places:
            waiting = sum(len(asked) for asked in self._parked.values())
            if self._book.counted() + len(self._live) + waiting >= self._plan.trials:
                return
            asked = self._asker.ask()
            self._exhausted = asked is None
            if asked is None:
                return
            crash_point("trial-asked")
            self._begin(asked)

    def _begin(self, asked: Asked) -> None:
        """Train a trial, unless its configuration is known, or being trained right now."""
        earlier = self._book.known(asked.configuration)
        key = configuration_key(asked.configuration)
        if earlier is not None:
            self._tell_copy(asked, earlier)
        elif any(configuration_key(live.asked.configuration) == key for live in self._live.values()):
            self._parked.setdefault(key, []).append(asked)
        else:
            live = self._live[asked.number] = _Live(asked, self._now(), _root(asked))
            self._start_split(live)
            crash_point("trial-started")
            for listener in self._listeners:
                listener.trial_started(self._record(live, "running", ""))

    def _start_split(self, live: _Live) -> None:
        split = len(live.outcomes)
        attempt = self._book.attempts(live.root, "")
        seed = derive_seed(self._plan.seed, live.root, split)
        live.job = Job(live.asked.number, attempt, split, seed, live.asked.configuration)
        live.worker = self._pool.start(live.job)

    def _handle(self, event: Event) -> None:
        live = self._live.get(event.token[0])
        if live is None or live.job is None or live.job.token != event.token:
            return
        if isinstance(event, Started):
            if live.clock is None:
                live.clock, live.started = self._clock(), self._now()
        elif isinstance(event, Epoch):
            self._on_epoch(live, event)
        elif isinstance(event, Outcome):
            self._on_outcome(live, event)
        elif isinstance(event, Stopped):
            if live.ending is not None and live.ending[0] == "pruned":
                self._stop_rule.succeeded()
            self._stop_rule.lived()
            self._finish(live, *(live.ending or ("interrupted", "stopped")))
        else:
            self._on_lost(live, event)

    def _on_epoch(self, live: _Live, epoch: Epoch) -> None:
        if live.ending is not None and live.ending[0] == "failed":  # its worker has not heard yet
            return
        record = EpochRecord(epoch.token[2], epoch.step, _finite(epoch.metrics))
        live.epochs.append(record)
        for listener in self._listeners:
            listener.epoch(live.asked.number, record)
        if live.ending is not None:
            return
        value = record.metrics.get(self._value_name)
        if value is None:
            self._stop(live, "failed", f"{self._value_name} is no finite number at epoch {epoch.step}")
        elif self._plan.splits == 1 and self._asker.report(live.asked.number, epoch.step, value):
            self._stop(live, "pruned", f"pruned at epoch {epoch.step}")

    def _on_outcome(self, live: _Live, outcome: Outcome) -> None:
        self._stop_rule.lived()
        if live.ending is not None and live.ending[0] == "failed":  # it comes too late, or of a trial known to be bad
            self._finish(live, *live.ending)
            return
        outcome = replace(outcome, metrics=_finite(outcome.metrics))
        live.outcomes.append(outcome)
        if outcome.state == "failed":
            self._finish(live, "failed", outcome.reason)
            self._consider_memory(outcome.reason)
            return
        if self._value_name not in outcome.metrics:
            self._finish(live, "failed", f"the trainer returned no finite {self._value_name}")
            return
        done = len(live.outcomes)
        if self._plan.splits > 1 and done < self._plan.splits:
            if live.ending is not None:
                self._finish(live, *live.ending)
            elif self._asker.report(live.asked.number, done, self._mean(live, self._value_name)):
                self._finish(live, "pruned", f"pruned after {done} of {self._plan.splits} folds")
            else:
                self._start_split(live)
            return
        self._stop_rule.succeeded()
        self._finish(live, "completed", outcome.reason)

    def _on_lost(self, live: _Live, event: Lost) -> None:
        if live.ending is not None:
            self._finish(live, *live.ending)
            return
        if event.died:
            again = self._book.attempts(live.root, "worker died") < RETRIES
            self._finish(live, "interrupted" if again else "failed", event.reason)
            self._stop_rule.died(live.root, event.reason)
            return
        self._finish(live, "failed", event.reason)
        if event.reason.startswith(OUT_OF_MEMORY):
            self._consider_memory(event.reason)
        else:
            self._stop_rule.erred(event.reason)

    def _consider_memory(self, reason: str) -> None:
        """Take a lack of memory for the study's fault while no trial has had enough; after that it is the net's."""
        if reason.startswith(OUT_OF_MEMORY) and self._book.best() is None:
            self._stop_rule.erred(reason)

    def _finish(self, live: _Live, state: TrialState, reason: str) -> None:
        record = self._record(live, state, reason)
        weights = live.outcomes[0].weights if live.outcomes else None
        del self._live[live.asked.number]
        self._put(record, weights)
        if state == "interrupted":
            self._asker.enqueue(record.configuration, retry_of=live.root)
            crash_point("retry-queued")
        for asked in self._parked.pop(configuration_key(record.configuration), []):
            if state == "interrupted":
                self._announce(
                    TrialRecord(
                        asked.number, asked.configuration, "interrupted", reason, started=self._now(),
                        retry_of=asked.retry_of,
                    )
                )  # fmt: skip
                self._asker.enqueue(asked.configuration, retry_of=_root(asked))
            else:
                self._tell_copy(asked, record)

    def _tell_copy(self, asked: Asked, earlier: TrialRecord) -> None:
        """End a trial whose configuration was trained before with what came out then."""
        self._announce(TrialRecord(
            asked.number, asked.configuration, earlier.state, earlier.reason, earlier.value, earlier.best_epoch,
            earlier.metrics, parameters=earlier.parameters, started=self._now(), trainer=earlier.trainer,
            copy_of=earlier.number, retry_of=asked.retry_of,
        ))  # fmt: skip

    def _announce(self, record: TrialRecord) -> None:
        """Begin and end a trial that was not trained."""
        for listener in self._listeners:
            listener.trial_started(record)
        self._put(record)

    def _put(self, record: TrialRecord, weights: Weights | None = None) -> None:
        self._book.add(record, weights)
        crash_point("history-written")
        self._asker.tell(record.number, record.state, record.value)
        crash_point("optuna-told")
        for listener in self._listeners:
            listener.trial_ended(record)
        self._end_if_good_enough(record)

    def _end_if_good_enough(self, record: TrialRecord | None) -> None:
        good, value = self._plan.stop_at, None if record is None else record.value
        if good is not None and value is not None and not self._plan.objective.better(good, value):
            self._ending = self._ending or "good enough"

    def _record(self, live: _Live, state: TrialState, reason: str) -> TrialRecord:
        completed = state == "completed"
        best = self._best_so_far(live)
        metrics = _mean_metrics([o.metrics for o in live.outcomes]) if completed else best.metrics if best else {}
        return TrialRecord(
            number=live.asked.number, configuration=live.asked.configuration, state=state, reason=reason,
            value=metrics[self._value_name] if completed else None,
            best_epoch=round(fmean(o.best_epoch for o in live.outcomes)) if completed else best.step if best else 0,
            metrics=metrics, epochs=tuple(live.epochs),
            parameters=live.outcomes[0].parameters if live.outcomes else 0,
            started=live.started, seconds=0.0 if live.clock is None else round(self._clock() - live.clock, 3),
            seed=derive_seed(self._plan.seed, live.root, 0), worker=live.worker,
            trainer=live.outcomes[0].trainer if live.outcomes else "", retry_of=live.asked.retry_of,
        )  # fmt: skip

    def _best_so_far(self, live: _Live) -> EpochRecord | None:
        sign = 1 if self._plan.objective.direction == "minimize" else -1
        valued = [epoch for epoch in live.epochs if self._value_name in epoch.metrics]
        return min(valued, key=lambda e: sign * e.metrics[self._value_name], default=None)

    def _mean(self, live: _Live, name: str) -> float:
        return fmean(outcome.metrics[name] for outcome in live.outcomes)

    def _stop(self, live: _Live, state: TrialState, reason: str, grace: float | None = None) -> None:
        """Ask a trial to stop, once without and once with a grace at most; the first reason given stands."""
        first = live.ending is None
        live.ending = live.ending or (state, reason)
        if live.job is not None and (first or (grace is not None and not live.pressed)):
            live.pressed = grace is not None
            self._pool.stop(live.job.token, grace)

    def _stop_all(self, reason: str) -> None:
        for live in self._live.values():
            self._stop(live, "interrupted", reason, GRACE)

    def _check_trial_times(self) -> None:
        limit, now = self._plan.trial_timeout, self._clock()
        for live in self._live.values():
            if limit is not None and live.clock is not None and now - live.clock > limit:
                self._stop(live, "failed", f"timeout after {limit:g} s", GRACE)

    @property
    def _value_name(self) -> str:
        return f"val_{self._plan.objective.name}"


def _root(asked: Asked) -> int:
    return asked.number if asked.retry_of is None else asked.retry_of


def _finite(metrics: Mapping[str, object]) -> dict[str, float]:
    """Return the metrics that are finite numbers, as plain ones: a disk, a sampler and a chart take nothing else."""
    numbers = {n: float(v) for n, v in metrics.items() if isinstance(v, Real) and not isinstance(v, bool)}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _mean_metrics(several: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each metric that all of them have."""
    shared = [name for name in several[0] if all(name in metrics for metrics in several)]
    return {name: fmean(metrics[name] for metrics in several) for name in shared}
