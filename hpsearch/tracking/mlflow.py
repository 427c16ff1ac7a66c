"""What MLflow is told of a study, by one thread of its own: the search neither waits for it nor dies of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from hpsearch.fault_injection import crash_point
from hpsearch.records import EpochRecord, StudyInfo, TrialRecord
from hpsearch.tracking.finalists import FinalistRun, finalist_written, finalists_to_write
from hpsearch.tracking.items import (
    LAUNCH,
    Artifact,
    DatasetInput,
    Item,
    Point,
    Points,
    RunEnd,
    RunKey,
    Status,
    Tags,
    as_tags,
    better,
    epoch_points,
    launch_ended,
    launch_started,
    metric_points,
    progress,
    trial_ended,
    trial_started,
    whole_trial,
)
from hpsearch.tracking.location import redact
from hpsearch.tracking.reconcile import Action, Close, Create, Delete, plan
from hpsearch.tracking.store import MlflowStore, failures

_T = TypeVar("_T")

LIVE_INTERVAL = 3.0
"""Seconds between two writes of a running trial's epochs, and between two of the launch's chart.

Each write costs as much as 100 metrics do, so a trial that ends sooner is written once, whole, when it has ended.
"""


@dataclass
class _Live:
    """A running trial: its epochs, when each was heard of (ms), and how many of them are written."""

    since: float
    begun: TrialRecord | None = None
    """what its run is to begin with; None once that is written"""
    epochs: list[EpochRecord] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)
    written: int = 0


class Tracker:
    """Projects one launch of a study into MLflow.

    Every method but `reconcile`, `flush`, `close` and the two ids returns at once. When MLflow fails, `trouble` says
    so and what follows is dropped, until `reconcile` (now or at the next launch) writes what is missing.
    """

    def __init__(
        self,
        uri: str,
        info: StudyInfo,
        artifacts: Path | None,
        owner: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the address, the study, the folder of artifacts (None: a server keeps them) and this process's name."""
        self.trouble: str | None = None
        self._info = info
        self._owner = owner
        self._clock = clock
        self._store = MlflowStore(uri, info, artifacts)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hpsearch-mlflow")
        self._queue: deque[Future[Any]] = deque()
        self._launch: tuple[Item, ...] = ()
        self._open_launch = False
        self._best: float | None = None
        self._chart: list[Point] = []
        self._charted = 0.0
        self._live: dict[int, _Live] = {}
        self._brief = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open_launch:
            broken: Status = "FAILED" if kind is not None and issubclass(kind, Exception) else "KILLED"
            self.end_launch("FINISHED" if kind is None else broken)
        self.close()

    @property
    def launch_run_id(self) -> str | None:
        """The launch's run; waits for the queue. None if there is none, or MLflow failed."""
        self._submit(self._write_chart)
        return self._submit(lambda: self._store.run_id(LAUNCH)).result()

    @property
    def experiment_id(self) -> str | None:
        """The study's experiment; waits for the queue. None if MLflow failed."""
        return self._submit(lambda: self._store.experiment_id).result()

    def start_launch(
        self, spec_text: str, tags: Mapping[str, str] | None = None, params: Mapping[str, object] | None = None
    ) -> None:
        """Begin the run of this launch, the parent of its trials, with the study file as `study.yaml`."""
        started = datetime.fromtimestamp(self._clock(), UTC)
        self._launch = launch_started(self._info, spec_text, self._owner, started, tags=tags, params=params)
        self._open_launch = True
        self._write(self._launch)

    def log_dataset(self, name: str, digest: str, rows: int, columns: Sequence[str], source: str) -> None:
        """Name the launch's data: a digest, the number of rows, the raw columns used, where they come from."""
        self._write((DatasetInput(LAUNCH, name, digest, rows, tuple(columns), redact(source)),))

    def trial_started(self, record: TrialRecord) -> None:
        """Begin a trial's run; later, or with its end, where trials are brief (the last one was)."""
        live = self._live[record.number] = _Live(self._clock(), record)
        if not self._brief:
            self._write_live(record.number, live)

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        """Hear of an epoch. A long trial's are written every few seconds, a short one's together when it ends."""
        now = self._clock()
        live = self._live.setdefault(number, _Live(now))
        live.epochs.append(epoch)
        live.heard.append(round(now * 1000))
        if now - live.since >= LIVE_INTERVAL:
            live.since = now
            self._write_live(number, live)

    def trial_ended(self, record: TrialRecord) -> None:
        """Write how a trial went and end its run; begin it first if that was never written."""
        live = self._live.pop(record.number, _Live(0.0))
        self._brief = record.seconds < LIVE_INTERVAL
        self._submit(lambda: self._end_trial(record, live))

    def finalists(self, runs: Sequence[FinalistRun]) -> None:
        """Write the trainings of finalists that have no run yet, under this launch; the others are left alone.

        Call it with all that are known: what an earlier launch could not write, or died of, is made good too.
        """
        known = tuple(runs)
        self._submit(lambda: self._write_finalists(known))

    def artifact(self, run: RunKey, name: str, content: bytes | str | Path) -> None:
        """Keep a file with a trial (by number) or the launch (`LAUNCH`); `name` may have folders (`plots/a.png`).

        A path is read before this returns, so that the file may go at once.
        """
        if isinstance(content, Path):
            content = content.read_bytes()
        self._write((Artifact(run, name, content.encode() if isinstance(content, str) else content),))

    def launch_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log the launch's metrics; those that are not finite are left out."""
        self._write((Points(LAUNCH, metric_points(metrics)),))

    def launch_tags(self, tags: Mapping[str, str]) -> None:
        """Tag the launch."""
        self._write((Tags(LAUNCH, as_tags(tags)),))

    def describe_launch(self, markdown: str) -> None:
        """Set the launch's description, which MLflow shows on its page; of more than 5,000 characters the first."""
        self.launch_tags({"mlflow.note.content": markdown})

    def end_launch(self, status: Status = "FINISHED", tags: Mapping[str, str] | None = None) -> None:
        """End the launch's run: FINISHED, KILLED (interrupted) or FAILED."""
        self._open_launch = False
        self._submit(self._write_chart)
        self._write(launch_ended(status, tags))

    def reconcile(self, records: Sequence[TrialRecord]) -> list[str]:
        """Make MLflow equal to the records; return a line for each repair. Doing it again changes nothing.

        Waits. Call it after `start_launch`, so that what had no run finds a launch to stand under, and after trouble:
        it then tries MLflow once more, from the launch's own run on.
        """
        self.flush()
        self.trouble = None
        lines: list[str] = []
        self._submit(lambda: self._reconcile(records, lines)).result()
        return lines

    def flush(self) -> None:
        """Wait until all is written, or given up."""
        if self._queue:
            self._submit(self._write_chart)
        while self._queue:
            self._queue.popleft().result()

    def close(self) -> None:
        """Flush, and end the thread. A launch that was not ended stays open, as after a crash."""
        self._open_launch = False
        try:
            self.flush()
        finally:
            self._thread.shutdown()

    def _write(self, items: tuple[Item, ...]) -> None:
        self._submit(lambda: self._store.write(items))

    def _submit(self, action: Callable[[], _T]) -> Future[_T | None]:
        """Queue an action; an error that is MLflow's becomes `trouble`, one that is ours is raised by a later call."""
        while self._queue and self._queue[0].done():
            self._queue.popleft().result()
        future = self._thread.submit(self._attempt, action)
        self._queue.append(future)
        return future

    def _attempt(self, action: Callable[[], _T]) -> _T | None:
        if self.trouble is not None:
            return None
        try:
            return action()
        except failures() as error:
            self.trouble = redact(f"{type(error).__name__}: {error}".strip())
            return None

    def _write_live(self, number: int, live: _Live) -> None:
        """Write what is new of a running trial: its run, if that has not begun, and its latest epochs."""
        begun, new, live.begun = live.begun, slice(live.written, len(live.epochs)), None
        live.written = len(live.epochs)

        def write() -> None:
            start = () if begun is None else trial_started(self._info, begun, self._owner)
            heard = zip(live.epochs[new], live.heard[new], strict=True)
            points = [point for epoch, at in heard for point in epoch_points(self._info, epoch, at)]
            self._store.write((*start, Points(number, tuple(points))))

        self._submit(write)

    def _end_trial(self, record: TrialRecord, live: _Live) -> None:
        if self._store.run_id(record.number) is None:
            self._store.write(whole_trial(self._info, record, self._owner, live.heard))
        else:
            self._store.write(trial_ended(self._info, record, live.heard, live.written))
        crash_point("run-ended")
        if record.state == "completed":
            self._best = better(self._info, self._best, record.value)
            self._chart += progress(record, self._best) if self._launch else ()
            if self._clock() - self._charted >= LIVE_INTERVAL:
                self._write_chart()

    def _write_finalists(self, runs: Sequence[FinalistRun]) -> None:
        missing, wrong = finalists_to_write(runs, self._store.runs("finalist"))
        for found in wrong:
            self._store.delete(found.run_id)
        ended = round(self._clock() * 1000)
        for run in missing:
            self._store.write(finalist_written(self._info, run, self._owner, ended))

    def _write_chart(self) -> None:
        """Add the trials that completed since the last time to the launch's chart."""
        if self._chart:
            self._store.write((Points(LAUNCH, tuple(self._chart)),))
            self._chart, self._charted = [], self._clock()

    def _reconcile(self, records: Sequence[TrialRecord], lines: list[str]) -> None:
        launch = self._store.run_id(LAUNCH)
        if self._launch and launch is None:
            self._store.write(self._launch)
            launch = self._store.run_id(LAUNCH)
        bests: dict[int, float | None] = {}
        best: float | None = None
        for record in sorted(records, key=lambda record: record.number):
            best = bests[record.number] = better(self._info, best, record.value)
        self._best = better(self._info, self._best, best)
        self._chart = []  # what could not be written of it is among the actions
        for action in plan(records, self._store.runs(), self._owner, launch):
            lines += self._repair(action, bests)

    def _repair(self, action: Action, bests: Mapping[int, float | None]) -> list[str]:
        """Carry out one action and return what to say of it."""
        if isinstance(action, Delete):
            self._store.delete(action.run_id)
            crash_point("repair-deleted")
            return [f"trial {action.trial}: a run that was wrong or one too many is removed"]
        if isinstance(action, Create):
            record = action.record
            for start in trial_started(self._info, record, self._owner, parent=None):
                under = {"mlflow.parentRunId": action.parent} if action.parent else {}
                self._store.write((replace(start, tags=start.tags | under),))
            crash_point("repair-created")
            self._store.write(trial_ended(self._info, record))
            return [f"trial {record.number}: {action.why}; it is written from the study's record"]
        if isinstance(action, Close):
            key = LAUNCH if action.trial is None else action.trial
            tags = {"hpsearch.state": "interrupted", "hpsearch.reason": action.reason}
            self._store.write_to(action.run_id, Tags(key, tags))
            crash_point("repair-closed")
            self._store.write_to(action.run_id, RunEnd(key, "KILLED"))
            what = "a launch" if action.trial is None else f"trial {action.trial}"
            return [f"{what}: {action.reason}; its run is closed as interrupted"]
        points = [point for record in action.records for point in progress(record, bests[record.number])]
        self._store.write_to(action.run_id, Points(LAUNCH, tuple(points)))
        numbers = ", ".join(str(record.number) for record in action.records)
        return [f"a launch: the objectives of trials {numbers} are added"]
