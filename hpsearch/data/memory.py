"""Whether what is about to be read or made fits into memory, told before it is tried."""

from __future__ import annotations

import psutil

from hpsearch.data.faults import data_error
from hpsearch.spec.sections import DataSection

_TABLE = 3
"""A table and its text take about so many times the text's size."""


def check_memory(section: DataSection, field: str, what: str, needed: float, fix: str) -> None:
    """Raise `DataError` with both numbers if `needed` bytes are more than this machine has free."""
    free = psutil.virtual_memory().available
    if needed > free:
        found = f"{what} about {needed / 1e9:,.1f} GB of memory, {free / 1e9:,.1f} GB are free"
        raise data_error(section, field, f"{found}; {fix}")


def check_text(section: DataSection, field: str, size: float, *, ever: bool = False) -> None:
    """Raise `DataError` if a table whose text has `size` bytes would not fit now, or not `ever` on this machine."""
    if ever and _TABLE * size <= psutil.virtual_memory().total:
        return
    check_memory(section, field, "the table needs", _TABLE * size, "use fewer rows or columns")
