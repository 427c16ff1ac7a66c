"""MLflow asked by a command that a person waits for: what goes wrong becomes one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hpsearch.errors import StoreError
from hpsearch.tracking.location import redact
from hpsearch.tracking.store import failures

_LONGEST = 200


@contextmanager
def mlflow_asked(uri: str) -> Iterator[None]:
    """Raise StoreError, without secrets, where MLflow is away, full, locked, damaged, or of another version."""
    try:
        yield
    except failures() as error:
        reason = " ".join(redact(str(error)).split())
        reason = reason if len(reason) <= _LONGEST else f"{reason[: _LONGEST - 1]}…"
        raise StoreError(f"{redact(uri)} does not answer as MLflow does: {reason}; see that it runs") from None
