from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pytest

import hpsearch
from hpsearch import cli
from hpsearch.cli.report import Format
from hpsearch.report import render


@pytest.mark.parametrize("format", list(Format))
def test_every_format_of_a_comparison_is_printed_once_and_ends_in_one_line_break(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], format: Format
) -> None:
    monkeypatch.setattr(sys, "argv", ["hpsearch", "compare", "rentals", "--format", format, "--store", str(finished)])
    with pytest.raises(SystemExit):
        cli.main()
    out = capsys.readouterr().out
    assert out.endswith("\n")
    assert not out.endswith("\n\n")
    compared = hpsearch.compare(["rentals"], store=finished)
    if format is Format.json:
        assert json.loads(out) == render.to_json(compared)
    if format is Format.csv:
        assert [row["row"] for row in csv.DictReader(io.StringIO(out))] == [row.name for row in compared.rows()]
