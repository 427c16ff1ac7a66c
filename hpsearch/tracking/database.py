"""MLflow's SQLite database: made once, by one process, for its owner's eyes; and the folders beside it."""

from __future__ import annotations

import fcntl
import os
import shlex
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

PATIENCE = 60.0
"""Seconds to wait for a process that makes or migrates the database, which takes some 10."""


@contextmanager
def database_made_once(uri: str) -> Iterator[None]:
    """Hold the lock under which MLflow may make or migrate its SQLite database; other databases have their own.

    Two processes that start at once on an empty folder otherwise leave a half-migrated database. Raises
    sqlite3.DatabaseError at once if the file is damaged (MLflow would retry for 100 s), OSError if it cannot be made,
    and TimeoutError, which is one, where another process holds the lock for longer than `PATIENCE`.
    """
    path = sqlite_path(uri)
    if path is None:
        yield
        return
    private_folder(path.parent)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _lock(lock, path)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(path, timeout=20)) as connection:
            # Readers (the UI) and the writer do not wait for each other, and a commit costs one sync instead of three.
            connection.execute("PRAGMA journal_mode=WAL")
        yield
    finally:
        os.close(lock)


def _lock(lock: int, path: Path) -> None:
    """Take the lock of a database. A process that was stopped while it held it must not stop this one too."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                held = f"{path}.lock"
                raise TimeoutError(
                    f"{held} is held by another process; fuser {shlex.quote(held)} tells which"
                ) from None
            time.sleep(0.05)
        else:
            return


def sqlite_path(uri: str) -> Path | None:
    """Return the file of a `sqlite:///` address; None for any other address."""
    name = uri.removeprefix("sqlite:///").partition("?")[0]
    return Path(name).absolute() if uri.startswith("sqlite:///") and name not in ("", ":memory:") else None


def private_folder(path: Path) -> None:
    """Make a folder and those above it that are missing, readable by their owner alone."""
    for folder in (*reversed(path.parents), path):
        folder.mkdir(mode=0o700, exist_ok=True)
