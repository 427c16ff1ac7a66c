"""`hpsearch report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpsearch.cli.options import Json, Store, StudyName, console, print_json


def report(
    study: StudyName,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The page to write (default: in the study's folder).")
    ] = None,
    as_json: Json = False,
    store: Store = None,
) -> None:
    """Write one page on a study, to read top to bottom."""
    from hpsearch.app.report import write_report
    from hpsearch.app.results import load

    path = write_report(load(study, store=store), output)
    if as_json:
        print_json({"study": study, "page": str(path), "bytes": path.stat().st_size})
        return
    out = console()
    out.print(f"the page of '{study}': {path}")
    out.print(f"open it in a browser: {path.as_uri()}")
