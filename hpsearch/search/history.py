"""Finished trials on disk, a JSON line each, appended and synced before Optuna and MLflow hear of the trial.

Optuna's journal says which trials there are and what the objective was; this file holds everything else (every epoch,
seconds, seeds), so that MLflow can be written again from it. A line that a crash cut short is cut off when the driver
opens the file, and was never counted: its trial is still running for Optuna, and is run again.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from hpsearch.errors import StoreError
from hpsearch.records import TrialRecord, trial_from_json
from hpsearch.search.folder import write_whole


def append_record(path: Path, record: TrialRecord) -> None:
    """Add a finished trial; it is on disk when this returns."""
    append_line(path, record.to_json())


def append_line(path: Path, values: dict[str, Any]) -> None:
    """Add a line of JSON to a file; it is on disk when this returns. What a full disk cuts short is taken back.

    Raises StoreError where the disk refuses.
    """
    line = json.dumps(values, separators=(",", ":"), allow_nan=False) + "\n"
    size = path.stat().st_size if path.exists() else 0
    try:
        with path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if path.exists():
            os.truncate(path, size)
        raise StoreError(f"{path} cannot be written: {error.strerror or error}; free some space, run again") from None


def read_history(path: Path) -> dict[int, TrialRecord]:
    """Return the finished trials by number; a cut last line is passed over."""
    records: dict[int, TrialRecord] = {}
    if not path.exists():
        return records
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            record = trial_from_json(json.loads(line))
        except (ValueError, TypeError, KeyError):
            raise StoreError(f"{path}:{number}: the line is damaged; restore the file, or remove the line") from None
        records[record.number] = record
    return records


def keep_last_lines(path: Path) -> list[int]:
    """Keep the last line of each trial where there are several, and return the numbers of those trials.

    The file as it was is kept beside it, with `.twice` behind its name. For the driver alone, under its lock.
    """
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    numbers = [json.loads(line)["number"] for line in lines]
    last = {number: at for at, number in enumerate(numbers)}
    twice = sorted(number for number, count in Counter(numbers).items() if count > 1)
    if twice:
        path.with_name(path.name + ".twice").write_bytes(b"".join(lines))
        write_whole(path, b"".join(lines[at] for at in sorted(last.values())))
    return twice


def cut_torn_tail(path: Path) -> bytes:
    """Cut what follows the last newline off a file of lines, and return it. For the driver alone, under its lock.

    What is cut is kept beside the file, under its name with `.torn` behind it.
    """
    if not path.exists():
        return b""
    content = path.read_bytes()
    keep = content.rfind(b"\n") + 1
    if keep < len(content):
        path.with_name(path.name + ".torn").write_bytes(content[keep:])
        os.truncate(path, keep)
    return content[keep:]
