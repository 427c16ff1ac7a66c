from __future__ import annotations

import json

import pytest

from hpsearch.cli.options import PIPED_WIDTH, console, print_json


def test_names_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("[red]name[/red] :smile: 'x' 1.5")
    assert capsys.readouterr().out == "[red]name[/red] :smile: 'x' 1.5\n"


def test_what_would_act_on_the_terminal_is_printed_as_a_mark(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("a\x1b[2Jb\n\tc")
    assert capsys.readouterr().out == "a\N{REPLACEMENT CHARACTER}[2Jb\n        c\n"


def test_a_long_line_in_a_pipe_is_not_broken(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("word " * 100)
    assert capsys.readouterr().out.count("\n") == 1


def test_a_pipe_is_as_wide_as_a_table_needs() -> None:
    assert console().width == PIPED_WIDTH


def test_errors_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    console(error=True).print("wrong")
    assert capsys.readouterr() == ("", "wrong\n")


def test_json_keeps_letters_and_key_order(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"ö": 1, "a": [None, True]})
    out = capsys.readouterr().out
    assert list(json.loads(out)) == ["ö", "a"]
    assert "ö" in out
