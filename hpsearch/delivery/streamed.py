"""A CSV file's rows predicted a part at a time: memory does not grow with the file.

The file is looked through before anything is predicted, by Python's csv module: pandas would fill up a row that is too
short in silence. That takes about a second for 1,000,000 rows of ten columns.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from hpsearch.data.csv_records import csv_records
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
            raise DataError(f"{path} is empty; give a CSV file with a header line and rows")
        _check_header(predictor, f"{path} line {line}", names)
        rows = 0
        for line, cells in records:
            if len(cells) != len(names):
                found = f"{len(cells)} {'cell' if len(cells) == 1 else 'cells'} where the header has {len(names)}"
                raise DataError(f"{path} line {line}: {found}; quote cells with a separator, leave unknown ones empty")
            rows += 1
    return CsvRows(path, tuple(names), rows, gzipped)


def predictions(predictor: Predictor, found: CsvRows, keep: Sequence[str] = ()) -> Iterator[pd.DataFrame]:
    """Yield the predictions of a file's rows in their order, a part at a time, one at least.

    Columns as `Predictor.predict` has them; before them those of the file that `keep` names, as the text that stands
    there. Raises DataError: file, line and column of a cell that cannot be read, or an unknown or double name to keep.
    """
    for name in keep:
        if name not in found.columns:
            raise DataError(f"{found.path} has no column {name!r} to keep{suggestion(name, found.columns)}")
    kept = _texts(predictor, found, keep) if keep else None
    at = 0
    for frame in _frames(predictor, found, predictor.about["columns"], predictor.csv_options()):
        predicted = _predicted(predictor, found, frame, at)
        at += len(frame)
        if kept is not None:
            texts = next(kept)
            if double := [name for name in keep if name in predicted.columns]:
                raise DataError(f"{', '.join(map(repr, double))} is a column of the predictions too; do not keep it")
            predicted = pd.concat([texts.set_axis(predicted.index), predicted], axis=1)
        yield predicted


def _predicted(predictor: Predictor, found: CsvRows, frame: pd.DataFrame, at: int) -> pd.DataFrame:
    try:
        return predictor.predict(predictor.as_trained(frame))
    except DataError as error:
        cell = error.__cause__
        if not isinstance(cell, CellError):
            raise
        line = _line_of(predictor, found, at + cell.row)
        raise DataError(f"{found.path} line {line}, {cell.what}; correct it (a cell may be empty)") from None


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
        raise DataError(f"{found.path} cannot be read as CSV: {str(error).strip()}; save it again as CSV") from error


def _check_header(predictor: Predictor, where: str, names: Sequence[str]) -> None:
    needed: list[str] = predictor.about["columns"]
    missing = [name for name in needed if name not in names]
    twice = [name for name in needed if names.count(name) > 1]
    if twice:
        raise DataError(f"{where}: column {', '.join(map(repr, twice))} stands twice; keep one")
    if missing:
        shown = ", ".join(map(repr, missing[:5])) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        hint = f"; cells are separated by {_separator(predictor)!r} here, as in training" if len(names) == 1 else ""
        near = suggestion(missing[0], names[:50]) if len(names) > 1 else f"; found: {names[0][:80]!r}"
        raise DataError(
            f"{where}: no column {shown}{near}{hint}; the first line holds the columns' names, in any order "
            "(a cell may be empty, a column may not be absent)"
        )


def _line_of(predictor: Predictor, found: CsvRows, row: int) -> int:
    """Return the line on which a row begins; its position is not that where cells span lines or lines are blank."""
    with _opened(predictor, found.path, found.gzipped) as file:
        records = _records(file, found.path, _separator(predictor))
        return next(line for at, (line, _) in enumerate(records) if at == row + 1)


def _records(file: TextIO, path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record begins, and its cells; blank lines are none."""

    def refusal(line: int, error: csv.Error) -> DataError:
        return DataError(f'{path} line {line}: {error}; close the quote, or double one inside a cell ("")')

    for line, cells in csv_records(file, separator, refusal):
        if len(cells) > 1 or (cells and cells[0].strip()):
            yield line, cells


def _separator(predictor: Predictor) -> str:
    return str(predictor.about["metadata"].get("csv", {}).get("sep", ","))


def _is_gzip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == b"\x1f\x8b"
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}; give a CSV file") from None


@contextmanager
def _opened(predictor: Predictor, path: Path, gzipped: bool) -> Iterator[TextIO]:
    encoding = str(predictor.about["metadata"].get("csv", {}).get("encoding", "utf-8"))
    without_mark = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    opener = gzip.open if gzipped else open
    try:
        with opener(path, "rt", encoding=without_mark, newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise DataError(
            f"{path}: byte {byte:#04x} is not {encoding}, which the training file was; save the file as {encoding}"
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}; get it again") from None
