"""A CSV file, read strictly: what pandas would repair in silence (ragged rows, double names) is an error here.

The check is a vectorised count of separators a record. Only where the count does not come out even is the file walked
by Python's csv module, which then names the line; so a clean file of 1,000,000 rows costs a second, not a minute.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpsearch.data.csv_records import csv_records
from hpsearch.data.csv_text import read_text
from hpsearch.data.faults import LINES, data_error
from hpsearch.errors import DataError
from hpsearch.spec.sections import DataSection

_CHUNK = 1 << 24
_SEPARATORS = {";": "';'", "\t": '"\\t"', "|": "'|'", ",": "','"}
MAX_COLUMNS = 20_000
"""A column costs some 2 ms until it is prepared, whatever its rows."""


def read_csv(section: DataSection, path: Path) -> pd.DataFrame:
    """Return the file's rows, columns as they are. Raises `DataError` with the line of what is wrong."""
    _check_marks(section)
    content = read_text(section, path)
    line, names = _header(section, content)
    records = _even_records(section, content, len(names))
    if records is None:
        records = _checked_records(section, content, len(names))
    if records == 1:
        raise data_error(section, "data.csv", "the file has a header and no rows; add rows", line)
    try:
        frame = pd.read_csv(io.BytesIO(content), low_memory=False, **_options(section))
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, OverflowError) as error:
        raise data_error(section, "data.csv", f"cannot be read as CSV: {str(error).strip()}") from None
    if frame.shape[0] != records - 1 or list(frame.columns) != names:
        found = f"{records - 1:,} rows by one count, {frame.shape[0]:,} by another"
        raise data_error(section, "data.csv", f"the file can be read in two ways ({found}); quote its texts")
    frame.attrs[LINES] = _FileLines(section, path)
    return _with_gaps(_with_identifiers(frame, content, section), section)


def _options(section: DataSection) -> dict[str, Any]:
    return {
        "sep": section.separator, "decimal": section.decimal, "encoding": "utf-8", "index_col": False,
        "keep_default_na": False, "na_values": ["", *section.na_values],
    }  # fmt: skip


@dataclass(frozen=True)
class _FileLines:
    """Finds rows in their file again, which takes a second or two: only messages need it."""

    section: DataSection
    path: Path

    def __call__(self, rows: Sequence[int]) -> list[int]:
        """Return the line on which each of some rows begins; ascending."""
        wanted, lines = set(rows), []
        records = (line for line, cells in _records(self.section, read_text(self.section, self.path)) if cells)
        for row, line in enumerate(islice(records, 1, max(wanted, default=0) + 2)):
            lines += [line] if row in wanted else []
        return lines

    def __deepcopy__(self, memo: dict[int, Any]) -> _FileLines:
        """Be shared: pandas copies a table's attributes for each column that is taken from it."""
        return self


def _check_marks(section: DataSection) -> None:
    """Refuse a separator or a decimal mark that pandas and csv would not understand alike."""
    if not section.separator.isascii() or section.separator in '"\n\r\0':
        message = f"{section.separator!r} cannot separate cells; use an ASCII character other than a quote"
        raise data_error(section, "data.separator", message)
    if section.decimal not in ".,":
        raise data_error(section, "data.decimal", f"{section.decimal!r} is no decimal mark; use '.' or ','")
    if section.decimal == section.separator:
        message = f"{section.decimal!r} separates cells too; set another decimal mark or separator"
        raise data_error(section, "data.decimal", message)


def _header(section: DataSection, content: bytes) -> tuple[int, list[str]]:
    """Return the header's line and the columns' names."""
    line, names = next(((line, cells) for line, cells in _records(section, content) if cells), (1, []))
    if len(names) > MAX_COLUMNS:
        message = f"{len(names):,} columns; at most {MAX_COLUMNS:,} are read; write a file with those that matter"
        raise data_error(section, "data.csv", message, line)
    if len(names) == 1:
        found = [mark for mark in [*_SEPARATORS, ":", " "] if mark != section.separator and mark in names[0].strip()]
        if found:
            likely = max(found[:1] if found[0] in ": " else found, key=names[0].count)
            mark = _SEPARATORS.get(likely, f"'{likely}'")
            message = f"found 1 column; it looks like {mark} separates; set separator: {mark}"
            raise data_error(section, "data.separator", message, line)
    check_names(section, "data.csv", names, line)
    return line, names


def check_names(section: DataSection, field: str, names: list[str], line: int | None = None) -> None:
    """Refuse blank and double column names (also those that differ by case or spaces alone), with their positions."""
    numbers = "; the first line must hold column names, add one" if line and _all_numbers(names) else ""
    blank = [at for at, name in enumerate(names, 1) if not name.strip()]
    if blank:
        shown = ", ".join(map(str, blank[:3])) + (f" and {len(blank) - 3:,} more" if len(blank) > 3 else "")
        index = "; if it is a row index, remove it" if blank[0] == 1 else ""
        last = "; if each line ends with a separator, remove that" if blank == [len(names)] else ""
        fix = numbers or index or last or f"; give {'it' if len(blank) == 1 else 'each'} one"
        found = f"column {shown} has" if len(blank) == 1 else f"columns {shown} have"
        raise data_error(section, field, f"{found} no name{fix}", line)
    seen: dict[str, int] = {}
    for at, name in enumerate(names, 1):
        key = unicodedata.normalize("NFC", name.strip()).casefold()
        if key in seen:
            message = f"column name {_quoted(name)} stands in columns {seen[key]} and {at}{numbers or '; rename one'}"
            raise data_error(section, field, message, line)
        seen[key] = at


def _quoted(name: str) -> str:
    return f"'{name}'" if len(name) <= 80 and name.isprintable() else f"{name[:77]!r}..."


def _all_numbers(names: list[str]) -> bool:
    return bool(pd.to_numeric(pd.Series(names, dtype=object), errors="coerce").notna().all())


def _even_records(section: DataSection, content: bytes, columns: int) -> int | None:
    """Return how many records there are if each surely has as many fields as the header; None: look closer."""
    if content.count(b"\r") != content.count(b"\r\n"):
        return None
    separator, quotes, start, records = ord(section.separator), b'"' in content, 0, 0
    while start < len(content):
        end = content.find(b"\n", min(start + _CHUNK, len(content))) + 1 or len(content)
        if quotes and content.count(b'"', start, end) % 2:
            return None
        found = _even_in_chunk(np.frombuffer(content, np.uint8, end - start, start), separator, columns - 1, quotes)
        if found is None:
            return None
        start, records = end, records + found
    return records


def _even_in_chunk(chunk: NDArray[np.uint8], separator: int, fields: int, quotes: bool) -> int | None:
    newline, mark = chunk == ord("\n"), chunk == separator
    if quotes:
        quote = chunk == ord('"')
        if not _quotes_enclose_cells(chunk, np.flatnonzero(quote), separator):
            return None
        # RFC 4180: an odd number of quotes before a byte means it stands within quotes.
        outside = ~np.logical_xor.accumulate(quote)
        newline, mark = newline & outside, mark & outside
    starts = np.concatenate([[0], np.flatnonzero(newline) + 1])
    starts = starts[starts < len(chunk)]
    if np.diff(starts, append=len(chunk)).max() > csv.field_size_limit():
        return None
    blank = (chunk[starts] == ord("\n")) | (chunk[starts] == ord("\r"))
    even = np.add.reduceat(mark, starts, dtype=np.int64) == fields
    return int((~blank).sum()) if (even | blank).all() else None


def _quotes_enclose_cells(chunk: NDArray[np.uint8], at: NDArray[np.intp], separator: int) -> bool:
    """Tell whether each quote opens a cell, ends one, or doubles another; `at` has an even number of positions."""
    opens, closes = at[0::2], at[1::2]
    before, after = chunk[opens[opens > 0] - 1], chunk[closes[closes < len(chunk) - 1] + 1]
    borders = [separator, ord("\n"), ord('"')]
    return bool(np.isin(before, borders).all() and np.isin(after, [*borders, ord("\r")]).all())


def _checked_records(section: DataSection, content: bytes, columns: int) -> int:
    """Walk the file record by record, refuse uneven ones, naming their lines, and return how many there are."""
    records, uneven = 0, []
    for line, cells in _records(section, content):
        records += bool(cells)
        if cells and len(cells) != columns:
            uneven.append((line, len(cells)))
    if not uneven:
        return records
    line, found = uneven[0]
    also = f" (also {', '.join(f'line {n}: {k}' for n, k in uneven[1:3])}" if len(uneven) > 1 else ""
    also += f" and {len(uneven) - 3:,} more)" if len(uneven) > 3 else ")" if also else ""
    counts = f"{found} {'field' if found == 1 else 'fields'} where the header has {columns}{also}"
    other = _other_separator(section, content)
    if other:
        fix = f"it looks like {other} separates; set separator: {other}"
    elif found < columns:
        fix = "add the missing fields, empty where unknown"
    elif len(uneven) == records - 1 and len({k for _, k in uneven}) == 1:
        fix = "name each column in the header (a row index too), or remove what each row has beyond it"
    else:
        fix = "quote cells that hold the separator"
    raise data_error(section, "data.csv", f"{counts}; {fix}", line)


def _other_separator(section: DataSection, content: bytes) -> str:
    """Return, as YAML writes it, another separator by which the first records come out even; empty: there is none."""
    for mark, written in _SEPARATORS.items():
        if mark == section.separator:
            continue
        try:
            first = [len(cells) for _, cells in islice(_records(section, content, mark), 20) if cells]
        except DataError:
            continue
        if len(first) > 1 and len(set(first)) == 1 and first[0] > 1:
            return written
    return ""


def _records(section: DataSection, content: bytes, separator: str = "") -> Iterator[tuple[int, list[str]]]:
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")
    return csv_records(
        text, separator or section.separator, lambda line, found: data_error(section, "data.csv", found, line)
    )


def _with_identifiers(frame: pd.DataFrame, content: bytes, section: DataSection) -> pd.DataFrame:
    """Read columns such as 00123 or 9007199254740993 again as text: as numbers they would lose zeros, or digits.

    Whole numbers beside a missing cell are floats to pandas, which are exact up to 2^53 alone.
    """
    zeros = any(_zero_then_digit(content, before + b"0") for before in (section.separator.encode(), b"\n", b"\r", b'"'))
    whole = [str(name) for name in frame.columns if _is_whole(frame[name], zeros)]
    if not whole:
        return frame
    texts = pd.read_csv(io.BytesIO(content), usecols=whole, dtype="str", **_options(section))
    for name in whole:
        if texts[name].str.match(r"[+-]?(0\d|\d{16,}$)").fillna(False).any():
            frame[name] = texts[name]
    return frame


def _with_gaps(frame: pd.DataFrame, section: DataSection) -> pd.DataFrame:
    """Make cells missing that pandas 3.1 left as text: beside whole numbers above 2^63 it knows no missing cell."""
    for name in frame.columns:
        if frame[name].dtype == object or isinstance(frame[name].dtype, pd.StringDtype):
            gone = frame[name].isin(["", *section.na_values])
            if gone.any():
                frame[name] = frame[name].mask(gone)
    return frame


def _is_whole(series: pd.Series[Any], zeros: bool) -> bool:
    """Tell whether a column may hold identifiers: whole numbers with zeros before them, or floats above 2^53."""
    if pd.api.types.is_integer_dtype(series.dtype):
        return zeros
    if not pd.api.types.is_float_dtype(series.dtype):
        return False
    known = series.to_numpy()[series.notna().to_numpy()]
    return bool(len(known)) and (zeros or np.abs(known).max() > 2**53) and bool((known == np.floor(known)).all())


def _zero_then_digit(content: bytes, start: bytes) -> bool:
    return any(start + str(digit).encode() in content for digit in range(10))
