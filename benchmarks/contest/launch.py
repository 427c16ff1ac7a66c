"""Run a contender's processes to their end, or to a deadline; leave none of them behind, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_STRANGE = (
    # Without .pyc files every import compiles its module again.
    "PYTHONDONTWRITEBYTECODE",
    # What would have a contender use another store, another server, or programs that were compiled before.
    "HPSEARCH_STORE", "MLFLOW_TRACKING_URI", "TF_XLA_FLAGS", "XLA_FLAGS", "PYTHONPATH",
)  # fmt: skip
_TAIL = 30
"""lines of a log that are shown when its process fails"""


@dataclass(frozen=True)
class Command:
    """A program to run. core: the only one it may use (Linux); log: takes what it prints."""

    program: Sequence[str]
    log: Path
    core: int | None = None
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ran:
    """When and how long the processes ran, from the first one's start to the last one's end.

    began: as `time.monotonic()`. began_utc: seconds since 1970. processor: CPU seconds of the processes and of what
    they waited for; 0 where they were stopped at the deadline.
    """

    began: float
    began_utc: float
    seconds: float
    processor: float


def run_all(commands: Sequence[Command], *, deadline: float | None = None) -> Ran:
    """Run commands at the same time until all have ended, or, with a deadline, that many seconds; then they are killed.

    Raises SystemExit with the end of its log where one fails, or ends before the deadline.
    """
    began, began_utc = time.monotonic(), time.time()
    before = _waited_for()
    running: list[tuple[Command, subprocess.Popen[bytes]]] = []
    with _all_killed(running):
        running += [(command, _start(command)) for command in commands]
        while any(process.poll() is None for _, process in running):
            if deadline is not None and time.monotonic() - began >= deadline:
                return Ran(began, began_utc, time.monotonic() - began, 0.0)
            _check(running, may_end=deadline is None)
            time.sleep(0.02)
        seconds = time.monotonic() - began
        _check(running, may_end=deadline is None)
    return Ran(began, began_utc, seconds, _waited_for() - before)


def failed(what: str, log: Path) -> SystemExit:
    """Return the exit of a contender that failed, with the end of its log."""
    lines = log.read_text(errors="replace").splitlines()[-_TAIL:]
    return SystemExit("\n".join([f"{what}; its last lines:", *lines]))


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM unwind as Ctrl-C does, so that processes and folders are cleaned up; exit with 130."""

    def stop(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None


def _start(command: Command) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in _STRANGE} | command.environment
    with command.log.open("ab") as log, _only_core(command.core):
        return subprocess.Popen(
            list(command.program),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )


@contextmanager
def _only_core(core: int | None) -> Iterator[None]:
    """Have what is started here, and its children, use that core alone."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


@contextmanager
def _all_killed(running: list[tuple[Command, subprocess.Popen[bytes]]]) -> Iterator[None]:
    try:
        yield
    finally:
        for _, process in running:
            if process.poll() is None:
                # Its own process group; a study's workers are in others, and the kernel ends them with their driver.
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _check(running: Sequence[tuple[Command, subprocess.Popen[bytes]]], *, may_end: bool) -> None:
    for command, process in running:
        status = process.poll()
        if status or (status == 0 and not may_end):
            raise failed(f"{' '.join(command.program)}\nended with status {status}", command.log)


def _waited_for() -> float:
    times = os.times()
    return times.children_user + times.children_system
