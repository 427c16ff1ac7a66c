"""A worker process as the driver sees it: spawned, spoken to, and ended, gently where that is enough."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hpsearch.training.trainer import Job

TERM_GRACE = 5.0
"""Seconds from SIGTERM to SIGKILL, of a worker that is to end (a suspended one hears the second alone)."""
MID_MESSAGE = 10.0
"""Seconds that the driver waits for the rest of a message."""


@dataclass
class Child:
    """A worker process, and what is known of it. Times are `time.monotonic()`'s."""

    number: int
    process: subprocess.Popen[bytes]
    connection: Connection[Any, Any]
    answer_by: float | None
    """past it, a worker that has not said that it is ready, or has begun its job, is taken for hung"""
    job: Job | None = None
    ready: bool = False
    began: bool = False
    """it has read its job"""
    stopping: bool = False
    stop_by: float | None = None
    """past it, a job that was asked to stop is taken for hung"""
    kill_at: float | None = None
    """it was told to end, and is killed then; what it still says is of no interest"""
    doom: str = ""
    """why its job is lost that way; '': the job is not at fault"""
    first_memory: int | None = None
    outgrown: bool = False
    """it is replaced before its next job"""

    def free(self) -> None:
        """Forget the job."""
        self.job, self.began, self.stopping, self.stop_by, self.answer_by = None, False, False, None, None

    def send(self, message: object) -> None:
        """Send, leaving a dead worker to be noticed by who listens."""
        with suppress(OSError):
            self.connection.send(message)

    def terminate(self, why: str = "") -> None:
        """Tell the process to end; `kill_overdue` kills it where that was not enough."""
        self.kill_at, self.doom = time.monotonic() + TERM_GRACE, why
        self.process.terminate()

    def kill(self, why: str = "") -> None:
        """End the process at once."""
        self.kill_at, self.doom = time.monotonic(), why
        self.process.kill()

    def kill_overdue(self) -> None:
        """Kill a process that did not end when it was told to."""
        if self.kill_at is not None and time.monotonic() > self.kill_at:
            self.process.kill()

    def ended(self) -> str:
        """Wait for the end of a process that has closed its pipe, and return how it ended."""
        try:
            status = self.process.wait(1.0)
        except subprocess.TimeoutExpired:  # it lives, but nobody can speak to it
            self.process.kill()
            status = self.process.wait()
        return f"signal {-status} ({signal.Signals(-status).name})" if status < 0 else f"exit code {status}"


def spawn(number: int, program: Sequence[str], log: Path, answer_by: float) -> Child:
    """Start a worker's program, never a fork of this process, and return it with a pipe to it."""
    ours, theirs = socket.socketpair()
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        # A worker that is suspended in the middle of a message must not hold the driver, which reads to its end.
        ours.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(MID_MESSAGE), 0))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with log.open("ab") as file:
        process = subprocess.Popen(  # noqa: S603  no shell, and the program is ours
            [*program, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            env=environment,
        )
    theirs.close()
    return Child(number, process, Connection(ours.detach()), answer_by)
