"""A comparison as Markdown, CSV, HTML and JSON. The terminal's table is the command line's own."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from hpsearch.report.compare import Cell, Comparison
from hpsearch.report.page import render_page
from hpsearch.report.text import markdown, readable

_GROUP_TITLES = {"study": "Study", "hyperparameters": "Hyperparameters", "result": "Result", "metrics": "Metrics"}


def to_markdown(comparison: Comparison) -> str:
    """Return a table in GitHub's Markdown; `≠` marks what differs, `★` the best entry."""
    head = [f"{name} ★" if name == comparison.best_column else name for name in comparison.columns]
    lines = [_markdown_row(["", *head, ""]), _markdown_row(["---", *["---:"] * len(head), ":---:"], escape=False)]
    lines += [
        _markdown_row([row.name, *(_cell(value) for value in row.values), "≠" if row.differs else ""])
        for row in comparison.rows()
    ]
    notes = [f"- {markdown(note)}" for note in comparison.notes]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def to_csv(comparison: Comparison, *, raw: bool = False) -> str:
    """Return comma-separated values: row, group, an entry a column, differs (true or false); numbers in full.

    A text that a spreadsheet would read as a formula (it begins with = + - @, a tab or a return) gets a `'` before it
    (CWE-1236); `raw` leaves it as it is.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    lines: list[list[Cell]] = [["row", "group", *comparison.columns, "differs"]]
    lines += [[row.name, row.group, *row.values, "true" if row.differs else "false"] for row in comparison.rows()]
    writer.writerows([_guarded(cell) if isinstance(cell, str) and not raw else cell for cell in line] for line in lines)
    return buffer.getvalue()


def to_html(comparison: Comparison, title: str = "Comparison") -> str:
    """Return one self-contained page: escaped, without scripts or addresses."""
    groups: dict[str, list[tuple[str, list[str], bool]]] = {}
    for row in comparison.rows():
        cells = [_cell(value) for value in row.values]
        groups.setdefault(_GROUP_TITLES[row.group], []).append((row.name, cells, row.differs))
    return render_page(
        "compare.html.j2", title=title, columns=comparison.columns, best=comparison.best_column, notes=comparison.notes,
        groups=groups,
    )  # fmt: skip


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Return plain JSON values: columns, best, differing, notes, rows (name, group, values, differs), entries."""
    return {
        "columns": list(comparison.columns),
        "best": comparison.best_column,
        "differing": list(comparison.differing),
        "notes": list(comparison.notes),
        "rows": [
            {"name": r.name, "group": r.group, "values": [_plain(v) for v in r.values], "differs": r.differs}
            for r in comparison.rows()
        ],
        "entries": [
            {
                "study": entry.study,
                "trial": entry.trial,
                "objective": entry.objective,
                "direction": entry.direction,
                "value": _plain(entry.value),
                "configuration": {name: _plain(value) for name, value in entry.configuration.items()},
                "parameters": entry.parameters,
                "seconds": _plain(entry.seconds),
                "best_epoch": entry.best_epoch,
                "metrics": {name: _plain(value) for name, value in entry.metrics.items()},
                "data_digest": entry.data_digest,
                "split": entry.split,
            }
            for entry in comparison.entries
        ],
    }


def to_json_text(comparison: Comparison) -> str:
    """Return `to_json` as text."""
    return json.dumps(to_json(comparison), indent=2, allow_nan=False) + "\n"


def _cell(value: Cell) -> str:
    """Return a cell as a person reads it; a thing that a configuration does not have is a dash."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return readable(value, 80)
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else f"{value:.6g}"


def _markdown_row(cells: list[str], *, escape: bool = True) -> str:
    return "| " + " | ".join(markdown(cell) if escape else cell for cell in cells) + " |"


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _plain(value: Cell) -> Cell:
    return None if isinstance(value, float) and not math.isfinite(value) else value
