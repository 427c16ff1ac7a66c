"""The command line: parse, call one verb of `hpsearch.app`, print what it returns. Nothing heavy is imported here."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

import typer

from hpsearch.app.signals import Interrupted
from hpsearch.cli import bring, deliver, explore, launch, page, report
from hpsearch.cli.doctor import doctor
from hpsearch.cli.mistakes import in_one_line
from hpsearch.cli.streams import lasting_output, open_streams
from hpsearch.disk import REFUSED, refusal
from hpsearch.errors import HpsearchError, SpecError, printable

# Wrong options and arguments; typer has no public name for their common class.
_UsageError: type[Any] = typer.BadParameter.__bases__[0]


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that says so on Ctrl-C, and is silent when whoever reads its output goes away.

    Typer would end with 130 without a word, or with 1.
    """

    @wraps(command)
    def call(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
            sys.stdout.flush()
        except KeyboardInterrupt as error:
            raise typer.Exit(_interrupted(error)) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return call


app = typer.Typer(
    name="hpsearch",
    help="Hyperparameter search for dense neural networks in Keras: one study file, every run in MLflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)
for command in (
    explore.init, explore.check, explore.schema, explore.space, explore.eda, launch.run, launch.verify, report.list_,
    report.show, report.best, report.compare, page.report, deliver.predict, deliver.serve, deliver.promote,
    deliver.export, report.ui, doctor, bring.import_keras_tuner,
):  # fmt: skip
    app.command(command.__name__.rstrip("_").replace("_", "-"))(guarded(command))


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        from hpsearch import __version__

        print(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line and exit: 0, 2 for a user's mistake, 3 when no trial completed, 130 on Ctrl-C (143, 129)."""
    open_streams()
    if not sys.warnoptions:
        # Libraries warn their callers, not the person at the terminal. Filters of their own do not hold: the thread
        # that writes to MLflow imports some while this one is inside warnings.catch_warnings, which forgets them.
        warnings.simplefilter("ignore")
    try:
        code = app(prog_name="hpsearch", standalone_mode=False)
    except HpsearchError as error:
        text = printable(str(error), keep="\n\t")
        begins_with_its_place = isinstance(error, SpecError) or "\n" in text
        _tell(text if begins_with_its_place else f"hpsearch: {text}")
        code = error.exit_code
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        _tell(f"hpsearch: {refusal(error.filename or 'a file', error)}")
        code = 2
    except _UsageError as error:
        print(in_one_line(error), file=sys.stderr)
        code = error.exit_code
    except typer.Exit as error:
        code = error.exit_code
    except (typer.Abort, KeyboardInterrupt) as error:
        code = _interrupted(error)
    sys.exit(code if isinstance(code, int) else 0)


def _interrupted(error: BaseException) -> int:
    """Say so, and return the exit code: 128 + the number of the signal."""
    _tell("interrupted; run the same command to go on")
    return 128 + (error.number if isinstance(error, Interrupted) else signal.SIGINT)


def _tell(text: str) -> None:
    with lasting_output():
        print(text, file=sys.stderr, flush=True)
