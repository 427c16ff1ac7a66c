"""`hpsearch doctor` in the terminal: one line where all is well, a line for each thing that is not, and exit 1."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from hpsearch.cli import main


def hpsearch(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["hpsearch", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_whole_store_takes_a_line_a_study(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hpsearch(monkeypatch, "doctor", "--store", str(finished)) == 0
    assert capsys.readouterr().out == "study 'flowers': all is well\nstudy 'rentals': all is well\n"


def test_what_is_wrong_is_told_with_the_command_that_puts_it_right(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Path(shutil.copytree(finished, tmp_path / "store"))
    history = place / "studies" / "rentals" / "history.jsonl"
    with history.open("ab") as file:
        file.write(b"{")
    assert hpsearch(monkeypatch, "doctor", "rentals", "--store", str(place)) == 1
    assert capsys.readouterr().out == (
        "study 'rentals': 1 thing is wrong\n"
        f"  {history} ends in half a line; with --repair: the half line is cut off and kept as .torn\n"
        "  put right what can be: hpsearch doctor rentals --repair\n"
    )
    assert hpsearch(monkeypatch, "doctor", "rentals", "--repair", "--store", str(place)) == 0
    assert capsys.readouterr().out.endswith("study 'rentals': all is well again\n")
    assert hpsearch(monkeypatch, "doctor", "rentals", "--json", "--store", str(place)) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"study": "rentals", "well": True, "running": "", "findings": [], "repaired": []}
    ]


def test_an_empty_store_is_well(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hpsearch(monkeypatch, "doctor", "--store", str(store)) == 0
    assert capsys.readouterr().out == "there is no study yet; start one with hpsearch run\n"
