"""A comparison as Markdown, CSV, HTML and JSON. The terminal's table is the command line's own, its cells are these."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from hpsearch.data.formula import harmless
from hpsearch.report.compare import Cell, ComparedRow, Comparison, Entry
from hpsearch.report.page import render_page
from hpsearch.report.text import duration, markdown, number, readable

_GROUP_TITLES = {"study": "Study", "hyperparameters": "Hyperparameters", "result": "Result", "metrics": "Metrics"}


def to_markdown(comparison: Comparison) -> str:
    """Return a table in GitHub's Markdown; `≠` marks hyperparameters and settings that differ, `★` the best entry."""
    head = [f"{name} ★" if name == comparison.best_column else name for name in comparison.columns]
    lines = [_markdown_row(["", *head, ""]), _markdown_row(["---", *["---:"] * len(head), ":---:"], escape=False)]
    lines += [
        _markdown_row([row.label, *(cell_text(row, value) for value in row.values), "≠" if stands_out(row) else ""])
        for row in shown_rows(comparison)
    ]
    notes = [f"- {markdown(note)}" for note in (*comparison.notes, *comparison.legend)]
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
    writer.writerows([harmless(cell) if isinstance(cell, str) and not raw else cell for cell in line] for line in lines)
    return buffer.getvalue()


def to_html(comparison: Comparison, title: str = "Comparison") -> str:
    """Return one self-contained page: escaped, without scripts or addresses."""
    groups: dict[str, list[tuple[str, list[str], str]]] = {}
    for row in shown_rows(comparison):
        if row.group == "study" and not row.differs:
            continue
        cells = [cell_text(row, value) for value in row.values]
        kind = "differs" if stands_out(row) else "same" if row.group == "hyperparameters" else "told"
        groups.setdefault(_GROUP_TITLES[row.group], []).append((row.label, cells, kind))
    return render_page(
        "compare.html.j2", title=title, columns=comparison.columns, best=comparison.best_column, notes=comparison.notes,
        legend=comparison.legend, shared=shared_text(comparison), groups=groups,
    )  # fmt: skip


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Return plain JSON values: columns, best, differing, notes, rows, entries, legend; numbers in full, in seconds."""
    return {
        "columns": list(comparison.columns),
        "best": comparison.best_column,
        "differing": list(comparison.differing),
        "notes": list(comparison.notes),
        "rows": [
            {"name": r.name, "group": r.group, "values": [_plain(v) for v in r.values], "differs": r.differs}
            for r in comparison.rows()
        ],
        "entries": [_entry(entry) for entry in comparison.entries],
        "legend": list(comparison.legend),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
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
        "rows_digest": entry.scored.digest if entry.scored else None,
        "settings": dict(entry.settings),
        "mean": entry.mean,
        "sd": entry.sd,
        "n": len(entry.values),
        "verdict": entry.standing,
        "p_value": entry.p_value,
        "winner": entry.winner,
        "size_bytes": entry.size_bytes,
        "latency": dict(entry.latency),
    }


def to_json_text(comparison: Comparison) -> str:
    """Return `to_json` as text."""
    return json.dumps(to_json(comparison), indent=2, allow_nan=False) + "\n"


def shown_rows(comparison: Comparison) -> list[ComparedRow]:
    """Return the rows that say something: of an entry at least, and of winners where not all are."""
    return [
        row
        for row in comparison.rows()
        if any(value is not None for value in row.values) and (row.differs or row.name != "winner")
    ]


def shared_text(comparison: Comparison) -> str:
    """Return what all entries have in common of their studies: `objective: rmse (minimize); data: bike.csv; ...`."""
    rows = [row for row in shown_rows(comparison) if row.group == "study" and not row.differs]
    return "; ".join(f"{row.label}: {cell_text(row, row.values[0])}" for row in rows)


def stands_out(row: ComparedRow) -> bool:
    """Tell whether a difference is one that was chosen: every result differs, and says nothing by it."""
    return row.differs and row.group in ("study", "hyperparameters")


def cell_text(row: ComparedRow, value: Cell) -> str:
    """Return a cell as a person reads it; a thing that a configuration does not have is a dash."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return readable(value, 80)
    if row.unit == "seconds":
        return _short(value)
    if row.unit == "bytes":
        return _bytes(value)
    if row.unit == "p":
        return "< 0.0001" if value < 0.0001 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else number(value)


def _short(seconds: float) -> str:
    """Return a duration, however short: `12.3 µs`, `4.56 ms`, `7.1 s`."""
    for unit, scale in (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3)):
        if 0 < seconds < 0.9995e3 * scale:
            return f"{seconds / scale:.3g} {unit}"
    return duration(seconds)


def _bytes(count: float) -> str:
    """Return a size: `140 bytes`, `12.3 kB`, `4.56 MB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= 0.9995 * scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count:g} bytes"


def _markdown_row(cells: list[str], *, escape: bool = True) -> str:
    return "| " + " | ".join(markdown(cell) if escape else cell for cell in cells) + " |"


def _plain(value: Cell) -> Cell:
    return None if isinstance(value, float) and not math.isfinite(value) else value
