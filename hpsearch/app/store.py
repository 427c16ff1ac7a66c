"""Where studies are kept: `--store`, else HPSEARCH_STORE, else `mlruns` in the current folder; and for whose eyes."""

from __future__ import annotations

import getpass
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpsearch.errors import StoreError


def store_folder(given: str | Path | None = None, *, create: bool = False) -> Path:
    """Return the store's absolute path. Raises StoreError where it cannot be used."""
    path = Path(given or os.environ.get("HPSEARCH_STORE") or "mlruns").expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path} is a file; name a folder with --store")
    if create:
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(f"{path} cannot be made: {error.strerror}; name another folder with --store") from None
        if not os.access(path, os.W_OK | os.X_OK):
            raise StoreError(f"{path} is not writable for user {getpass.getuser()}; name another with --store")
    return path


@contextmanager
def private_files() -> Iterator[None]:
    """Make what is written meanwhile its owner's alone: files 0600, folders 0700, those of processes started too.

    By the process's umask, as most of a store is written by MLflow, SQLite, TensorFlow and XLA, which ask nobody for a
    mode. It is set while a verb writes to the store and then put back: a program that calls hpsearch keeps its own, and
    files that a person names (`-o`) are made with it. Threads of that program that make files meanwhile make private
    ones; calls in several threads count together. Also usable as a decorator.
    """
    global _depth, _before  # noqa: PLW0603  the umask is the process's own, too
    with _lock:
        _before = os.umask(0o077) if _depth == 0 else _before
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                os.umask(_before)


_lock = threading.Lock()
_depth = _before = 0
