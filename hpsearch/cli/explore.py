"""What comes before a search: `init`, `check`, `schema`, `space`, `eda`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpsearch.cli.options import Json, Store, StudyFile, console, print_json
from hpsearch.cli.terminal import screen

if TYPE_CHECKING:
    from hpsearch.app.check import Check


def init(
    data: Annotated[Path, typer.Argument(help="A CSV or Parquet file.", metavar="DATA.csv")],
    target: Annotated[str, typer.Option(help="Column to predict.")],
    output: Annotated[Path | None, typer.Option(help="The study file to write (default: <data>.yaml here).")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Write a commented study file for your data."""
    from hpsearch.app.init import init as write_study

    path = write_study(data, target, output=output, force=force)
    print(path.read_text("utf-8"), end="", file=screen())
    console(error=True).print(f"\nwrote {path}; try: hpsearch check {path}")


def check(
    study: StudyFile,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 2 where something looks wrong.")] = False,
    as_json: Json = False,
    store: Store = None,
) -> None:
    """Try a study file: data, one tiny trial, the time."""
    from hpsearch.app.check import check as check_study

    found = check_study(study, store=store)
    if as_json:
        print_json(found.to_json())
    else:
        _print_check(found)
    if strict and found.warnings:
        raise typer.Exit(2)


def _print_check(found: Check) -> None:
    from hpsearch.app.needs import megabytes
    from hpsearch.errors import as_written
    from hpsearch.report.text import duration, number

    out = console()
    rows = ", ".join(f"{part} {count:,}" for part, count in found.rows.items())
    count = (
        "unlimited (some parameters are continuous)" if found.configurations is None else f"{found.configurations:,}"
    )
    out.print(f"study '{found.study}' is fine: {found.task}, objective {found.objective} of the validation rows")
    for note in found.notes:
        out.print(f"  {note}")
    for warning in found.warnings:
        out.print(f"  ! {warning}")
    out.print(f"  read: {'; '.join(f'{field}: {as_written(value)}' for field, value in found.read.items())}")
    out.print(f"  rows: {rows}; inputs of the net: {found.inputs}")
    out.print(f"  configurations: {count}")
    out.print(f"  one gradient step: {number(found.step_seconds * 1000)} ms")
    total = duration(found.estimated_seconds)
    places = f"{found.workers} worker{'s' if found.workers != 1 else ''}"
    out.print(f"  {found.trials} trials on {places}: at most about {total}, less with pruning and early stopping")
    kept = found.store
    out.print(
        f"  store {kept.folder}: can be written and locked (a synced write: {number(kept.sync_seconds * 1000)} ms); "
        f"{megabytes(kept.free)} are free, {megabytes(kept.needed)} needed at most"
    )


def schema() -> None:
    """Print the JSON Schema of study files, for editors."""
    from hpsearch.spec import StudySpec

    print_json({"$schema": "https://json-schema.org/draft/2020-12/schema"} | StudySpec.model_json_schema())


def space(study: StudyFile, as_json: Json = False) -> None:
    """Print a study's hyperparameters, and what each does."""
    from hpsearch.cli.tables import print_space
    from hpsearch.space.parse import write_domain
    from hpsearch.spec import load_spec

    spec = load_spec(study)
    if spec.model is not None:
        from hpsearch.app.check import with_model

        spec = with_model(spec)
    if as_json:
        found = spec.build_space()
        rows = {p.name: write_domain(p.domain) for p in found}
        print_json({"parameters": rows, "configurations": found.count()})
    else:
        print_space(console(), spec)


def eda(
    study: StudyFile,
    output: Annotated[Path | None, typer.Option(help="The page to write (default: under the store).")] = None,
    as_json: Json = False,
    store: Store = None,
) -> None:
    """Look at the data first: a page, and a summary here."""
    from hpsearch.app.eda import explore
    from hpsearch.cli.tables import print_profile

    found = explore(study, store=store, output=output)
    if as_json:
        print_json(found.profile.to_json())
    else:
        print_profile(console(), found)
