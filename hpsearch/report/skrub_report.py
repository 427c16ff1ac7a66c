"""skrub's TableReport of the raw table, where its extra is installed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

INSTALL = 'python3 -m pip install "hpsearch[report]"'
MAX_ROWS = 50_000
"""of a longer table that many rows are drawn: skrub 0.11 plots every row it is given"""


@dataclass(frozen=True)
class SkrubReport:
    """True where the report was written; else `message` says how to get it."""

    written: bool
    message: str = ""

    def __bool__(self) -> bool:
        return self.written


def write_skrub_report(frame: pd.DataFrame, path: Path, *, title: str = "") -> SkrubReport:
    """Write skrub's page about a table to `path`. Its folder must exist."""
    if find_spec("skrub") is None:
        return SkrubReport(False, f"for a page in which every column can be explored, install skrub: {INSTALL}")
    from skrub import TableReport

    rows = frame if len(frame) <= MAX_ROWS else frame.sample(MAX_ROWS, random_state=0).sort_index()
    # the title stands on somebody else's page: only what no page can take for markup
    plain = "".join(char for char in title[:120] if char.isalnum() or char in " ._-")
    TableReport(rows, title=plain or None, verbose=0).write_html(path)
    return SkrubReport(True)
