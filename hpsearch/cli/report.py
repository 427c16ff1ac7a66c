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
    from hpsearch.app.results import Damaged, listed
    from hpsearch.cli.tables import print_studies
    from hpsearch.errors import StoreError

    found = listed(store)
    if not as_json:
        print_studies(console(), found)
        return
    told = []
    for one in found:
        try:
            told.append({"name": one.name, "damaged": one.reason} if isinstance(one, Damaged) else one.to_json())
        except StoreError as error:
            told.append({"name": one.name, "damaged": str(error)})
    print_json(told)


def show(
    study: StudyName,
    top: Annotated[int, typer.Option(min=1, help="How many of the best trials.")] = 5,
    as_json: Json = False,
    store: Store = None,
) -> None:
    """Show a study: state, best trials, what mattered, time."""
    from hpsearch.app.results import load
    from hpsearch.cli.tables import print_study
    from hpsearch.search.history import read_history

    result = load(study, store=store, epochs=False)
    if not as_json:
        print_study(console(), result, top)
        return
    numbers = [record.number for record in result.ranked()[:top]]
    whole = read_history(result.folder.history, only=numbers)
    ranked = [whole[number].to_json() | {"epochs": len(whole[number].epochs)} for number in numbers]
    known = result.insights
    told = {"importances": known.importances, "advice": [asdict(one) for one in known.advice]} if known else {}
    print_json(
        result.to_json()
        | {"top": ranked, "importances": {}, "advice": []}
        | told
        | {"insights_trials": 0 if known is None else known.trials}
    )


def best(study: StudyName, as_json: Json = False, store: Store = None) -> None:
    """Print the model's configuration and its test scores."""
    from hpsearch.app.chosen import is_delivered
    from hpsearch.app.results import load
    from hpsearch.cli.tables import print_best

    result = load(study, store=store, epochs=False)
    if not is_delivered(result):
        from hpsearch.app.winner import package_of

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
    """Put finalists, or winners of studies, side by side."""
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
    """Serve the MLflow UI here, with a link to each study."""
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
