"""Where studies are kept: `--store`, else HPSEARCH_STORE, else `mlruns` in the current folder; and for whose eyes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpsearch.disk import MOUNTS, network_mount, refusal, unwritable, user
from hpsearch.errors import StoreError

ALLOW_NETWORK = "HPSEARCH_NETWORK_STORE"
"""Set to 1 it lets a store be on a network file system."""


def store_folder(given: str | Path | None = None, *, create: bool = False) -> Path:
    """Return the store's absolute path; with `create` it is there and fit for a driver. Raises StoreError."""
    path = Path(given or os.environ.get("HPSEARCH_STORE") or "mlruns").expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path} is a file; name a folder with --store")
    if create:
        require_local(path)
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            fix = "name another folder with --store"
            raise StoreError(f"{path} cannot be made: {error.strerror} (user {user()}); {fix}") from None
        require_usable(path)
    return path


def require_usable(path: Path) -> None:
    """Raise StoreError where a driver cannot keep a study in a folder: no right, no room, no lock, no local disk."""
    require_local(path)
    if (refused := unwritable(path)) is not None:
        raise StoreError(refusal(path, refused))


def require_local(path: Path, mounts: Path = MOUNTS) -> None:
    """Raise StoreError where a store would be on a network file system, unless HPSEARCH_NETWORK_STORE is 1."""
    mount = network_mount(path, mounts)
    if mount is not None and os.environ.get(ALLOW_NETWORK) != "1":
        raise StoreError(
            f"{path} is on a network file system ({mount.kind} at {mount.point}), where locks and synced writes are "
            "not to be trusted: two drivers could damage a study; give a folder on a disk of this machine with "
            f"--store and copy it afterwards, or set {ALLOW_NETWORK}=1 if one machine alone ever writes there"
        )


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
