from __future__ import annotations

import csv
import gzip
import io
import sys
from pathlib import Path

import pandas as pd
import pytest
from sample_studies import HOSTILE

import hpsearch
from hpsearch.app.predict import predict
from hpsearch.cli import main
from hpsearch.errors import DataError

CITY = HOSTILE[0]


def test_a_file_gets_a_line_for_each_row_in_order(finished: Path, rentals_csv: Path, tmp_path: Path) -> None:
    done = predict("rentals", rentals_csv, tmp_path / "out.csv", store=finished)
    assert (done.rows, done.ignored) == (90, ("cnt",))
    rows = pd.read_csv(rentals_csv).drop(columns="cnt")
    expected = hpsearch.load("rentals", store=finished).predictor().predict(rows)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out.csv"), expected, rtol=0, atol=1e-9)
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_text_that_a_spreadsheet_would_run_is_guarded_unless_raw(
    finished: Path, rentals_csv: Path, tmp_path: Path
) -> None:
    def cities(*, raw: bool) -> list[str]:
        out = io.StringIO()
        predict("rentals", rentals_csv, out, keep=[HOSTILE[1], CITY], raw=raw, store=finished)
        out.seek(0)
        lines = list(csv.reader(out))
        return [lines[0][0], *(line[1] for line in lines[1:4])]

    assert cities(raw=False) == [f"'{HOSTILE[1]}", "Rome", "'=1+1", "</td>"]
    assert cities(raw=True) == [HOSTILE[1], "Rome", "=1+1", "</td>"]


def test_numbers_are_not_guarded(finished: Path, tmp_path: Path, rentals_csv: Path) -> None:
    frame = pd.read_csv(rentals_csv).assign(**{HOSTILE[3]: -1e3})
    frame.to_csv(tmp_path / "cold.csv", index=False)
    out = io.StringIO()
    predict("rentals", tmp_path / "cold.csv", out, keep=[HOSTILE[3]], store=finished)
    _, first, *_ = csv.reader(io.StringIO(out.getvalue()))
    assert first[0] == "-1000.0"
    assert float(first[1]) < 0


def test_a_bad_row_leaves_the_earlier_output(finished: Path, rentals_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("old")
    (tmp_path / "bad.csv").write_text(rentals_csv.read_text() + "Rome,cold,0.5,20,2024-01-01,7\n")
    with pytest.raises(DataError, match=r"bad\.csv:92: column '=cmd.*': 'cold' is no finite number"):
        predict("rentals", tmp_path / "bad.csv", tmp_path / "out.csv", store=finished)
    assert (tmp_path / "out.csv").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "out.csv"]


def test_the_rows_themselves_are_not_written_over(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("mine")
    with pytest.raises(DataError, match=r"rows\.csv holds the rows themselves"):
        predict("rentals", tmp_path / "rows.csv", tmp_path / "." / "rows.csv", store=finished)
    assert (tmp_path / "rows.csv").read_text() == "mine"


@pytest.mark.parametrize(("content", "message"), [
    (b"", ": the file is empty; a CSV file has a header line and rows"),
    (b"cnt\n1\n", ":1: no column '<script>alert(1)</script>', "),
    (b"GOOD\nRome,1\n", ":93: 2 fields where the header has 6; add the missing fields, empty where unknown"),
    (b"GOOD\n\"Rome,1\n", ":93: a quote opens here that is not closed; "),
    (b"GOOD\n\xff,1,1,1,,1\n", ":93: byte 0xff is not utf-8, "),
    (b"GOOD\nRome\0,1,1,1,,1\n", ":93: a NUL character, "),
    (b"GOOD\nRome,cold,0.5,20,2024-01-01,7\n", ":93: column '=cmd|'/c calc'!A1': 'cold' is no finite number; mend it"),
    (b"GOOD\nRome,1,inf,20,2024-01-01,7\n", ":93: column '../../up': inf is no finite number; mend it"),
    (b"GOOD\nRome,1,1,1,2024-02-30,7\n", ":93: column 'when': '2024-02-30' is no date such as 2011-12-31"),
    (b"GZIP", ": the gzip file is damaged: Compressed file ended before"),
])  # fmt: skip
def test_a_bad_file_of_rows_ends_the_command_in_one_line_with_code_2(
    finished: Path, rentals_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], content: bytes, message: str,
) -> None:  # fmt: skip
    good = rentals_csv.read_bytes()
    bad = gzip.compress(good)[:-9] if content == b"GZIP" else content.replace(b"GOOD", good)
    (tmp_path / "new.csv").write_bytes(bad)
    arguments = ["predict", "rentals", "new.csv", "--output", "out.csv", "--store", str(finished)]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["hpsearch", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    err = capsys.readouterr().err
    assert end.value.code == 2
    assert err.startswith(f"hpsearch: new.csv{message}")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]
