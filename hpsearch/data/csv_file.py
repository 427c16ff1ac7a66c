"""A CSV file, read strictly: what pandas would repair in silence (ragged rows, double names, NUL) is an error here.

The check is a vectorised count of separators a record. Only where the count does not come out even is the file walked
by Python's csv module, which then names the line; so a clean file of 1,000,000 rows costs a second, not a minute.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpsearch.data.csv_records import csv_records
from hpsearch.data.faults import FIRST_LINE, data_error
from hpsearch.errors import DataError
from hpsearch.spec.sections import DataSection

_CHUNK = 1 << 24
_SEPARATORS = {";": "';'", "\t": '"\\t"', "|": "'|'", ",": "','"}
MAX_COLUMNS = 100_000


def read_csv(section: DataSection, path: Path) -> pd.DataFrame:
    """Return the file's rows, columns as they are. Raises `DataError` with the line of what is wrong."""
    content = _text_bytes(section, path)
    names = _check_header(section, content)
    if not _is_even(section, content, len(names)):
        _check_records(section, content, len(names))
    try:
        frame = pd.read_csv(
            io.BytesIO(content), sep=section.separator, decimal=section.decimal, encoding="utf-8", index_col=False,
            keep_default_na=False, na_values=["", *section.na_values], low_memory=False,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise data_error(section, "data.csv", f"cannot be read as CSV: {str(error).strip()}") from None
    if frame.empty:
        raise data_error(section, "data.csv", "the file has a header and no rows; add rows", 1)
    if frame.shape[0] == _lines(content) - 1:
        frame.attrs[FIRST_LINE] = 2
    return _with_leading_zeros(frame, content, section)


def _text_bytes(section: DataSection, path: Path) -> bytes:
    """Return the file's text as UTF-8, unpacked, without byte order mark, after the checks that concern bytes."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise data_error(section, "data.csv", f"the gzip file is damaged: {error}; get it again") from None
    if not content.strip():
        raise data_error(section, "data.csv", "the file is empty; a CSV file has a header line and rows")
    for start, kind in (
        (b"PK\x03\x04", "a ZIP or Excel file; save it as CSV"),
        (b"PAR1", "Parquet; write parquet: PATH"),
    ):
        if content.startswith(start):
            raise data_error(section, "data.csv", f"this is {kind}")
    content = _as_utf8(section, content)
    nul = content.find(b"\0")
    if nul >= 0:
        line = content.count(b"\n", 0, nul) + 1
        raise data_error(section, "data.csv", f"a NUL byte at byte {nul}; the file is damaged or no text", line)
    return content


def _as_utf8(section: DataSection, content: bytes) -> bytes:
    try:
        encoding = codecs.lookup(section.encoding).name
    except LookupError:
        message = f"'{section.encoding}' is no known encoding; try utf-8, cp1252 or utf-16"
        raise data_error(section, "data.encoding", message) from None
    try:
        if encoding not in ("utf-8", "utf-8-sig", "ascii"):
            content = content.decode(encoding).encode("utf-8")
        elif not content.isascii():
            for start in range(0, len(content), _CHUNK):
                _decode_chunk(content, start)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        utf_16 = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        guess = "it looks like UTF-16; set encoding: utf-16" if utf_16 else "try encoding: cp1252 (Western European)"
        message = f"byte {error.start} ({content[error.start]:#04x}) is not {section.encoding}; {guess}"
        raise data_error(section, "data.encoding", message, line) from None
    return content.removeprefix(codecs.BOM_UTF8)


def _decode_chunk(content: bytes, start: int) -> None:
    """Check one chunk; a character cut by its end belongs to the next one."""
    while start and start < len(content) and content[start] & 0xC0 == 0x80:
        start -= 1
    end = min(start + _CHUNK + 4, len(content))
    try:
        codecs.utf_8_decode(content[start:end], "strict", end == len(content))
    except UnicodeDecodeError as error:
        raise UnicodeDecodeError("utf-8", content, start + error.start, start + error.end, error.reason) from None


def _check_header(section: DataSection, content: bytes) -> list[str]:
    names = next(_records(section, content), (1, []))[1]
    if len(names) > MAX_COLUMNS:
        raise data_error(section, "data.csv", f"{len(names):,} columns; at most {MAX_COLUMNS:,} are read", 1)
    if len(names) == 1:
        found = [mark for mark in _SEPARATORS if mark != section.separator and mark in names[0]]
        if found:
            likely = max(found, key=names[0].count)
            message = (
                f"found 1 column; it looks like {_SEPARATORS[likely]} separates; set separator: {_SEPARATORS[likely]}"
            )
            raise data_error(section, "data.separator", message, 1)
    check_names(section, "data.csv", names, 1)
    return names


def check_names(section: DataSection, field: str, names: list[str], line: int | None = None) -> None:
    """Refuse blank and double column names (also those that differ by case or spaces alone), with their positions."""
    numbers = "; the first line must hold column names, add one" if line and _all_numbers(names) else ""
    blank = [str(at) for at, name in enumerate(names, 1) if not name.strip()]
    if blank:
        index = "; if it is a row index, remove it" if blank[0] == "1" else ""
        message = f"column {', '.join(blank)} has no name{numbers or index or '; give it one'}"
        raise data_error(section, field, message, line)
    seen: dict[str, int] = {}
    for at, name in enumerate(names, 1):
        key = name.strip().casefold()
        if key in seen:
            message = f"column name '{name}' stands in columns {seen[key]} and {at}{numbers or '; rename one'}"
            raise data_error(section, field, message, line)
        seen[key] = at


def _all_numbers(names: list[str]) -> bool:
    return bool(pd.to_numeric(pd.Series(names, dtype=object), errors="coerce").notna().all())


def _is_even(section: DataSection, content: bytes, columns: int) -> bool:
    """Tell whether each record surely has as many fields as the header; False: perhaps not, look closer."""
    separator = section.separator.encode()
    if len(separator) > 1 or content.count(b"\r") != content.count(b"\r\n"):
        return False
    quotes, start, fields = b'"' in content, 0, columns - 1
    while start < len(content):
        end = content.find(b"\n", min(start + _CHUNK, len(content))) + 1 or len(content)
        chunk = np.frombuffer(content, np.uint8, end - start, start)
        if quotes and content.count(b'"', start, end) % 2:
            return False
        if not _chunk_is_even(chunk, separator[0], fields, quotes):
            return False
        start = end
    return True


def _chunk_is_even(chunk: NDArray[np.uint8], separator: int, fields: int, quotes: bool) -> bool:
    newline, mark = chunk == ord("\n"), chunk == separator
    if quotes:
        # RFC 4180: an odd number of quotes before a byte means it stands within quotes.
        outside = ~np.logical_xor.accumulate(chunk == ord('"'))
        newline, mark = newline & outside, mark & outside
    ends = np.flatnonzero(newline)
    starts = np.concatenate([[0], ends + 1])
    starts = starts[starts < len(chunk)]
    widths = np.add.reduceat(mark, starts, dtype=np.int64)
    if fields == 0:
        return bool((widths == 0).all())
    return bool(((widths == fields) | (chunk[starts] == ord("\n")) | (chunk[starts] == ord("\r"))).all())


def _check_records(section: DataSection, content: bytes, columns: int) -> None:
    """Walk the file record by record and refuse uneven ones, naming their lines."""
    uneven = [(line, len(cells)) for line, cells in _records(section, content) if cells and len(cells) != columns]
    if not uneven:
        return
    line, found = uneven[0]
    also = f" (also {', '.join(f'line {n}: {k}' for n, k in uneven[1:3])}" if len(uneven) > 1 else ""
    also += f" and {len(uneven) - 3:,} more)" if len(uneven) > 3 else ")" if also else ""
    fix = "quote cells that hold the separator" if found > columns else "add the missing fields, empty where unknown"
    raise data_error(
        section,
        "data.csv",
        f"{found} {'field' if found == 1 else 'fields'} where the header has {columns}{also}; {fix}",
        line,
    )


def _records(section: DataSection, content: bytes) -> Iterator[tuple[int, list[str]]]:
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")
    return csv_records(text, section.separator, lambda line, error: _quote_error(section, line, str(error)))


def _quote_error(section: DataSection, line: int, reason: str) -> DataError:
    if "expected after" in reason:
        found = "text follows a closing quote"
    elif "field larger" in reason:
        found = f"a cell has more than {csv.field_size_limit():,} characters, or its quote is not closed"
    else:
        found = "a quote opens here that is not closed"
    return data_error(section, "data.csv", f'{found}; close it, or double a quote inside a quoted cell ("")', line)


def _lines(content: bytes) -> int:
    return content.count(b"\n") + (not content.endswith(b"\n"))


def _with_leading_zeros(frame: pd.DataFrame, content: bytes, section: DataSection) -> pd.DataFrame:
    """Read columns such as 00123 again as text: they are identifiers, and as numbers they would lose their zeros."""
    whole = [str(name) for name in frame.columns if pd.api.types.is_integer_dtype(frame[name].dtype)]
    first_cell = f"{section.separator}0".encode()
    if not whole or not (_zero_then_digit(content, first_cell) or _zero_then_digit(content, b"\n0")):
        return frame
    texts = pd.read_csv(
        io.BytesIO(content), sep=section.separator, usecols=whole, dtype="str", index_col=False,
        keep_default_na=False, na_values=["", *section.na_values], encoding="utf-8",
    )  # fmt: skip
    for name in whole:
        if texts[name].str.match(r"[+-]?0\d").fillna(False).any():
            frame[name] = texts[name]
    return frame


def _zero_then_digit(content: bytes, start: bytes) -> bool:
    return any(start + str(digit).encode() in content for digit in range(10))
