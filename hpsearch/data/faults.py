"""How an error about data is worded: `path:line: field 'data.x': what was found; what is allowed; what to try`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpsearch.data.transform import show
from hpsearch.errors import DataError, Fault
from hpsearch.spec.sections import DataSection

LINES = "hpsearch.lines"
"""Key of `frame.attrs`: what gives the file's lines of some rows, while the table's rows are those of the file."""


def source_name(section: DataSection) -> str:
    """Return what the study file calls the source: a path, or `sklearn:NAME`."""
    return section.csv or section.parquet or f"sklearn:{section.sklearn}"


def data_error(section: DataSection, field: str, message: str, line: int | None = None) -> DataError:
    """Return the error that names source, line (1-based, the header's is 1), field and message."""
    return source_error(source_name(section), field, message, line)


def source_error(source: str, field: str, message: str, line: int | None = None) -> DataError:
    """Return the same of a source that no study file names. field: empty where none is at fault."""
    return DataError(one_line(Fault(field, message, line).describe(source)))


def one_line(message: str) -> str:
    """Return a message that quotes what a file holds as one line to print, of 2,000 characters at most."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in message)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST // 2]} ... {shown[-_LONGEST // 3 :]}"


_LONGEST = 2000


def places(frame: pd.DataFrame, rows: Iterable[int], limit: int = 3) -> str:
    """Return `line 5, 9, 12 and 4 more` for row positions: file lines where they are known, else row numbers from 1."""
    positions = list(rows)
    find = frame.attrs.get(LINES)
    numbers = [row + 1 for row in positions[:limit]] if find is None else find(positions[:limit])
    more = f" and {len(positions) - limit:,} more" if len(positions) > limit else ""
    return f"{'row' if find is None else 'line'} {', '.join(map(str, numbers))}{more}"


def cells(frame: pd.DataFrame, name: str, chosen: NDArray[np.bool_]) -> str:
    """Return `line 7, 9: '12abc', 'x'`: where a column's chosen cells stand, and what the first of them hold."""
    rows = np.flatnonzero(chosen)
    return f"{places(frame, rows)}: {', '.join(show(frame[name].iloc[row]) for row in rows[:3])}"


def too_large(section: DataSection, field: str, frame: pd.DataFrame, name: str, chosen: NDArray[np.bool_]) -> DataError:
    """Return the error that says which cells of a column of numbers are infinite or too large to be learned from."""
    count = int(chosen.sum())
    found = f"'{name}' has {'a cell' if count == 1 else f'{count:,} cells'} beyond the range of float32"
    first = frame[name].iloc[int(np.argmax(chosen))]
    fix = f"mend {'it' if count == 1 else 'them'}, rescale the column, or set na_values: ['{first}'] if it is missing"
    return data_error(section, field, f"{found} ({cells(frame, name, chosen)}); {fix}")
