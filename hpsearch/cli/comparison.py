"""A comparison of configurations as a table in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpsearch.cli.tables import print_table
from hpsearch.report.text import readable

if TYPE_CHECKING:
    from rich.console import Console

    from hpsearch.report.compare import Cell, Comparison


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print configurations side by side; rows that differ carry a mark, the best one a star."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("")
    for name in comparison.columns:
        star = " ★" if name == comparison.best_column else ""
        table.add_column(f"{readable(name)}{star}", justify="right", overflow="fold")
    rows = [row for row in comparison.rows() if any(value is not None for value in row.values)]
    last = rows[0].group
    for row in rows:
        if row.group != last:
            table.add_row()
            last = row.group
        style = "bold" if row.differs else "dim"
        table.add_row("*" if row.differs else "", row.name, *(_cell(value) for value in row.values), style=style)
    print_table(console, table)
    legend = ["* differs between the configurations"] if any(row.differs for row in rows) else []
    console.print("\n" + "; ".join(legend + (["★ the best"] if comparison.best_column else [])))
    for note in comparison.notes:
        console.print(note)


def _cell(value: Cell) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
