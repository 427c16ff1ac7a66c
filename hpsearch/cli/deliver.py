"""What a model is for: `predict`, `serve`, `promote`, `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpsearch.cli.options import Expose, Host, Json, Store, StudyName, console, print_json, who_is_let_in
from hpsearch.cli.terminal import screen

Model = Annotated[
    str,
    typer.Argument(help="A study's name, an MLflow address (models:/NAME@ALIAS), or a folder.", metavar="STUDY|MODEL"),
]


def predict(
    model: Model,
    rows: Annotated[Path, typer.Argument(help="A CSV file (also .gz) as the training file was.", metavar="ROWS.csv")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file (default, and -: the screen).")] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="A column of ROWS.csv to put before the predictions; may be repeated.")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Leave text that a spreadsheet would run as it is.")] = False,
    store: Store = None,
) -> None:
    """Predict the rows of a CSV file: a line each, in order."""
    from hpsearch.app.predict import predict as predict_rows

    to_screen = output is None or str(output) == "-"
    done = predict_rows(model, rows, screen() if to_screen or output is None else output, keep=keep or (), raw=raw,
                        store=store)  # fmt: skip
    out = console(error=True)
    if done.ignored:
        out.print(f"columns that the model does not know are not used: {', '.join(done.ignored)}")
    if not to_screen:
        out.print(f"wrote {done.rows:,} prediction{'' if done.rows == 1 else 's'} to {output}")


def serve(
    model: Model,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Another free one is taken if it is in use.")] = 5001,
    host: Host = "127.0.0.1",
    expose: Expose = False,
    store: Store = None,
) -> None:
    """Serve a model to programs of this machine."""
    from hpsearch.app.serve import serve_log, served
    from hpsearch.app.store import store_folder

    out = console()
    out.print("starting MLflow's scoring server ...")
    with served(model, port=port, host=host, exposed=expose, store=store) as (server, command):
        who = who_is_let_in(host, "have rows predicted")
        out.print(f"the model answers at {server.url}/invocations ({who}; Ctrl-C ends it); try:")
        out.print(command)
        server.wait(serve_log(store_folder(store)))


def promote(
    study: StudyName,
    alias: Annotated[str, typer.Option(help="What the model is to be known by in the registry.")] = "champion",
    force: Annotated[bool, typer.Option("--force", help="Even if the present one is better, or not known.")] = False,
    as_json: Json = False,
    store: Store = None,
) -> None:
    """Register a model in MLflow, unless it is a worse one."""
    from hpsearch.app.promote import promote as promote_study
    from hpsearch.report.text import number

    done = promote_study(study, alias=alias, force=force, store=store)
    if as_json:
        print_json(vars(done) | {"address": done.address})
        return

    def scored(value: float | None) -> str:
        return f"{done.objective} not known" if value is None else f"{done.objective} {number(value)} on the test rows"

    out = console()
    if not done.changed:
        out.print(f"version {done.version} of '{done.name}' is this model and is the {done.alias} already")
    else:
        out.print(f"version {done.version} of '{done.name}' is the {done.alias} now: {scored(done.score)}")
    if done.former is not None:
        out.print(f"before: version {done.former}, {scored(done.former_score)}")
    out.print(f"predict with it: hpsearch predict {done.address} ROWS.csv")


def export(
    study: StudyName,
    folder: Annotated[Path, typer.Argument(help="A new or empty folder, or an earlier export.", metavar="DIR")],
    as_json: Json = False,
    store: Store = None,
) -> None:
    """Write a model into a folder that needs no hpsearch."""
    from hpsearch.app.export import export_study
    from hpsearch.app.results import load

    written = export_study(load(study, store=store), folder)
    if as_json:
        print_json({"study": study, "folder": str(folder), "files": [str(path) for path in written]})
    else:
        console().print(f"wrote {len(written)} files to {folder}; try: python3 {folder}/predict.py ROWS.csv")
