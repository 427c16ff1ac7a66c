"""The options that several commands share, and the console they print to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpsearch.cli.terminal import visible_json, watch

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH = 140
"""Columns of a table that goes to a file or a pipe."""

Store = Annotated[
    Path | None, typer.Option(help="Folder for everything that is made (default: HPSEARCH_STORE, ./mlruns).")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON with stable keys.")]
StudyFile = Annotated[Path, typer.Argument(help="A study file.", metavar="STUDY.yaml")]
Host = Annotated[str, typer.Option(help="Where to listen; what other machines reach needs --expose-without-password.")]
Expose = Annotated[
    bool,
    typer.Option("--expose-without-password", help="Let in whoever reaches --host: nobody is asked for a password."),
]
StudyName = Annotated[str, typer.Argument(help="A study's name.", metavar="STUDY")]


def console(*, error: bool = False) -> Console:
    """Return a console that prints names as they are, but for characters that a terminal would obey."""
    from rich.console import Console

    made = Console(stderr=error, markup=False, highlight=False, emoji=False, soft_wrap=True)
    if not made.is_terminal:
        made.width = PIPED_WIDTH
    watch(made)
    return made


def who_is_let_in(host: str, what: str) -> str:
    """Return who reaches a server; where that is not this machine alone, a warning with what they can do goes first."""
    from hpsearch.tracking.server import is_loopback

    if is_loopback(host):
        return "this machine only"
    console(error=True).print(f"warning: whoever reaches {host} can {what}; nobody is asked for a password")
    return "OTHER MACHINES TOO, without a password"


def print_json(values: Any) -> None:
    """Print JSON."""
    print(visible_json(json.dumps(values, indent=1, ensure_ascii=False, default=str)))
