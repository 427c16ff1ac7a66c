"""A comparison of configurations as a table in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpsearch.cli.tables import print_table
from hpsearch.report.text import readable

if TYPE_CHECKING:
    from rich.console import Console

    from hpsearch.report.compare import Comparison


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print configurations side by side; hyperparameters that differ carry a mark, the best entry a star."""
    from rich.table import Table

    from hpsearch.report.render import cell_text, shared_text, shown_rows, stands_out

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("", no_wrap=True)
    for name in comparison.columns:
        star = " ★" if name == comparison.best_column else ""
        table.add_column(f"{readable(name)}{star}", justify="right", overflow="fold")
    console.print(f"{shared_text(comparison)}\n")
    rows = [row for row in shown_rows(comparison) if row.group != "study" or row.differs]
    last = rows[0].group
    for row in rows:
        if row.group != last:
            table.add_row()
            last = row.group
        marked = stands_out(row)
        style = "bold" if marked else "dim" if row.group == "hyperparameters" else ""
        cells = ("-" if value is None else cell_text(row, value) for value in row.values)
        table.add_row("*" if marked else "", row.label, *cells, style=style)
    print_table(console, table)
    legend = ["* differs between the configurations"] if any(map(stands_out, rows)) else []
    console.print("\n" + "; ".join(legend + (["★ the best"] if comparison.best_column else [])))
    for line in (*comparison.notes, *comparison.legend):
        console.print(line)
