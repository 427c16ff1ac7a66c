"""A pool of worker processes on this machine: replaced when they die, hang, or take more memory than they may."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import wait
from pathlib import Path

from hpsearch.data.dataset import open_dataset
from hpsearch.errors import StudyAborted
from hpsearch.model import count_parameters
from hpsearch.training.trainer import Job, Outcome
from hpsearch.workers.child import Child, spawn
from hpsearch.workers.memory import fair_share, held, in_words
from hpsearch.workers.pool import OUT_OF_MEMORY, End, Event, Lost, Token
from hpsearch.workers.protocol import Exit, Memory, Ready, Setup, Stop

_log = logging.getLogger(__name__)

GROWTH_LIMIT = 600 * 2**20
"""Bytes a worker may grow beyond what it held after its first job, before it is replaced between two jobs."""
LOOK_EVERY = 0.5
"""Seconds between two looks at what the workers hold of memory (20 microseconds for each)."""
TO_LOAD, TO_BEGIN = 600.0, 120.0
"""Seconds a worker may take to be ready (8 on an idle machine), and a ready one to begin a job; then it is replaced."""
STARTS_THAT_MAY_FAIL = 3
MOST_EVENTS = 100
"""Read from a worker before the others have their turn."""


WORKER = (sys.executable, "-P", "-m", "hpsearch.workers.process")
"""The program of a worker; -P keeps a file in the current folder from standing in for a library."""


class ProcessPool:
    """Worker processes that hold the prepared data and a warm TensorFlow, with one thread each."""

    def __init__(
        self, places: int, setup: Setup, logs: Path, program: Sequence[str] = WORKER, memory: int | None = None
    ) -> None:
        """Start the workers. memory: bytes that each may hold; None: a fair share of the machine's."""
        self._setup = setup
        self._logs = logs
        self._program = program
        self._memory = fair_share(places) if memory is None else memory
        self._next_look = 0.0
        self._failed_starts = 0
        self._retired: list[subprocess.Popen[bytes]] = []
        logs.mkdir(parents=True, exist_ok=True)
        self._workers = [self._spawn(number) for number in range(1, places + 1)]

    @property
    def places(self) -> int:
        """How many jobs run at once."""
        return len(self._workers)

    def start(self, job: Job) -> int:
        """Send a job to a free worker, one that is warm if there is one."""
        free = [worker for worker in self._workers if worker.job is None]
        if not free:
            raise RuntimeError(f"all {self.places} places of the pool are taken")
        worker = max(free, key=lambda w: w.ready)
        if worker.outgrown:
            worker = self._replace(worker)
        self._give(worker, job)
        return worker.number

    def stop(self, token: Token, grace: float | None = None) -> None:
        """Ask the worker to stop; past the grace `events` ends it."""
        for worker in self._workers:
            if worker.job is None or worker.job.token != token:
                continue
            if not worker.stopping:
                worker.stopping = True
                worker.send(Stop(token))
            if grace is not None and worker.stop_by is None:
                worker.stop_by = time.monotonic() + grace

    def events(self, timeout: float) -> list[Event]:
        """Return what the workers said, and which of them died."""
        self._end_hung()
        self._watch_memory()
        self._retired = [process for process in self._retired if process.poll() is None]
        connections = {worker.connection: worker for worker in self._workers}
        events: list[Event] = []
        for connection in wait(list(connections), timeout):
            worker = connections[connection]  # type: ignore[index]  # wait returns what it was given
            events += self._read(worker)
        return events

    def close(self) -> None:
        """Tell idle workers to exit, kill busy ones, and wait for all."""
        for worker in self._workers:
            worker.send(Exit())
            if worker.job is not None or not worker.ready:
                worker.kill()
            worker.connection.close()
        for process in [*(worker.process for worker in self._workers), *self._retired]:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._workers, self._retired = [], []

    def _spawn(self, number: int) -> Child:
        worker = spawn(number, self._program, self._log_of(number), time.monotonic() + TO_LOAD)
        worker.send(self._setup)
        return worker

    def _log_of(self, number: int) -> Path:
        return self._logs / f"worker-{number}.log"

    def _give(self, worker: Child, job: Job) -> None:
        worker.job = job
        worker.send(job)
        if worker.ready:
            worker.answer_by = time.monotonic() + TO_BEGIN

    def _replace(self, worker: Child) -> Child:
        worker.send(Exit())
        worker.connection.close()
        self._retired.append(worker.process)
        fresh = self._spawn(worker.number)
        self._workers[self._workers.index(worker)] = fresh
        return fresh

    def _read(self, worker: Child) -> list[Event]:
        events: list[Event] = []
        while len(events) < MOST_EVENTS:
            try:
                if not worker.connection.poll():
                    break
                message = worker.connection.recv()
            except Exception:  # noqa: BLE001  it died, or hung, in the middle of a message, or nobody can read that
                return events + self._bury(worker)
            self._hear(worker, message, events)
        return events

    def _hear(self, worker: Child, message: object, events: list[Event]) -> None:
        if worker.kill_at is not None:
            _log.info("worker %d, which is being ended, still said: %s", worker.number, type(message).__name__)
        elif isinstance(message, Ready):
            self._refuse_small_limit(worker)
            worker.ready = True
            worker.answer_by = None if worker.job is None else time.monotonic() + TO_BEGIN
        elif isinstance(message, Memory):
            worker.first_memory = worker.first_memory or message.held
            # Half of the room beyond that at least is the next job's.
            growth = min(GROWTH_LIMIT, (self._memory - worker.first_memory) // 2)
            worker.outgrown = worker.outgrown or message.held > worker.first_memory + growth
        elif worker.job is not None and getattr(message, "token", None) == worker.job.token:
            worker.began, worker.answer_by, self._failed_starts = True, None, 0
            events.append(message)  # type: ignore[arg-type]  # what has a token is an event
            if isinstance(message, End):
                worker.outgrown = worker.outgrown or _ran_out(message)
                worker.free()

    def _bury(self, worker: Child) -> list[Event]:
        """Replace a dead worker and report its job as lost, or give it to the new one if it had not begun."""
        status = worker.ended()
        if not worker.ready or (worker.job is not None and not worker.began):
            self._failed_starts += 1
            if self._failed_starts >= STARTS_THAT_MAY_FAIL:
                raise StudyAborted(
                    f"{self._failed_starts} worker processes in a row died before they were ready "
                    f"({status}); see {self._log_of(worker.number)} for what they printed"
                )
        fresh, job = self._replace(worker), worker.job
        if job is None:
            return []
        if worker.doom:
            return [Lost(job.token, worker.doom)]
        if not worker.began and not worker.stopping:
            self._give(fresh, job)
            return []
        return [Lost(job.token, f"worker died: {status}", died=True)]

    def _end_hung(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.kill_at is not None:
                worker.kill_overdue()
            elif worker.stop_by is not None and now > worker.stop_by:
                worker.terminate("timeout: the worker did not stop and was killed")
            elif worker.answer_by is not None and now > worker.answer_by:
                worker.terminate()

    def _watch_memory(self) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_EVERY
        for worker in self._workers:
            if not worker.ready or worker.kill_at is not None or (size := held(worker.process.pid)) <= self._memory:
                continue
            if worker.job is None:
                worker.outgrown = True
            else:
                worker.kill(self._too_large(worker.job, size) if worker.began else "")

    def _too_large(self, job: Job, size: int) -> str:
        count = count_parameters(job.configuration, open_dataset(self._setup.dataset).signature)
        net = f"{count / 1e6:.1f} million" if count >= 10**6 else f"{count:,}"
        told = f"{OUT_OF_MEMORY}: the worker held {in_words(size)} of {in_words(self._memory)} allowed"
        return f"{told}; the net has {net} parameters" if count else told

    def _refuse_small_limit(self, worker: Child) -> None:
        size = held(worker.process.pid)
        if size > self._memory:
            needed = in_words(max(10**9, 2 * size))
            raise StudyAborted(
                f"a worker holds {in_words(size)} before it trains anything, and may hold {in_words(self._memory)}; "
                f"set search.worker_memory to {needed} or more"
            )


def _ran_out(end: End) -> bool:
    return isinstance(end, Outcome | Lost) and end.reason.startswith(OUT_OF_MEMORY)
