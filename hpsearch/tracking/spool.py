"""What MLflow could not be told, on disk until it can: a file of lines, each synced, which only the driver writes.

A trial is a number here: everything else of it is in the study's history. What stands nowhere else (the launch's own
run, its metrics, tags and files) is kept whole.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch.fault_injection import crash_point
from hpsearch.tracking.items import (
    Artifact,
    DatasetInput,
    Item,
    Point,
    Points,
    RunEnd,
    RunKey,
    RunStart,
    Tags,
)

_KINDS = {kind.__name__: kind for kind in (RunStart, Points, Tags, RunEnd, Artifact, DatasetInput)}


@dataclass(frozen=True)
class Waiting:
    """A trial that ended, or items that belong together, and the launch in which that was."""

    launch: str
    """the token that is a tag of the launch's run"""
    items: tuple[Item, ...] = ()
    trial: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        if self.trial is not None:
            return {"launch": self.launch, "trial": self.trial}
        return {"launch": self.launch, "items": [_item_to_json(item) for item in self.items]}


class Spool:
    """What waits for MLflow, in order. Writing never raises: what the disk refuses waits in memory."""

    def __init__(self, path: Path | None) -> None:
        """Take the file, which need not exist; None keeps everything in memory."""
        self.path = path
        self.trouble: str | None = None
        """why the disk refused the last line; None where it did not"""
        self.damaged = 0
        """lines that `read` could make nothing of, the last time"""
        self._held: list[Waiting] = []
        if path is not None and path.exists():
            with contextlib.suppress(OSError):  # what cannot be cut cannot be appended to either
                _cut_torn_tail(path)

    def __bool__(self) -> bool:
        """Tell whether anything waits."""
        return bool(self._held) or (self.path is not None and self.path.exists())

    def append(self, waiting: Iterable[Waiting]) -> None:
        """Add what waits; it is on disk when this returns, if the disk takes it."""
        for one in waiting:
            # Once one is held in memory the others follow it there: their order is kept.
            if self.path is None or self._held or not self._write(self.path, one):
                self._held.append(one)
        crash_point("spool-written")

    def read(self) -> list[Waiting]:
        """Return all that waits, oldest first. A damaged line is passed over and counted."""
        waiting, self.damaged = [], 0
        lines = self.path.read_bytes().splitlines() if self.path is not None and self.path.exists() else []
        for line in lines:
            try:
                waiting.append(_waiting_from_json(json.loads(line)))
            except (ValueError, TypeError, KeyError, AttributeError):
                self.damaged += 1
        return waiting + self._held

    def clear(self) -> None:
        """Forget all that waited: it is sent."""
        self._held, self.trouble = [], None
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _write(self, path: Path, waiting: Waiting) -> bool:
        line = json.dumps(waiting.to_json(), separators=(",", ":")).encode() + b"\n"
        size = path.stat().st_size if path.exists() else 0
        try:
            with os.fdopen(os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600), "ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.trouble = f"{path} cannot be written: {error.strerror or error}"
            with contextlib.suppress(OSError):
                os.truncate(path, size) if size else path.unlink(missing_ok=True)
            return False
        return True


def _cut_torn_tail(path: Path) -> None:
    """Cut off a last line that a crash cut short: nobody was told that it was written."""
    content = path.read_bytes()
    keep = content.rfind(b"\n") + 1
    if keep < len(content):
        os.truncate(path, keep)


def _item_to_json(item: Item) -> dict[str, Any]:
    values: dict[str, Any] = {"is": type(item).__name__, **vars(item)}
    if isinstance(item, Artifact):
        values["content"] = base64.b64encode(item.content).decode()
    if isinstance(item, Points):
        values["points"] = [[point.key, point.value, point.step, point.timestamp] for point in item.points]
    return values


def _waiting_from_json(values: dict[str, Any]) -> Waiting:
    items = tuple(_item_from_json(dict(item)) for item in values.get("items", ()))
    trial = values.get("trial")
    return Waiting(str(values["launch"]), items, None if trial is None else int(trial))


def _item_from_json(values: dict[str, Any]) -> Item:
    kind = values.pop("is")
    values["key"] = _key(values["key"])
    if kind == "Artifact":
        values["content"] = base64.b64decode(values["content"], validate=True)
    if kind == "Points":
        values["points"] = tuple(Point(*point) for point in values["points"])
    if kind == "DatasetInput":
        values["columns"] = tuple(values["columns"])
    if kind == "RunStart":
        values["parent"] = _key(values["parent"])
    item: Item = _KINDS[kind](**values)
    return item


def _key(key: Any) -> RunKey:
    """Return a run's key, of which JSON makes a list where it is a tuple."""
    made: RunKey = tuple(key) if isinstance(key, list) else key
    return made
