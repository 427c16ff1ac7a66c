"""The options that several commands share, and the console they print to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpsearch.errors import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

PIPED_WIDTH = 140
"""Columns of a table that goes to a file or a pipe."""

Store = Annotated[
    Path | None, typer.Option(help="Folder for everything that is made (default: HPSEARCH_STORE, ./mlruns).")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON with stable keys.")]
StudyFile = Annotated[Path, typer.Argument(help="A study file.", metavar="STUDY.yaml")]
StudyName = Annotated[str, typer.Argument(help="A study's name.", metavar="STUDY")]


def console(*, error: bool = False) -> Console:
    """Return a console that prints names as they are, but for what would move its cursor, colour or hide text."""
    from rich.console import Console

    class Safe(Console):
        def render_str(self, text: str, **how: Any) -> Text:
            return super().render_str(printable(text, keep="\n\t"), **how)

    made = Safe(stderr=error, markup=False, highlight=False, emoji=False, soft_wrap=True)
    if not made.is_terminal:
        made.width = PIPED_WIDTH
    return made


def print_json(values: Any) -> None:
    """Print JSON."""
    print(json.dumps(values, indent=1, ensure_ascii=False, default=str))
