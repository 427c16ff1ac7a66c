"""A peer's program as a command, and whether peers are installed at all."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from peers.task import Task

from contest.launch import Command

PROGRAMS = Path(__file__).parents[1] / "peers"


def require_bench() -> None:
    """Raise SystemExit where the extra `bench` is not installed."""
    # keras-tuner imports tensorboard only when its first trial begins.
    missing = [name for name in ("keras_tuner", "tensorboard") if importlib.util.find_spec(name) is None]
    if missing:
        raise SystemExit(f"{' and '.join(missing)} not found; install the peers with: pip install -e '.[bench]'")


def peer_command(program: str, kind: str, task: Task, folder: Path, core: int | None = None) -> Command:
    """Write the task into a folder and return the command that runs a program of `peers/` on it."""
    file = folder / "task.json"
    task.write(file)
    threads = {} if task.threads is None else {"OMP_NUM_THREADS": str(task.threads)}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2")}
    arguments = [sys.executable, "-W", "ignore", str(PROGRAMS / program), kind, str(file)]
    return Command(arguments, folder / "log.txt", core, quiet | threads)
