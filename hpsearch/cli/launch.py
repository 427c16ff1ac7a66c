"""What trains: `run`, `verify`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from hpsearch.cli.options import Json, Store, StudyFile, StudyName, console, print_json
from hpsearch.cli.streams import lasting_output

if TYPE_CHECKING:
    from hpsearch.app.results import StudyResult


def run(
    study: StudyFile,
    trials: Annotated[int | None, typer.Option(min=1, help="Trials in all, over every launch.")] = None,
    more: Annotated[int | None, typer.Option(min=1, help="Trials beyond those done.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Start afresh; an earlier study is set aside.")] = False,
    widen: Annotated[
        bool, typer.Option("--widen", help="Go on in a changed space, with the trials that still fit.")
    ] = False,
    timeout: Annotated[str | None, typer.Option(help="Time the search may take now: 90s, 10min, 1.5h.")] = None,
    workers: Annotated[str | None, typer.Option(help="Training processes: auto, inline or a number.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the result only.")] = False,
    as_json: Json = False,
    store: Store = None,
) -> None:
    """Run a study, or go on with it where it stopped."""
    from hpsearch.spec import load_spec

    if trials is not None and more is not None:
        raise typer.BadParameter("give --trials (in all) or --more (beyond those done), not both")
    if new and widen:
        raise typer.BadParameter("give --new (start afresh) or --widen (keep the trials that still fit), not both")
    seconds, count = _seconds(timeout), _workers(workers)
    load_spec(study)  # a wrong file is told at once, before anything heavy is imported
    from hpsearch.app.display import Silent
    from hpsearch.app.run import run as run_study
    from hpsearch.cli.progress import make_display

    with lasting_output():
        display = Silent() if quiet or as_json else make_display(console())
        result = run_study(
            study, trials=trials, more=more, new=new, widen=widen, timeout=seconds, workers=count, store=store,
            display=display,
        )  # fmt: skip
        _told(result, quiet=quiet, as_json=as_json)
    _end(result)


def verify(
    study: StudyName,
    finalists: Annotated[int | None, typer.Option(min=1, max=100, help="Best configurations to train again.")] = None,
    seeds: Annotated[int | None, typer.Option(min=2, max=100, help="New seeds for each.")] = None,
    workers: Annotated[str | None, typer.Option(help="Training processes: auto, inline or a number.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the result only.")] = False,
    as_json: Json = False,
    store: Store = None,
) -> None:
    """Train the best trials again, and deliver the winner."""
    count = _workers(workers)
    from hpsearch.app.display import Silent
    from hpsearch.app.verify import verify as verify_study
    from hpsearch.cli.progress import make_display

    with lasting_output():
        display = Silent() if quiet or as_json else make_display(console())
        result = verify_study(study, finalists=finalists, seeds=seeds, workers=count, store=store, display=display)
        _told(result, quiet=quiet, as_json=as_json)
    _end(result)


def _told(result: StudyResult, *, quiet: bool, as_json: bool) -> None:
    """Print what came of a launch."""
    from hpsearch.cli.tables import print_result

    if as_json:
        print_json(result.to_json())
    else:
        print_result(console(), result)
    if result.trouble and (quiet or as_json):  # a display has said it
        console(error=True).print(f"MLflow could not be written ({result.trouble}); the next launch writes it")


def _end(result: StudyResult) -> None:
    """Exit as the signal says that interrupted a launch."""
    if result.ending == "interrupted":
        raise typer.Exit(128 + result.signal)


def _seconds(text: str | None) -> float | None:
    from hpsearch.spec.values import parse_duration

    if text is None:
        return None
    try:
        return parse_duration(float(text) if re.fullmatch(r"[0-9]+(\.[0-9]*)?", text) else text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--timeout") from None


def _workers(text: str | None) -> int | str | None:
    from hpsearch.spec.values import check_workers

    if text is None:
        return None
    try:
        count: int | str = check_workers(int(text) if re.fullmatch("[0-9]{1,9}", text) else text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--workers") from None
    return count
