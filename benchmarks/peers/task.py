"""What a peer's program is given, as a JSON file, and what it writes down as it goes, a JSON line each.

Clocks are `time.monotonic()`, which all processes of a Linux machine share.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

Value = int | float | str


@dataclass(frozen=True)
class Task:
    """arrays: folder of the prepared rows. space: parameters as plain values, `hidden_layers` before its widths.

    listed: configurations to train in this order, instead of what the search would try. patience: epochs without
    improvement after which a trial ends; None: never. folder: what the program may fill. events: the file it writes.
    """

    arrays: str
    space: list[dict[str, Any]]
    target_scale: float
    events: str
    folder: str
    seed: int = 0
    listed: list[dict[str, Value]] | None = None
    patience: int | None = None
    threads: int | None = None
    shared_study: str | None = None

    def write(self, path: Path) -> None:
        """Write the file that `read_task` reads."""
        path.write_text(json.dumps(asdict(self)))

    def rows(self) -> list[Any]:
        """Return x_train, y_train, x_validation, y_validation."""
        parts = ("x_train", "y_train", "x_validation", "y_validation")
        return [np.load(Path(self.arrays) / f"{part}.npy") for part in parts]


def read_task(path: str) -> Task:
    """Return the task of a file."""
    return Task(**json.loads(Path(path).read_text()))


def draw(space: list[dict[str, Any]], suggest: Callable[[dict[str, Any]], Value]) -> dict[str, Value]:
    """Return a configuration; a width is asked for only where the net has its layer."""
    drawn: dict[str, Value] = {}
    for parameter in space:
        if parameter["layer"] is None or parameter["layer"] <= drawn["hidden_layers"]:
            drawn[parameter["name"]] = suggest(parameter)
    return drawn


class Events:
    """Writes what happened: a line for each epoch that is the best so far, and for each trial."""

    def __init__(self, task: Task) -> None:
        self._path = Path(task.events)
        self._scale = task.target_scale
        self._best = float("inf")

    def epoch(self, scaled_rmse: float) -> None:
        """Note an epoch's validation RMSE; a line is written where it is better than any before it."""
        if scaled_rmse < self._best:
            self._best = scaled_rmse
            self._write({"kind": "better", "rmse": scaled_rmse * self._scale})

    def trial(self, number: int, started: float, scaled_rmse: float | None) -> None:
        """Note a trial's end and its best epoch's validation RMSE (None or NaN: it has none)."""
        known = scaled_rmse is not None and np.isfinite(scaled_rmse)
        rmse = float(scaled_rmse) * self._scale if scaled_rmse is not None and known else None
        self._write({"kind": "trial", "number": number, "started": started, "rmse": rmse})

    def _write(self, line: dict[str, Any]) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps({"time": time.monotonic()} | line) + "\n")


def read_events(path: Path) -> list[dict[str, Any]]:
    """Return the lines of an events file; a last line that was cut short is passed over."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]
