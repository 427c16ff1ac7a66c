"""A pool of worker processes on this machine: seen to die at once, replaced, and recycled when their memory grows."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from hpsearch.errors import StudyAborted
from hpsearch.training.trainer import Job
from hpsearch.workers.pool import End, Event, Lost, Token
from hpsearch.workers.protocol import Exit, Memory, Ready, Setup, Stop

GROWTH_LIMIT = 600 * 2**20
"""Bytes a worker may grow beyond what it held after its first job, before it is replaced between two jobs."""
STARTS_THAT_MAY_FAIL = 3
MOST_EVENTS = 100
"""Read from a worker before the others have their turn."""


WORKER = (sys.executable, "-P", "-m", "hpsearch.workers.process")
"""The program of a worker; -P keeps a file in the current folder from standing in for a library."""


@dataclass
class _Worker:
    number: int
    process: subprocess.Popen[bytes]
    connection: Connection[Any, Any]
    job: Job | None = None
    ready: bool = False
    began: bool = False
    """it has read its job"""
    stopping: bool = False
    kill_at: float | None = None
    overdue: bool = False
    first_memory: int | None = None
    outgrown: bool = False

    def free(self) -> None:
        """Forget the job."""
        self.job, self.began, self.stopping, self.kill_at = None, False, False, None


class ProcessPool:
    """Worker processes that hold the prepared data and a warm TensorFlow, with one thread each."""

    def __init__(self, places: int, setup: Setup, logs: Path, program: Sequence[str] = WORKER) -> None:
        self._setup = setup
        self._logs = logs
        self._program = program
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
        worker.job = job
        _send(worker, job)
        return worker.number

    def stop(self, token: Token, grace: float | None = None) -> None:
        """Ask the worker to stop; past the grace `events` kills it."""
        for worker in self._workers:
            if worker.job is None or worker.job.token != token:
                continue
            if not worker.stopping:
                worker.stopping = True
                _send(worker, Stop(token))
            if grace is not None and worker.kill_at is None:
                worker.kill_at = time.monotonic() + grace

    def events(self, timeout: float) -> list[Event]:
        """Return what the workers said, and which of them died."""
        self._kill_overdue()
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
            _send(worker, Exit())
            if worker.job is not None or not worker.ready:
                worker.process.kill()
            worker.connection.close()
        for process in [*(worker.process for worker in self._workers), *self._retired]:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._workers, self._retired = [], []

    def _spawn(self, number: int) -> _Worker:
        ours, theirs = socket.socketpair()
        environment = os.environ | {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        with (self._logs / f"worker-{number}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  no shell, and the program is ours
                [*self._program, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
            )
        theirs.close()
        worker = _Worker(number, process, Connection(ours.detach()))
        _send(worker, self._setup)
        return worker

    def _replace(self, worker: _Worker) -> _Worker:
        _send(worker, Exit())
        worker.connection.close()
        self._retired.append(worker.process)
        fresh = self._spawn(worker.number)
        self._workers[self._workers.index(worker)] = fresh
        return fresh

    def _read(self, worker: _Worker) -> list[Event]:
        events: list[Event] = []
        try:
            while len(events) < MOST_EVENTS and worker.connection.poll():
                self._hear(worker, worker.connection.recv(), events)
        except (EOFError, OSError):  # OSError: it died in the middle of a message
            events += self._bury(worker)
        return events

    def _hear(self, worker: _Worker, message: object, events: list[Event]) -> None:
        if isinstance(message, Ready):
            worker.ready, self._failed_starts = True, 0
        elif isinstance(message, Memory):
            worker.first_memory = worker.first_memory or message.resident
            worker.outgrown = message.resident > worker.first_memory + GROWTH_LIMIT
        elif worker.job is not None and getattr(message, "token", None) == worker.job.token:
            worker.began = True
            events.append(message)  # type: ignore[arg-type]  # what has a token is an event
            if isinstance(message, End):
                worker.free()

    def _bury(self, worker: _Worker) -> list[Event]:
        """Replace a dead worker and report its job as lost, or give it to the new one if it had not begun."""
        status = worker.process.wait()
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= STARTS_THAT_MAY_FAIL:
                log = self._logs / f"worker-{worker.number}.log"
                raise StudyAborted(
                    f"{self._failed_starts} worker processes in a row died before they were ready "
                    f"({_describe(status)}); see {log} for what they printed"
                )
        fresh, job = self._replace(worker), worker.job
        if job is None:
            return []
        if worker.overdue:
            return [Lost(job.token, "timeout: the worker did not stop and was killed")]
        if not worker.began and not worker.stopping:
            fresh.job = job
            _send(fresh, job)
            return []
        return [Lost(job.token, f"worker died: {_describe(status)}", died=True)]

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.kill_at is not None and now > worker.kill_at and not worker.overdue:
                worker.overdue = True
                worker.process.kill()


def _send(worker: _Worker, message: object) -> None:
    """Send, leaving a dead worker to be noticed by `events`."""
    try:
        worker.connection.send(message)
    except (BrokenPipeError, ConnectionResetError):
        return


def _describe(status: int) -> str:
    return f"signal {-status} ({signal.Signals(-status).name})" if status < 0 else f"exit code {status}"
