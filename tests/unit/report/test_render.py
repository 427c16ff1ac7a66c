import csv
import io
import json
from dataclasses import replace

import pytest

from hpsearch.report.compare import compare
from hpsearch.report.render import to_csv, to_html, to_json, to_json_text, to_markdown

from .html_page import read_page
from .test_compare import ENTRY, OTHER

HOSTILE = replace(
    ENTRY, study='a|b<img src=x onerror="alert(1)">`*_x_', metrics={"</script>\n|": 1.0}, value=float("nan")
)


def test_markdown_is_a_table_with_marks():
    lines = to_markdown(compare([ENTRY, OTHER])).splitlines()
    assert lines[0] == "|  | bike #3 | bike #7 ★ |  |"
    assert "| neurons_2 | – | 32 | ≠ |" in lines
    assert "| learning_rate | 0.001 | 0.001 |  |" in lines


def test_names_cannot_break_out_of_a_markdown_table():
    lines = [line for line in to_markdown(compare([HOSTILE, OTHER])).splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in lines} == {5}
    assert "<" not in "".join(lines)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_a_spreadsheet_would_run_is_quoted(start):
    comparison = compare([replace(ENTRY, split=f"{start}cmd|' /C calc'!A0")])
    assert f"'{start}cmd" in to_csv(comparison)
    assert "'" + start not in to_csv(comparison, raw=True)


def test_numbers_stay_numbers_in_csv():
    comparison = compare([replace(ENTRY, value=-1, metrics={"val_r2": -0.12345678901234567, "val_mae": 1e-9})])
    rows = {row[0]: row for row in csv.reader(io.StringIO(to_csv(comparison)))}
    assert rows["value"][2] == "-1"
    assert float(rows["val_r2"][2]) == -0.12345678901234567
    assert float(rows["val_mae"][2]) == 1e-9


def test_csv_reads_back_cell_by_cell():
    rows = list(csv.reader(io.StringIO(to_csv(compare([HOSTILE, OTHER])))))
    assert {len(row) for row in rows} == {5}
    assert rows[0] == ["row", "group", f"{HOSTILE.study} #3", "bike #7", "differs"]


def test_the_html_page_runs_and_loads_nothing():
    page = read_page(to_html(compare([HOSTILE, OTHER]), title="</title><script>alert(1)</script>"))
    page.assert_harmless()
    assert "a|b<img" in page.text
    assert "bike #7 ★" in page.text


def test_json_has_stable_keys_and_no_nan():
    values = to_json(compare([HOSTILE, OTHER]))
    assert list(values) == ["columns", "best", "differing", "notes", "rows", "entries"]
    assert list(values["rows"][0]) == ["name", "group", "values", "differs"]
    assert values["entries"][0]["value"] is None
    assert values["entries"][1]["configuration"] == dict(OTHER.configuration)
    assert json.loads(to_json_text(compare([HOSTILE, OTHER]))) == values
