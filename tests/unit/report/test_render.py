import csv
import io
import json
from dataclasses import replace

import pytest

from hpsearch.report.compare import ComparedRow, compare
from hpsearch.report.render import cell_text, to_csv, to_html, to_json, to_json_text, to_markdown

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


def test_results_differ_without_a_mark_and_rows_that_say_nothing_are_left_out():
    text = to_markdown(compare([ENTRY, OTHER]))
    assert "| search's value | 45 | 44 |  |" in text
    assert "p-value" not in text
    assert "p_value" in to_csv(compare([ENTRY, OTHER]))


def test_standings_and_p_values_are_in_every_format():
    rival = replace(OTHER, values=(44.0, 46.0), standing="worse", p_value=0.01234567)
    comparison = compare(
        [replace(ENTRY, values=(41.0, 43.0), standing="best", winner=True), rival], ["mind"], ["legend"]
    )
    assert "| p-value | – | 0.0123 |  |" in to_markdown(comparison)
    assert "p_value,result,,0.01234567,true" in to_csv(comparison)
    page = read_page(to_html(comparison)).text
    assert "p-value – 0.0123" in page
    assert page.index("mind") < page.index("best worse") < page.index("legend")
    best, worse = to_json(comparison)["entries"]
    assert [best[key] for key in ("mean", "n", "verdict", "p_value", "winner")] == [42.0, 2, "best", None, True]
    assert [worse[key] for key in ("mean", "n", "verdict", "p_value", "winner")] == [
        45.0,
        2,
        "worse",
        0.01234567,
        False,
    ]


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("", 0.123456, "0.1235"),
        ("", 9_999, "9,999"),
        ("", 1_234_567, "1,234,567"),
        ("", "\x1b[31mred\n", "\N{REPLACEMENT CHARACTER}[31mred"),
        ("", None, "–"),
        ("p", 0.0496, "0.0496"),
        ("p", 1.0, "1"),
        ("p", 0.00002, "< 0.0001"),
        ("seconds", 8.1e-8, "81 ns"),
        ("seconds", 0.00012345, "123 µs"),
        ("seconds", 0.99951, "1.0 s"),
        ("seconds", 200.0, "3 min 20 s"),
        ("seconds", 0.0, "0.0 s"),
        ("bytes", 44, "44 bytes"),
        ("bytes", 999_600, "1 MB"),
        ("bytes", 12_345, "12.3 kB"),
    ],
)
def test_a_cell_is_written_as_a_person_reads_it(unit, value, text):
    assert cell_text(ComparedRow("name", "result", (value,), False, "label", unit), value) == text


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
    assert list(values) == ["columns", "best", "differing", "notes", "rows", "entries", "legend"]
    assert list(values["rows"][0]) == ["name", "group", "values", "differs"]
    assert list(values["entries"][0]) == [
        "study", "trial", "objective", "direction", "value", "configuration", "parameters", "seconds", "best_epoch",
        "metrics", "data_digest", "split", "rows_digest", "settings", "mean", "sd", "n", "verdict", "p_value", "winner",
        "size_bytes", "latency",
    ]  # fmt: skip
    assert values["entries"][0]["value"] is None
    assert values["entries"][1]["configuration"] == dict(OTHER.configuration)
    assert json.loads(to_json_text(compare([HOSTILE, OTHER]))) == values
