"""What comes after a search: `list`, `show`, `best`, `compare`, `ui`."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from hpsearch.cli.options import Expose, Host, Json, Store, StudyName, console, print_json, who_is_let_in
from hpsearch.cli.terminal import screen


class Format(StrEnum):
    """How a comparison is written."""

    table = "table"
    md = "md"
    csv = "csv"
    html = "html"
    json = "json"


def list_(as_json: Json = False, store: Store = None) -> None:
    """List the studies of the store."""
    from hpsearch.app.results import studies
    from hpsearch.cli.tables import print_studies

    found = studies(store)
    if as_json:
        print_json([result.to_json() for result in found])
    else:
        print_studies(console(), found)


def show(
    study: StudyName,
    top: Annotated[int, typer.Option(min=1, help="How many of the best trials.")] = 5,
    as_json: Json = False,
    store: Store = None,
) -> None:
    """Show a study: state, best trials, what mattered, time spent."""
    from hpsearch.app.results import load
    from hpsearch.cli.tables import print_study

    result = load(study, store=store)
    if as_json:
        ranked = [record.to_json() | {"epochs": len(record.epochs)} for record in result.ranked()[:top]]
        advice = [asdict(one) for one in result.advice]
        print_json(result.to_json() | {"top": ranked, "importances": result.importances, "advice": advice})
    else:
        print_study(console(), result, top)


def best(study: StudyName, as_json: Json = False, store: Store = None) -> None:
    """Print the delivered model's configuration and its test scores."""
    from hpsearch.app.results import load
    from hpsearch.app.winner import package_of
    from hpsearch.cli.tables import print_best

    result = load(study, store=store)
    package_of(result)
    if as_json:
        told = result.to_json()
        print_json({"study": study, "winner": told["winner"], "verdict": told["verdict"], "test": result.evaluation})
    else:
        print_best(console(), result)


def compare(
    studies: Annotated[list[str], typer.Argument(help="Names of studies.", metavar="STUDY")],
    top: Annotated[
        int | None, typer.Option(min=1, help="Configurations of each (default: finalists of one, winners of several).")
    ] = None,
    latency: Annotated[bool, typer.Option("--latency", help="Also measure how fast each net answers here.")] = False,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.table,
    as_json: Json = False,
    store: Store = None,
) -> None:
    """Put finalists of one study, or winners of several, side by side."""
    from hpsearch.app.compare import compare as compare_studies
    from hpsearch.cli.comparison import print_comparison
    from hpsearch.report import render

    comparison = compare_studies(studies, top=top, latency=latency, store=store)
    chosen = Format.json if as_json else format
    if chosen is Format.table:
        print_comparison(console(), comparison)
        return
    written = {"md": render.to_markdown, "csv": render.to_csv, "html": render.to_html, "json": render.to_json_text}
    print(written[chosen.value](comparison).rstrip("\n"), file=screen())


def ui(
    study: Annotated[str | None, typer.Argument(help="A study's name (default: all).", metavar="STUDY")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Another free one is taken if it is in use.")] = 5000,
    host: Host = "127.0.0.1",
    expose: Expose = False,
    store: Store = None,
) -> None:
    """Serve the MLflow UI here, with a link to each study's trials."""
    from hpsearch.app.store import store_folder
    from hpsearch.app.ui import open_ui
    from hpsearch.tracking.ui import ui_log

    out = console()
    out.print("starting the MLflow UI ...")
    server, links = open_ui(study, port=port, host=host, exposed=expose, store=store)
    with server:
        who = who_is_let_in(host, "read, change and delete every run")
        out.print(f"MLflow answers at {server.url} ({who}; Ctrl-C ends it)")
        for link in links:
            out.print(f"  {link}")
        server.wait(ui_log(store_folder(store)))
