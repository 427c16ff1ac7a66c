"""`hpsearch.cli` itself: how a call ends."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

import pytest
import typer

from hpsearch import __version__, cli
from hpsearch.errors import Fault, HpsearchError, NoTrialCompleted, SpecError, StudyLocked


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", ["hpsearch", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


def raising(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Make a command line that has one command."""

    def made(command: Callable[[], None]) -> None:
        app = typer.Typer()
        app.command()(cli.guarded(command))
        monkeypatch.setattr(cli, "app", app)

    return made


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (StudyLocked("it is being run"), 2, "hpsearch: it is being run\n"),
        (NoTrialCompleted("no trial completed"), 3, "hpsearch: no trial completed\n"),
        (SpecError([Fault("a", "wrong", 1), Fault("b", "bad", 2)], "s.yaml"), 2,
         "s.yaml:1: field 'a': wrong\ns.yaml:2: field 'b': bad\n"),
        (KeyboardInterrupt(), 130, "interrupted; run the same command to go on\n"),
        (typer.Abort(), 130, "interrupted; run the same command to go on\n"),
    ],
)  # fmt: skip
def test_an_error_becomes_its_exit_code_and_its_own_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    only: Callable[[Callable[[], None]], None], error: HpsearchError, code: int, told: str,
) -> None:  # fmt: skip
    only(raising(error))
    assert ended(monkeypatch) == code
    assert capsys.readouterr() == ("", told)


def test_a_library_that_warns_is_not_heard(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], only: Callable[[Callable[[], None]], None]
) -> None:
    only(lambda: warnings.warn("use something else", DeprecationWarning, stacklevel=1))
    assert ended(monkeypatch) == 0
    assert capsys.readouterr() == ("", "")


def test_a_command_that_returns_ends_with_0(
    monkeypatch: pytest.MonkeyPatch, only: Callable[[Callable[[], None]], None]
) -> None:
    only(lambda: None)
    assert ended(monkeypatch) == 0


def test_a_command_may_choose_its_code(
    monkeypatch: pytest.MonkeyPatch, only: Callable[[Callable[[], None]], None]
) -> None:
    only(raising(typer.Exit(130)))
    assert ended(monkeypatch) == 130


def test_a_fault_of_ours_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, only: Callable[[Callable[[], None]], None]
) -> None:
    only(raising(ZeroDivisionError()))
    monkeypatch.setattr(sys, "argv", ["hpsearch"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_the_version_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_a_call_without_a_command_shows_the_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch) == 2
    assert "Commands:" in "".join(capsys.readouterr())


@pytest.mark.parametrize("verb", [command.name for command in cli.app.registered_commands])
def test_every_command_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert ended(monkeypatch, verb, "--help") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Usage: hpsearch {verb} ")
    assert "..." not in out.split("Options:")[0].replace("}...", "")
