"""Whether studies are whole: `doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from hpsearch.cli.options import Json, Store, console, print_json

if TYPE_CHECKING:
    from hpsearch.app.doctor import Examined


def doctor(
    study: Annotated[str | None, typer.Argument(help="A study's name (default: all).", metavar="STUDY")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Put right what can be.")] = False,
    as_json: Json = False,
    store: Store = None,
) -> None:
    """Check that studies and runs are whole; exit 1 if not."""
    from hpsearch.app.doctor import doctor as examine

    examined = examine(study, repair=repair, store=store)
    if as_json:
        print_json([one.to_json() for one in examined])
    else:
        out = console()
        for one in examined:
            for line in _lines(one, repair):
                out.print(line)
        if not examined:
            out.print("there is no study yet; start one with hpsearch run")
    if not all(one.well for one in examined):
        raise typer.Exit(1)


def _lines(one: Examined, repair: bool) -> Iterator[str]:
    if one.running:
        yield f"{one.running}: not examined while it runs"
        return
    for finding in one.repaired:
        yield f"study '{one.name}': {finding.what}; {finding.remedy}"
    if one.well:
        yield f"study '{one.name}': {'all is well again' if one.repaired else 'all is well'}"
        return
    can = any(finding.repairable for finding in one.findings)
    count = len(one.findings)
    yield f"study '{one.name}': {count} thing{'s are' if count > 1 else ' is'} wrong"
    for finding in one.findings:
        yield f"  {finding.what}; {'with --repair: ' if finding.repairable and not repair else ''}{finding.remedy}"
    if can and not repair:
        yield f"  put right what can be: hpsearch doctor {one.name} --repair"
