"""Drivers whose workers train nothing, forked from a process that has imported everything (`scripted_driver.py`)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from sample_studies import write_rentals, write_study

PROGRAM = (sys.executable, str(Path(__file__).with_name("scripted_driver.py")))
PATIENCE = 120.0
"""Seconds after which a test fails rather than hangs."""
SPACE = {"hidden_layers": 0, "optimizer": "adam", "batch_size": 8, "epochs": 4}
STUDY: dict[str, Any] = {
    "name": "many",
    "data": {"csv": "rentals.csv", "target": "cnt"},
    "space": SPACE | {"learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}},
    "search": {"trials": 6, "sampler": "random", "pruner": "none", "early_stopping": None, "workers": 1},
    "winner": "none",
}


def make_study(folder: Path, **changes: Any) -> Path:
    """Write the study's file and its data; `search` and `space` are added to, other keys replaced."""
    folder.mkdir(exist_ok=True)
    if not (folder / "rentals.csv").exists():
        write_rentals(folder / "rentals.csv")
    added = {key: STUDY[key] | changes.pop(key, {}) for key in ("search", "space")}
    return write_study(folder, STUDY | added | changes)


@dataclass
class Running:
    """A driver that was started."""

    zygote: Zygote
    pid: int
    out: Path
    errors: Path

    def until(self, text: str) -> None:
        """Wait until it has printed a text."""
        end = time.monotonic() + PATIENCE
        while text not in self.out.read_text():
            assert self.lives(), f"it ended without saying {text!r}: {self.said()}"
            assert time.monotonic() < end, f"it never said {text!r}: {self.said()}"
            time.sleep(0.01)

    def lives(self) -> bool:
        """Tell whether the process has not ended yet."""
        return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE

    def said(self) -> str:
        """Return all it printed, then its errors."""
        return f"{self.out.read_text()}\n--\n{self.errors.read_text()}"

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children()

    def wait(self) -> tuple[int, str, str]:
        """Wait for its end; return exit code (-signal), output and errors."""
        watchdog = threading.Timer(PATIENCE, os.kill, [self.pid, signal.SIGKILL])
        watchdog.start()
        code = self.zygote.ask({"wait": self.pid})
        watchdog.cancel()
        self.zygote.live.discard(self.pid)
        return code, _read(self.out), _read(self.errors)


def _read(path: Path) -> str:
    """Return what is in a file, or was written into a pipe and is not read yet; all of that may be 64 kB."""
    if path.is_file():
        return path.read_text()
    pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(pipe, 2**16).decode()
    except BlockingIOError:
        return ""
    finally:
        os.close(pipe)


class Zygote:
    """Forks drivers."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._count = 0
        self._pipes: list[int] = []
        self.live: set[int] = set()

    def ask(self, asked: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def start(
        self, folder: Path, *arguments: str | Path, room: int = 0, unprivileged: bool = False, ignores: int = 0,
        out: Path | None = None, **environment: str,
    ) -> Running:  # fmt: skip
        """Start `hpsearch ARGUMENTS`. folder: for what it prints. room: bytes that a file may have (0: any number)."""
        self._count += 1
        out, errors = out or folder / f"out-{self._count}.txt", folder / f"errors-{self._count}.txt"
        for path in (out, errors):
            if room:  # a limit on files would cut what it says, too
                os.mkfifo(path)
                self._pipes.append(os.open(path, os.O_RDWR))
            elif not path.exists():
                path.touch()
        pid = self.ask({
            "arguments": list(map(str, arguments)), "out": str(out), "errors": str(errors), "room": room,
            "unprivileged": unprivileged, "ignores": int(ignores),
            "environment": environment | {"HPSEARCH_TESTING": "1"},
        })  # fmt: skip
        self.live.add(pid)
        return Running(self, pid, out, errors)

    def run(self, folder: Path, *arguments: str | Path, **options: Any) -> tuple[int, str, str]:
        """Start `hpsearch ARGUMENTS` and wait for its end."""
        return self.start(folder, *arguments, **options).wait()

    def close(self) -> None:
        for pid in self.live:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pipe in self._pipes:
            os.close(pipe)
        self._process.kill()
        self._process.communicate()
