"""A CSV file's rows predicted a part at a time: memory does not grow with the file.

The file is looked through before anything is predicted, by Python's csv module: pandas would fill up a row that is too
short in silence. That takes about a second for 1,000,000 rows of ten columns.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from hpsearch.data.csv_records import csv_records
from hpsearch.data.faults import source_error
from hpsearch.data.transform import CellError
from hpsearch.delivery.predictor import Predictor
from hpsearch.errors import DataError, suggestion

_CELLS = 1_000_000
"""Cells of a part, raw or prepared: as text they take some 60 MB."""


@dataclass(frozen=True)
class CsvRows:
    """A CSV file that was looked through: every row has as many cells as the header."""

    path: Path
    columns: tuple[str, ...]
    rows: int
    gzipped: bool


def look_through(predictor: Predictor, path: Path) -> CsvRows:
    """Return what a CSV file (also gzipped) holds; it is read with the separator and the encoding of the training file.

    Raises DataError, with file and line, for a file that is none, for a column that the model needs and does not find,
    or finds twice, and for a row with more or fewer cells than the header.
    """
    path, gzipped = Path(path), _is_gzip(Path(path))
    with _opened(predictor, path, gzipped) as file:
        records = _records(file, path, _separator(predictor))
        line, names = next(records, (1, []))
        if not names:
            raise source_error(str(path), "", "the file is empty; a CSV file has a header line and rows")
        _check_header(predictor, path, line, names)
        rows = 0
        for line, cells in records:
            if len(cells) != len(names):
                found = f"{len(cells)} {'field' if len(cells) == 1 else 'fields'} where the header has {len(names)}"
                long = len(cells) > len(names)
                fix = "quote cells that hold the separator" if long else "add the missing fields, empty where unknown"
                raise source_error(str(path), "", f"{found}; {fix}", line)
            rows += 1
    return CsvRows(path, tuple(names), rows, gzipped)


def predictions(predictor: Predictor, found: CsvRows, keep: Sequence[str] = ()) -> Iterator[pd.DataFrame]:
    """Yield the predictions of a file's rows in their order, a part at a time, one at least.

    Columns as `Predictor.predict` has them; before them those of the file that `keep` names, as the text that stands
    there. Raises DataError: file, line and column of a cell that cannot be read, or an unknown or double name to keep.
    """
    for name in keep:
        if name not in found.columns:
            message = f"no column '{name}' to keep{suggestion(name, found.columns)}"
            raise source_error(str(found.path), "", message)
    kept = _texts(predictor, found, keep) if keep else None
    at = 0
    for frame in _frames(predictor, found, predictor.about["columns"], predictor.csv_options()):
        predicted = _predicted(predictor, found, frame, at)
        at += len(frame)
        if kept is not None:
            texts = next(kept)
            if double := [name for name in keep if name in predicted.columns]:
                message = f"{', '.join(map(repr, double))} is a column of the predictions too; do not keep it"
                raise source_error(str(found.path), "", message)
            predicted = pd.concat([texts.set_axis(predicted.index), predicted], axis=1)
        yield predicted
    if at != found.rows:
        message = (
            f"the file can be read in two ways ({found.rows:,} rows by one count, {at:,} by another); quote its texts"
        )
        raise source_error(str(found.path), "", message)


def _predicted(predictor: Predictor, found: CsvRows, frame: pd.DataFrame, at: int) -> pd.DataFrame:
    try:
        return predictor.predict(predictor.as_trained(frame))
    except DataError as error:
        cell = error.__cause__
        if not isinstance(cell, CellError):
            raise
        line = _line_of(predictor, found, at + cell.row)
        raise source_error(str(found.path), "", f"{cell.what}; mend it (a cell may be empty)", line) from None


def _texts(predictor: Predictor, found: CsvRows, keep: Sequence[str]) -> Iterator[pd.DataFrame]:
    options = predictor.csv_options() | {"dtype": "str", "na_filter": False}
    for frame in _frames(predictor, found, keep, options):
        yield frame[list(keep)]


def _frames(
    predictor: Predictor, found: CsvRows, columns: Sequence[str], options: dict[str, Any]
) -> Iterator[pd.DataFrame]:
    rows = max(1, _CELLS // max(len(found.columns), len(predictor.preparation["features"])))
    if found.rows == 0:
        yield pd.DataFrame(columns=list(columns))
        return
    try:
        options = options | {"usecols": list(columns), "compression": "gzip" if found.gzipped else None}
        with pd.read_csv(found.path, chunksize=rows, **options) as parts:
            yield from parts
    except (ValueError, OSError) as error:
        message = f"cannot be read as CSV: {str(error).strip()}; save it again as CSV"
        raise source_error(str(found.path), "", message) from error


def _check_header(predictor: Predictor, path: Path, line: int, names: Sequence[str]) -> None:
    needed: list[str] = predictor.about["columns"]
    counts = Counter(names)
    missing = [name for name in needed if not counts[name]]
    twice = [name for name in needed if counts[name] > 1]
    if twice:
        raise source_error(str(path), "", f"column {', '.join(map(repr, twice))} stands twice; keep one", line)
    if missing:
        shown = ", ".join(map(repr, missing[:5])) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        hint = f"; cells are separated by {_separator(predictor)!r} here, as in training" if len(names) == 1 else ""
        near = suggestion(missing[0], names[:50]) if len(names) > 1 else f"; found: {names[0][:80]!r}"
        fix = "the first line holds the columns' names, in any order (a cell may be empty, a column may not be absent)"
        raise source_error(str(path), "", f"no column {shown}{near}{hint}; {fix}", line)


def _line_of(predictor: Predictor, found: CsvRows, row: int) -> int:
    """Return the line on which a row begins; its position is not that where cells span lines or lines are blank."""
    with _opened(predictor, found.path, found.gzipped) as file:
        records = _records(file, found.path, _separator(predictor))
        return next(line for at, (line, _) in enumerate(records) if at == row + 1)


def _records(file: TextIO, path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record begins, and its cells; blank lines are none."""
    found = csv_records(file, separator, lambda line, found: source_error(str(path), "", found, line))
    return ((line, cells) for line, cells in found if cells)


def _separator(predictor: Predictor) -> str:
    return str(predictor.about["metadata"].get("csv", {}).get("sep", ","))


def _is_gzip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == b"\x1f\x8b"
    except OSError as error:
        raise source_error(str(path), "", f"cannot be read: {error.strerror or error}; name a CSV file") from None


@contextmanager
def _opened(predictor: Predictor, path: Path, gzipped: bool) -> Iterator[TextIO]:
    encoding = str(predictor.about["metadata"].get("csv", {}).get("encoding", "utf-8"))
    without_mark = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    opener = gzip.open if gzipped else open
    try:
        with opener(path, "rt", encoding=without_mark, newline="") as file:
            yield file
    except UnicodeDecodeError:
        line, byte = _first_undecoded(path, gzipped, without_mark)
        message = f"byte {byte:#04x} is not {encoding}, which the training file was; save the file as {encoding}"
        raise source_error(str(path), "", message, line) from None
    except (OSError, EOFError, zlib.error) as error:
        kind = "the gzip file is damaged" if gzipped else "cannot be read"
        raise source_error(str(path), "", f"{kind}: {error}; get it again") from None


def _first_undecoded(path: Path, gzipped: bool, encoding: str) -> tuple[int, int]:
    """Return the line of the first byte that the encoding does not have, and the byte."""
    decode = codecs.getincrementaldecoder(encoding)().decode
    lines = 1
    with gzip.open(path) if gzipped else path.open("rb") as file:
        while True:
            part = file.read(_BLOCK)
            try:
                lines += decode(part, final=not part).count("\n")
            except UnicodeDecodeError as error:
                return lines + error.object[: error.start].count(b"\n"), error.object[error.start]


_BLOCK = 1 << 20
