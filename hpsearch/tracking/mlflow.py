"""What MLflow is told of a study: the search neither waits for it nor dies of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from hpsearch.fault_injection import crash_point
from hpsearch.records import EpochRecord, StudyInfo, TrialRecord
from hpsearch.tracking.catch_up import catch_up
from hpsearch.tracking.finalists import FinalistRun, finalist_written, finalists_to_write
from hpsearch.tracking.items import (
    LAUNCH,
    Artifact,
    DatasetInput,
    Item,
    Point,
    Points,
    RunKey,
    RunStart,
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
from hpsearch.tracking.line import Line
from hpsearch.tracking.location import redact
from hpsearch.tracking.spool import Spool, Waiting
from hpsearch.tracking.store import MlflowStore

LIVE_INTERVAL = 3.0
"""Seconds between two writes of a running trial's epochs, and between two of the launch's chart.

Each write costs as much as 100 metrics do, so a trial that ends sooner is written once, whole, when it has ended.
"""

PATIENCE = 60.0
"""Seconds for which a launch that ends waits for a backlog of writes; the rest is kept for the next launch."""
GRACE = 5.0
"""The same where the launch was interrupted by an error or a second Ctrl-C."""


@dataclass
class _Live:
    """A running trial, its epochs, and when each was heard of (ms). The last three belong to the writing thread."""

    since: float
    begun: TrialRecord | None = None
    """what its run is to begin with"""
    epochs: list[EpochRecord] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)
    written: int = 0
    """epochs that are in MLflow"""
    started: bool = False
    """its run is in MLflow"""
    torn: bool = False
    """a write of it failed, and nobody knows how far it came"""


class Tracker:
    """Projects one launch of a study into MLflow.

    Every method returns at once, but for those that say that they wait. When MLflow fails, `trouble` says so, and what
    follows waits on disk (`spool.py`) until MLflow answers again, in this launch or a later one.
    """

    def __init__(
        self,
        uri: str,
        info: StudyInfo,
        artifacts: Path | None,
        owner: str,
        *,
        spool: Path | None = None,
        tell: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the address, the study, the folder of artifacts (None: a server keeps them) and this process's name.

        spool: the file of what waits while MLflow is away (None: it waits in memory). tell: hears when MLflow goes and
        comes back, in the caller's thread. clock: what time it is. steady: for durations, a clock that never jumps.
        """
        self._info = info
        self._owner = owner
        self._clock = clock
        self._steady = steady
        self._store = MlflowStore(uri, info, artifacts)
        self._spool = Spool(spool)
        self._line = Line(uri, self._spool, self._catch_up, tell, steady)
        self._token = uuid.uuid4().hex
        self._open_launch = False
        self._has_launch = False
        self._best: float | None = None
        self._chart: list[Point] = []
        self._charted = 0.0
        self._live: dict[int, _Live] = {}
        self._brief = False
        # The writing thread's own: what it has been told of.
        self._records: dict[int, TrialRecord] = {}
        self._at_work: dict[int, _Live] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._line.hurry(GRACE)
        if self._open_launch:
            broken: Status = "FAILED" if kind is not None and issubclass(kind, Exception) else "KILLED"
            self.end_launch("FINISHED" if kind is None else broken)
        self.close()

    @property
    def trouble(self) -> str | None:
        """Why MLflow is away; None while it answers."""
        return self._line.trouble

    @property
    def launch_run_id(self) -> str | None:
        """The launch's run; waits for the queue. None if there is none, or MLflow is away."""
        self._line.submit(self._write_chart)
        return self._line.submit(lambda: self._store.run_id(LAUNCH)).result()

    @property
    def experiment_id(self) -> str | None:
        """The study's experiment; waits for the queue. None if MLflow is away."""
        return self._line.submit(lambda: self._store.experiment_id).result()

    def start_launch(
        self, spec_text: str, tags: Mapping[str, str] | None = None, params: Mapping[str, object] | None = None
    ) -> None:
        """Begin the run of this launch, the parent of its trials, with the study file as `study.yaml`."""
        started = datetime.fromtimestamp(self._clock(), UTC)
        self._open_launch = self._has_launch = True
        self._write(
            launch_started(self._info, spec_text, self._owner, started, token=self._token, tags=tags, params=params)
        )

    def log_dataset(self, name: str, digest: str, rows: int, columns: Sequence[str], source: str) -> None:
        """Name the launch's data: a digest, the number of rows, the raw columns used, where they come from."""
        self._write((DatasetInput(LAUNCH, name, digest, rows, tuple(columns), redact(source)),))

    def trial_started(self, record: TrialRecord) -> None:
        """Begin a trial's run; later, or with its end, where trials are brief (the last one was)."""
        live = self._live[record.number] = _Live(self._steady(), record)
        if not self._brief:
            self._write_live(record.number, live)

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        """Hear of an epoch. A long trial's are written every few seconds, a short one's together when it ends."""
        now = self._steady()
        live = self._live.setdefault(number, _Live(now))
        live.heard.append(self._now())
        live.epochs.append(epoch)
        if now - live.since >= LIVE_INTERVAL:
            live.since = now
            self._write_live(number, live)

    def trial_ended(self, record: TrialRecord) -> None:
        """Write how a trial went and end its run; begin it first if that was never written."""
        live = self._live.pop(record.number, _Live(0.0))
        self._brief = record.seconds < LIVE_INTERVAL
        self._line.note(lambda: self._records.update({record.number: record}))
        self._line.submit(lambda: self._end_trial(record, live), [Waiting(self._token, trial=record.number)])

    def finalists(self, runs: Sequence[FinalistRun]) -> None:
        """Write the trainings of finalists that have no run yet, under this launch; the others are left alone.

        Call it with all that are known: what an earlier launch could not write, or died of, is made good too.
        """
        known, ended = tuple(runs), self._now()
        waits = [Waiting(self._token, finalist_written(self._info, run, self._owner, ended)) for run in known]
        self._line.submit(lambda: self._write_finalists(known, ended), waits)

    def artifact(self, run: RunKey, name: str, content: bytes | str | Path) -> None:
        """Keep a file with a trial (by number) or the launch (`LAUNCH`); `name` may have folders (`plots/a.png`).

        A path is read before this returns, so that the file may go at once.
        """
        if isinstance(content, Path):
            content = content.read_bytes()
        self._write((Artifact(run, name, content.encode() if isinstance(content, str) else content),))

    def launch_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log the launch's metrics; those that are not finite are left out."""
        self._write((Points(LAUNCH, metric_points(metrics, self._now())),))

    def launch_tags(self, tags: Mapping[str, str]) -> None:
        """Tag the launch."""
        self._write((Tags(LAUNCH, as_tags(tags)),))

    def describe_launch(self, markdown: str) -> None:
        """Set the launch's description, which MLflow shows on its page; of more than 5,000 characters the first."""
        self.launch_tags({"mlflow.note.content": markdown})

    def launches_without_model(self, tag: str, value: str) -> list[str]:
        """Return the runs of launches with this tag, of which no model with the same tag was logged whole.

        Waits for the queue; [] while MLflow is away.
        """
        return self._line.submit(lambda: self._store.launches_without_model(tag, value)).result() or []

    def failed(self, error: Exception) -> None:
        """Hear that MLflow failed somebody else who wrote to it."""
        self._line.failed(error)

    def end_launch(self, status: Status = "FINISHED", tags: Mapping[str, str] | None = None) -> None:
        """End the launch's run: FINISHED, KILLED (interrupted) or FAILED."""
        self._open_launch = False
        self._line.submit(self._write_chart)
        self._write(launch_ended(status, tags, self._now()))

    def recall(self, records: Sequence[TrialRecord]) -> None:
        """Hear of the trials that ended in earlier launches, and make MLflow equal to them all when its turn comes.

        Call it after `start_launch`, so that what had no run finds a launch to stand under. What waited since an
        earlier launch is sent then too, and from now on MLflow is tried again when it was away.
        """
        known = {record.number: record for record in records}
        self._line.note(lambda: self._records.update(known))
        self._line.renew()
        self._line.submit(lambda: None)

    def reconcile(self, records: Sequence[TrialRecord]) -> list[str]:
        """Do as `recall` does, wait for it, and return a line for each repair. Doing it again changes nothing."""
        self.recall(records)
        self.flush()
        return [] if self.trouble else list(self._line.repairs)

    def flush(self) -> None:
        """Wait until all is written, or kept for later."""
        self._line.submit(self._write_chart)
        self._line.flush()

    def settle(self, patience: float = PATIENCE) -> None:
        """Wait as `flush` does, but not for ever, and try MLflow once more if it is away.

        patience: seconds, and a call of MLflow's (5 to a server, 20 to a database) longer at most; the rest is kept.
        """
        self._line.submit(self._write_chart)
        self._line.settle(patience)

    def close(self) -> None:
        """Flush, and end the thread. A launch that was not ended stays open, as after a crash."""
        self._open_launch = False
        if not self._line.closed:
            self._line.submit(self._write_chart)
            self._line.close()

    def _now(self) -> int:
        return round(self._clock() * 1000)

    def _write(self, items: tuple[Item, ...]) -> None:
        def write() -> None:
            of_launch, begins = items[0].key == LAUNCH, isinstance(items[0], RunStart)
            if begins or not of_launch or self._store.run_id(LAUNCH) is not None:
                self._store.write(items)  # where somebody removed the launch's run, nothing more is written to it

        self._line.submit(write, [Waiting(self._token, items)])

    def _write_live(self, number: int, live: _Live) -> None:
        """Write what is new of a running trial: its run, if that has not begun, and its latest epochs."""
        until = len(live.epochs)
        self._line.submit(lambda: self._write_epochs(number, live, until))

    def _write_epochs(self, number: int, live: _Live, until: int) -> None:
        self._at_work[number] = live
        begins = live.begun is not None and not live.started
        start = trial_started(self._info, live.begun, self._owner) if live.begun is not None and begins else ()
        new = slice(live.written, until)
        heard = zip(live.epochs[new], live.heard[new], strict=True)
        points = [point for epoch, at in heard for point in epoch_points(self._info, epoch, at)]
        live.torn = True
        self._store.write((*start, Points(number, tuple(points))))
        live.torn, live.started, live.written = False, True, max(until, live.written)

    def _end_trial(self, record: TrialRecord, live: _Live) -> None:
        self._at_work.pop(record.number, None)
        if self._store.run_id(record.number) is None:
            self._store.write(whole_trial(self._info, record, self._owner, live.heard))
        else:
            self._store.write(trial_ended(self._info, record, live.heard, live.written))
        crash_point("run-ended")
        if record.state == "completed":
            self._best = better(self._info, self._best, record.value)
            self._chart += progress(record, self._best) if self._has_launch else ()
            if self._steady() - self._charted >= LIVE_INTERVAL:
                self._write_chart()

    def _write_finalists(self, runs: Sequence[FinalistRun], ended: int) -> None:
        missing, wrong = finalists_to_write(runs, self._store.runs("finalist"))
        for found in wrong:
            self._store.delete(found.run_id)
        for run in missing:
            self._store.write(finalist_written(self._info, run, self._owner, ended))

    def _write_chart(self) -> None:
        """Add the trials that completed since the last time to the launch's chart."""
        if self._chart and self._store.run_id(LAUNCH) is not None:
            self._store.write((Points(LAUNCH, tuple(self._chart)),))
            self._chart, self._charted = [], self._steady()

    def _catch_up(self) -> Iterator[str]:
        """Send all that waits, a bit each step. A running trial goes on in its run, or in a new one if that is torn."""
        self._at_work = {number: live for number, live in self._at_work.items() if number not in self._records}
        for number, live in self._at_work.items():
            if live.torn:
                self._store.forget(number)
                live.written, live.started, live.torn = 0, False, False
        runs = {self._store.run_id(number) or "" for number in self._at_work}
        self._chart = []  # what could not be written of it is among the repairs
        yield from catch_up(self._store, self._spool, self._info, self._owner, self._token, self._known_records, runs)
        for record in self._records.values():
            self._best = better(self._info, self._best, record.value)

    def _known_records(self) -> list[TrialRecord]:
        return list(self._records.values())
