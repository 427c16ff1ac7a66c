"""How an error about data is worded: `path:line: field 'data.x': what was found; what is allowed; what to try`."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from hpsearch.errors import DataError, Fault
from hpsearch.spec.sections import DataSection

FIRST_LINE = "hpsearch.first_line"
"""Key of `frame.attrs`: the file's line of row 0, where row i is sure to stand i lines below it."""


def source_name(section: DataSection) -> str:
    """Return what the study file calls the source: a path, or `sklearn:NAME`."""
    return section.csv or section.parquet or f"sklearn:{section.sklearn}"


def data_error(section: DataSection, field: str, message: str, line: int | None = None) -> DataError:
    """Return the error that names source, line (1-based, the header's is 1), field and message."""
    return DataError(Fault(field, message, line).describe(source_name(section)))


def places(frame: pd.DataFrame, rows: Iterable[int], limit: int = 3) -> str:
    """Return `line 5, 9, 12 and 4 more` for row positions: file lines where they are known, else row numbers from 1."""
    positions = list(rows)
    first = frame.attrs.get(FIRST_LINE)
    shown = ", ".join(str(row + (first or 1)) for row in positions[:limit])
    more = f" and {len(positions) - limit:,} more" if len(positions) > limit else ""
    return f"{'row' if first is None else 'line'} {shown}{more}"
