"""What goes wrong with MLflow as one line: for a command that a person waits for, and for a launch that goes on."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from hpsearch.errors import StoreError
from hpsearch.tracking.database import sqlite_path
from hpsearch.tracking.location import is_server, redact
from hpsearch.tracking.store import failures

_LONGEST = 200
_BROKEN_OFF = ("Connection aborted", "Connection reset", "Remote end closed", "Broken pipe")


@contextmanager
def mlflow_asked(uri: str) -> Iterator[None]:
    """Raise StoreError, without secrets, where MLflow is away, full, locked, damaged, or of another version."""
    try:
        yield
    except failures() as error:
        reason = reason_of(uri, error)
        raise StoreError(f"{redact(uri)} does not answer as MLflow does: {reason}; see that it runs") from None


def reason_of(uri: str, error: Exception) -> str:
    """Return why MLflow failed as one short line without secrets; of a database who may hold it, or what is free."""
    text, path = str(error), sqlite_path(uri)
    if path is not None and "database is locked" in text:
        return f"{path} is locked by another process; fuser {shlex.quote(str(path))} tells which"
    if path is not None and ("database or disk is full" in text or "disk I/O error" in text):
        free = shutil.disk_usage(path.parent).free / 1e6
        return f"{path} cannot be written: the disk is full or limited ({free:,.0f} MB free)"
    if is_server(uri) and "timed out" in text:
        return f"no answer within {os.environ.get('MLFLOW_HTTP_REQUEST_TIMEOUT', '?')} s"
    if is_server(uri) and "Connection refused" in text:
        return "connection refused"
    if is_server(uri) and any(sign in text for sign in _BROKEN_OFF):
        return "the connection broke off"
    said = " ".join(redact(f"{type(error).__name__}: {error}").split())
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"
