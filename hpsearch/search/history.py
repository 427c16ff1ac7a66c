"""Finished trials on disk, a JSON line each, appended and synced before Optuna and MLflow hear of the trial.

Optuna's journal says which trials there are and what the objective was; this file holds everything else (every epoch,
seconds, seeds), so that MLflow and the journal itself can be written again from it. A line that a crash cut short is
cut off when the driver opens the file, and was never counted: its trial is still running for Optuna, and is run again.
Each line ends with a checksum of itself, so that a byte that changed on the disk is told from a result.
"""

from __future__ import annotations

import json
import os
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from hpsearch.disk import refusal
from hpsearch.errors import StoreError
from hpsearch.records import TrialRecord, trial_from_json
from hpsearch.search.folder import write_whole

_CHECK = b',"check":"'


def append_record(path: Path, record: TrialRecord) -> None:
    """Add a finished trial; it is on disk when this returns."""
    append_line(path, record.to_json())


def append_line(path: Path, values: dict[str, Any]) -> None:
    """Add a line of JSON to a file; it is on disk when this returns. What a full disk cuts short is taken back.

    Raises StoreError where the disk refuses.
    """
    append_bytes(path, to_line(values))


def append_bytes(path: Path, content: bytes) -> None:
    """Add bytes to a file, all of them or none; they are on disk when this returns. Raises StoreError."""
    size = path.stat().st_size if path.exists() else 0
    try:
        with path.open("ab", buffering=0) as file:
            left = memoryview(content)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
    except OSError as error:
        if path.exists():
            os.truncate(path, size)
        raise StoreError(refusal(path, error, len(content))) from None


def read_history(path: Path, *, epochs: bool = True, only: Collection[int] | None = None) -> dict[int, TrialRecord]:
    """Return the finished trials by number; a cut last line is passed over.

    epochs: False leaves them out, unread: they are nearly all of a long study's file. only: the trials that are wanted.
    Raises StoreError for a damaged line.
    """
    records: dict[int, TrialRecord] = {}
    for number, line in lines_of(path):
        try:
            content = checked(line)
            values = json.loads(content if epochs and only is None else _without_epochs(content))
            if only is not None and values["number"] not in only:
                continue
            record = trial_from_json(json.loads(content) if epochs and only is not None else values)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise StoreError(
                f"{path} is damaged: line {number} is not what was written; restore the file from a copy, or remove "
                "that line: another trial is run in the place of its trial"
            ) from None
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


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the whole lines of a file with their numbers, from 1; none where there is no file. Raises StoreError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}; see to its folder and disk") from None
    yield from enumerate(content.split(b"\n")[:-1], start=1)


def to_line(values: dict[str, Any]) -> bytes:
    """Return values as a line of JSON whose last key, `check`, is the CRC-32 of the rest."""
    text = json.dumps(values, separators=(",", ":"), allow_nan=False).encode()
    return text[:-1] + _CHECK + f'{zlib.crc32(text):08x}"}}\n'.encode()


def checked(line: bytes) -> bytes:
    """Return a line's JSON without its checksum. Raises ValueError where it is another; a line may have none."""
    head, mark, check = line.rpartition(_CHECK)
    if not mark:
        return line
    text = head + b"}"
    if check != f'{zlib.crc32(text):08x}"}}'.encode():
        raise ValueError("the checksum is that of another line")
    return text


def cut_torn_tail(path: Path) -> bytes:
    """Cut what follows the last newline off a file of lines, and return it. For the driver alone, under its lock.

    What is cut is kept beside the file, added to what stands under its name with `.torn` behind it.
    """
    if not path.exists():
        return b""
    content = path.read_bytes()
    keep = content.rfind(b"\n") + 1
    if keep < len(content):
        append_bytes(path.with_name(path.name + ".torn"), content[keep:] + b"\n")
        os.truncate(path, keep)
    return content[keep:]


def _without_epochs(line: bytes) -> bytes:
    """Return a record's JSON with no epochs. A quote inside a text is escaped, so neither mark can stand in one."""
    start, end = line.find(b'"epochs":['), line.rfind(b'],"parameters":')
    return line if start < 0 or end < start else line[:start] + b'"epochs":[' + line[end:]
