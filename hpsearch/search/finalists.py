"""The best configurations trained again on new seeds: what they are worth once luck is taken out of the search.

`choose` says which, `plan_trainings` how often, `Retraining` has it done in the worker pool. What has been trained is
on disk (`finalists.jsonl`), a line each, so that a launch that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from hpsearch.errors import StoreError
from hpsearch.metrics import Direction
from hpsearch.records import TrialRecord
from hpsearch.search.book import rank
from hpsearch.search.folder import StudyFolder, write_whole
from hpsearch.search.history import append_line, checked, lines_of
from hpsearch.search.stop_rule import StopRule
from hpsearch.search.verdict import Retrained, Verdict, verdict_from_json
from hpsearch.space.space import Configuration
from hpsearch.training.seeds import derive_seed
from hpsearch.training.trainer import Job, Outcome, Weights
from hpsearch.workers.pool import OUT_OF_MEMORY, Event, Lost, Pool, Started, Stopped

RETRIES = 2
"""How often a training whose worker died is run again."""
GRACE = 10.0
"""Seconds a training may take to end its epoch when the launch is interrupted, or its time is over."""

Key = tuple[int, int, int]
"""trial, repeat, split"""


@dataclass(frozen=True)
class Training:
    """One training of a finalist. `repeat` counts seeds from 0."""

    trial: int
    repeat: int
    split: int
    seed: int
    configuration: Configuration

    @property
    def key(self) -> Key:
        """What it is known by."""
        return (self.trial, self.repeat, self.split)


@dataclass(frozen=True)
class TrainingResult:
    """How a training of a finalist ended."""

    trial: int
    repeat: int
    split: int
    state: Literal["completed", "failed"]
    reason: str = ""
    best_epoch: int = 0
    metrics: Mapping[str, float] | None = None
    parameters: int = 0
    seconds: float = 0.0

    @property
    def key(self) -> Key:
        """What it is known by."""
        return (self.trial, self.repeat, self.split)


def choose(records: Sequence[TrialRecord], direction: Direction, count: int) -> list[TrialRecord]:
    """Return the best configurations, each once, best first."""
    return [record for record in rank(records, direction) if record.copy_of is None][:count]


def plan_trainings(finalists: Sequence[TrialRecord], study_seed: int, repeats: int, splits: int) -> list[Training]:
    """Return every training of the finalists; repeat by repeat, so that an interrupted comparison is a smaller one.

    The same repeat of two finalists has the same seeds, whoever they are, and none that the search used.
    """
    return [
        Training(record.number, repeat, split, derive_seed(study_seed, repeat, split, "finalist"), record.configuration)
        for repeat in range(repeats)
        for record in finalists
        for split in range(splits)
    ]


@dataclass
class _Live:
    """A training that is under way."""

    training: Training
    tries: int
    began: float | None = None
    late: bool = False
    """its time is over"""


class Retraining:
    """Trains what is planned and not known yet. saved: hears of each result, with the weights of a completed one."""

    def __init__(
        self, pool: Pool, planned: Sequence[Training], known: Mapping[Key, TrainingResult],
        saved: Callable[[TrainingResult, Weights | None], None],
        timeout: float | None = None, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Take the plan. timeout: seconds that a training may take; past it, it failed."""
        self._pool = pool
        self._saved = saved
        self._timeout, self._clock = timeout, clock
        self._waiting = [(training, 0) for training in planned if training.key not in known]
        self._running: dict[tuple[int, int, int], _Live] = {}
        self._started = 0
        self._interrupted = False
        self._stop_rule = StopRule()
        self._doubtful: list[TrainingResult] = []
        """errors since the last success: if they end the launch, they are not the trainings' fault"""

    def interrupt(self) -> None:
        """Start no more trainings and stop the running ones. Safe to call from a signal handler."""
        self._interrupted = True

    def run(self) -> bool:
        """Train; return whether all is done, False when interrupted. Raises StudyAborted as the search does."""
        stopping = False
        while True:
            if self._interrupted and not stopping:
                stopping = True
                for token in self._running:
                    self._pool.stop(token, GRACE)
            while self._waiting and not self._interrupted and len(self._running) < self._pool.places:
                self._start(*self._waiting.pop(0))
            if not self._running:
                self._save_doubtful()
                return not self._waiting
            for event in self._pool.events(timeout=0.2):
                self._handle(event)
            self._check_times()

    def _start(self, training: Training, tries: int) -> None:
        # A number of its own for each start: a late message of an earlier one names another job.
        job = Job(self._started, tries, training.split, training.seed, training.configuration)
        self._started += 1
        self._running[job.token] = _Live(training, tries)
        self._pool.start(job)

    def _check_times(self) -> None:
        for token, live in self._running.items():
            over = self._timeout is not None and live.began is not None and self._clock() - live.began > self._timeout
            if over and not live.late:
                live.late = True
                self._pool.stop(token, GRACE)

    def _handle(self, event: Event) -> None:
        live = self._running.get(event.token)
        if live is None:
            return
        if isinstance(event, Started):
            live.began = self._clock()
        elif isinstance(event, Outcome | Stopped | Lost):
            del self._running[event.token]
            self._end(live, event)

    def _end(self, live: _Live, end: Outcome | Stopped | Lost) -> None:
        if not isinstance(end, Lost):
            self._stop_rule.lived()
        if live.late:
            self._saved(TrainingResult(*live.training.key, "failed", f"timeout after {self._timeout:g} s"), None)
        elif isinstance(end, Outcome):
            if end.state == "completed":
                self._stop_rule.succeeded()
                self._save_doubtful()
            self._saved(_result(live.training, end), end.weights)
        elif isinstance(end, Stopped) or self._interrupted:
            self._waiting.insert(0, (live.training, live.tries))
        elif end.died and live.tries < RETRIES:
            self._waiting.insert(0, (live.training, live.tries + 1))
            self._stop_rule.died(live.training.trial, end.reason)
        else:
            self._doubtful.append(TrainingResult(*live.training.key, "failed", end.reason))
            if end.died:
                self._stop_rule.died(live.training.trial, end.reason)
            elif not end.reason.startswith(OUT_OF_MEMORY):  # the same net had enough in the search
                self._stop_rule.erred(end.reason)

    def _save_doubtful(self) -> None:
        while self._doubtful:
            self._saved(self._doubtful.pop(0), None)


def _result(training: Training, outcome: Outcome) -> TrainingResult:
    return TrainingResult(
        *training.key, outcome.state, outcome.reason, outcome.best_epoch, dict(outcome.metrics), outcome.parameters,
        round(outcome.seconds, 3),
    )  # fmt: skip


def summarize(
    finalists: Sequence[TrialRecord], results: Mapping[Key, TrainingResult], value_name: str
) -> tuple[list[Retrained], dict[int, str]]:
    """Return the finalists whose trainings all completed, and of the others why they are out.

    Values are those of the repeats that every finalist has, in the order of repeat and split. value_name: the metric,
    `val_rmse`.
    """
    by_trial: defaultdict[int, dict[Key, TrainingResult]] = defaultdict(dict)
    for key, result in sorted(results.items()):
        by_trial[result.trial][key] = result
    out: dict[int, str] = {}
    kept: list[TrialRecord] = []
    for record in finalists:
        failed = [result for result in by_trial[record.number].values() if result.state == "failed"]
        if failed:
            out[record.number] = f"{len(failed)} of {len(by_trial[record.number])} trainings failed: {failed[0].reason}"
        else:
            kept.append(record)
    shared = set.intersection(*({key[1:] for key in by_trial[record.number]} for record in kept)) if kept else set()
    return [_retrained(record, by_trial[record.number], sorted(shared), value_name) for record in kept], out


def _retrained(
    record: TrialRecord, results: Mapping[Key, TrainingResult], shared: Sequence[tuple[int, int]], value_name: str
) -> Retrained:
    chosen = [results[record.number, repeat, split] for repeat, split in shared]
    values = tuple(float((result.metrics or {})[value_name]) for result in chosen)
    seconds = fmean(result.seconds for result in chosen) if chosen else 0.0
    return Retrained(record.number, record.value or 0.0, values, record.parameters, seconds)


def append_result(path: Path, result: TrainingResult) -> None:
    """Add a result to the file of a study; it is on disk when this returns. Raises StoreError."""
    append_line(path, asdict(result))


def read_results(path: Path) -> dict[Key, TrainingResult]:
    """Return the results by key; a cut last line is passed over. Raises StoreError for a damaged one."""
    results: dict[Key, TrainingResult] = {}
    for number, line in lines_of(path):
        try:
            values: dict[str, Any] = json.loads(checked(line))
            result = TrainingResult(**values)
        except (ValueError, TypeError):
            raise StoreError(
                f"{path} is damaged: line {number} is not what was written; restore the file from a copy, or remove "
                "that line: its training is run again"
            ) from None
        results[result.key] = result
    return results


def finalist_weights(folder: StudyFolder, key: Key) -> Path:
    """Return where the weights of a finalist's training are kept."""
    return folder.weights / "finalist-{}-{}-{}.npz".format(*key)


def write_verdict(folder: StudyFolder, verdict: Verdict) -> None:
    """Keep a verdict with its study. Raises StoreError."""
    write_whole(folder.verdict, json.dumps(verdict.to_json(), indent=1).encode())


def read_verdict(folder: StudyFolder) -> Verdict | None:
    """Return a study's verdict, None where there is none yet. Raises StoreError where the file is damaged."""
    try:
        return verdict_from_json(json.loads(folder.verdict.read_text())) if folder.verdict.exists() else None
    except (ValueError, TypeError, KeyError):
        again = f"hpsearch verify {folder.path.name}"
        raise StoreError(f"{folder.verdict} is damaged; remove it, and {again} makes it again") from None
