"""Bad data files, one test for each kind: the whole message, or what a person is told of a file that is accepted."""

# ruff: noqa: E501  a message is compared whole, on one line, as a person reads it
from __future__ import annotations

import csv
import gzip
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from hpsearch.cli import main
from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import load_table, prepare_dataset
from hpsearch.data.profile import profile_table
from hpsearch.data.transform import transform
from hpsearch.errors import DataError
from hpsearch.spec.load import make_spec
from hpsearch.spec.sections import StudySpec


def table(row: Callable[[int], str] | None = None, *, head: str = "a,b,y", rows: int = 60, **changed: str) -> str:
    """Return a CSV text of even rows; `line_7="..."` puts another one on a line of the file."""
    made = row or (lambda n: f"{n * 37 % 101 / 7:.3f},{'uvw'[n % 3]},{n * n % 53}.5")
    lines = [head, *(made(n) for n in range(rows)), ""]
    for name, text in changed.items():
        lines[int(name.removeprefix("line_")) - 1] = text
    return "\n".join(lines)


GOOD = table()


def study(folder: Path, content: str | bytes | None, prepare: dict[str, Any] | None = None, **data: Any) -> StudySpec:
    if content is not None:
        (folder / "rows.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return make_spec({"data": {"csv": "rows.csv", "target": "y"} | data, "prepare": prepare or {}}, folder=folder)


def prepared(folder: Path, content: str | bytes | None, *prepare: dict[str, Any], **data: Any) -> Dataset:
    return prepare_dataset(study(folder, content, *prepare, **data), folder / "cache")


def refusal(folder: Path, content: str | bytes | None, data: dict[str, Any]) -> str:
    """Return what a person is told about a file, before whom nothing else was done."""
    data = dict(data)
    with pytest.raises(DataError) as error:
        prepared(folder, content, data.pop("prepare", {}), **data)
    assert error.value.exit_code == 2
    return str(error.value).replace(str(folder), "FOLDER")


def cases(*rows: tuple[str | bytes | None, dict[str, Any], str]) -> Any:
    return pytest.mark.parametrize(("content", "data", "message"), rows, ids=map(str, range(len(rows))))


@cases(
    (None, {}, "rows.csv: field 'data.csv': no file FOLDER/rows.csv; the path is relative to the study file"),
    ("", {}, "rows.csv: field 'data.csv': the file is empty; a CSV file has a header line and rows"),
    (" \n\n", {}, "rows.csv: field 'data.csv': the file is empty; a CSV file has a header line and rows"),
    (b"\xef\xbb\xbf", {}, "rows.csv: field 'data.csv': the file is empty; a CSV file has a header line and rows"),
    (
        gzip.compress(b"", mtime=0),
        {},
        "rows.csv: field 'data.csv': the file is empty; a CSV file has a header line and rows",
    ),
    ("a,y\n", {}, "rows.csv:1: field 'data.csv': the file has a header and no rows; add rows"),
    ("\na,y\n\n", {}, "rows.csv:2: field 'data.csv': the file has a header and no rows; add rows"),
)
def test_a_file_that_is_missing_or_has_no_rows(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


@cases(
    (
        GOOD.replace(",", ";"),
        {},
        "rows.csv:1: field 'data.separator': found 1 column; it looks like ';' separates; set separator: ';'",
    ),
    (
        GOOD.replace(",", "\t"),
        {},
        'rows.csv:1: field \'data.separator\': found 1 column; it looks like "\\t" separates; set separator: "\\t"',
    ),
    (
        GOOD.replace(",", "|"),
        {},
        "rows.csv:1: field 'data.separator': found 1 column; it looks like '|' separates; set separator: '|'",
    ),
    (
        GOOD.replace(",", ":"),
        {},
        "rows.csv:1: field 'data.separator': found 1 column; it looks like ':' separates; set separator: ':'",
    ),
    (
        GOOD.replace(",", " "),
        {},
        "rows.csv:1: field 'data.separator': found 1 column; it looks like ' ' separates; set separator: ' '",
    ),
    (
        GOOD,
        {"separator": ";"},
        "rows.csv:1: field 'data.separator': found 1 column; it looks like ',' separates; set separator: ','",
    ),
    (
        table(lambda n: f"{n},5;u;{n},25", head="a;b, in m;y"),
        {},
        "rows.csv:2: field 'data.csv': 3 fields where the header has 2 (also line 3: 3, line 4: 3 and 57 more); it looks like ';' separates; set separator: ';'",
    ),
    (
        GOOD,
        {"separator": "§"},
        "rows.csv: field 'data.separator': '§' cannot separate cells; use an ASCII character other than a quote",
    ),
    (
        GOOD,
        {"separator": '"'},
        "rows.csv: field 'data.separator': '\"' cannot separate cells; use an ASCII character other than a quote",
    ),
)
def test_a_separator_other_than_the_studys(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


@cases(
    (
        table(lambda n: f"{n};u;{n * n % 53},25", head="a;b;y"),
        {"separator": ";"},
        "rows.csv: field 'data.target': 'y' was read as text; its cells look like numbers: set decimal: ','",
    ),
    (
        table(lambda n: f"{n};u;{n},{n + 100}", head="a;b;y"),
        {"separator": ";"},
        "rows.csv: field 'data.target': 'y' was read as text; its cells look like numbers: set decimal: ',', or remove the commas if they part thousands",
    ),
    (
        table(lambda n: f"{n};u;1,{n + 100}.5", head="a;b;y"),
        {"separator": ";"},
        "rows.csv: field 'data.target': 'y' was read as text; its cells look like numbers: remove the commas between thousands",
    ),
    (
        table(lambda n: f"{n};u;1.{n + 100},5", head="a;b;y"),
        {"separator": ";", "decimal": ","},
        "rows.csv: field 'data.target': 'y' was read as text; its cells look like numbers: remove the points between thousands",
    ),
    (
        GOOD,
        {"decimal": ","},
        "rows.csv: field 'data.decimal': ',' separates cells too; set another decimal mark or separator",
    ),
    (GOOD, {"decimal": "x"}, "rows.csv: field 'data.decimal': 'x' is no decimal mark; use '.' or ','"),
)
def test_a_target_in_another_notation(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


@pytest.mark.parametrize(("cell", "decimal", "note"), [
    ("{n},5", ".", "column 'a' was read as text; its cells look like numbers: set decimal: ','"),
    ("{n},{m}", ".", "column 'a' was read as text; its cells look like numbers: set decimal: ',', or remove the commas if they "
     "part thousands"),
    ("{n}.{m},5", ".", "column 'a' was read as text; its cells look like numbers: set decimal: ',' and remove the points "
     "between thousands"),
    ("{n}.{m},5", ",", "column 'a' was read as text; its cells look like numbers: remove the points between thousands"),
    ("{n},{m}.5", ".", "column 'a' was read as text; its cells look like numbers: remove the commas between thousands"),
])  # fmt: skip
def test_a_column_in_another_notation_is_text_and_said(tmp_path: Path, cell: str, decimal: str, note: str) -> None:
    content = table(lambda n: f"{cell.format(n=n + 1, m=n + 100)};u{n % 2};{n}", head="a;b;y")
    assert note in prepared(tmp_path, content, separator=";", decimal=decimal).notes


@cases(
    (
        GOOD.replace("u", "ü").encode("latin-1"),
        {},
        "rows.csv:2: field 'data.encoding': byte 12 (0xfc) is not utf-8; try encoding: cp1252 (Western European)",
    ),
    (
        GOOD.replace("u", "\x81").encode("latin-1"),
        {"encoding": "cp1252"},
        "rows.csv:2: field 'data.encoding': byte 12 (0x81) is not cp1252; try encoding: latin-1 (Western European)",
    ),
    (
        GOOD.encode("utf-16"),
        {},
        "rows.csv:1: field 'data.encoding': byte 0 (0xff) is not utf-8; it looks like UTF-16; set encoding: utf-16",
    ),
    (
        GOOD.encode("utf-16-le"),
        {},
        "rows.csv:1: field 'data.csv': byte 1 is NUL, which no text holds; it looks like UTF-16-LE; set encoding: utf-16-le",
    ),
    (
        GOOD.encode("utf-32"),
        {},
        "rows.csv:1: field 'data.encoding': byte 0 (0xff) is not utf-8; it looks like UTF-32; set encoding: utf-32",
    ),
    (
        GOOD.encode("utf-16")[:-1],
        {"encoding": "utf-16"},
        "rows.csv:61: field 'data.encoding': byte 1,578 (0x0a) is not utf-16; the file is damaged or cut short; get it again",
    ),
    (
        GOOD,
        {"encoding": "utf-16"},
        "rows.csv:1: field 'data.encoding': byte 788 (0x0a) is not utf-16; it looks like UTF-8; set encoding: utf-8",
    ),
    (
        GOOD.replace("u", "ü"),
        {"encoding": "ascii"},
        "rows.csv:2: field 'data.encoding': byte 12 (0xc3) is not ascii; it looks like UTF-8; set encoding: utf-8",
    ),
    (
        GOOD,
        {"encoding": "klingon"},
        "rows.csv: field 'data.encoding': 'klingon' is no known encoding of text; try utf-8, cp1252 or utf-16",
    ),
    (
        GOOD,
        {"encoding": "base64"},
        "rows.csv: field 'data.encoding': 'base64' is no known encoding of text; try utf-8, cp1252 or utf-16",
    ),
    (
        GOOD,
        {"encoding": "unicode_escape"},
        "rows.csv: field 'data.encoding': 'unicode_escape' is no known encoding of text; try utf-8, cp1252 or utf-16",
    ),
    (
        gzip.compress(GOOD.encode(), mtime=0)[:-9],
        {},
        "rows.csv: field 'data.csv': the gzip file is damaged: Compressed file ended before the end-of-stream marker was reached; get it again",
    ),
    (
        gzip.compress(GOOD.encode(), mtime=0) + b"junk",
        {},
        "rows.csv: field 'data.csv': the gzip file is damaged: Not a gzipped file (b'ju'); get it again",
    ),
    (
        gzip.compress(GOOD.encode("utf-16"), mtime=0),
        {},
        "rows.csv:1: field 'data.encoding': byte 0 (0xff) is not utf-8; it looks like UTF-16; set encoding: utf-16",
    ),
)
def test_bytes_that_are_not_the_text_they_are_said_to_be(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


@cases(
    (b"PK\x03\x04 and more", {}, "rows.csv: field 'data.csv': this is a ZIP or Excel file, not CSV; save it as CSV"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        {},
        "rows.csv: field 'data.csv': this is an Excel file, not CSV; save it as CSV",
    ),
    (b"PAR1 and more", {}, "rows.csv: field 'data.csv': this is Parquet, not CSV; write parquet: PATH"),
    (
        b"\x28\xb5\x2f\xfd\x04\x00",
        {},
        "rows.csv: field 'data.csv': this is a packed file, not CSV; unpack it, or pack it with gzip",
    ),
    (b"%PDF-1.4\n%\xe2\xe3", {}, "rows.csv: field 'data.csv': this is another kind of file, not CSV; save it as CSV"),
    (
        "<!DOCTYPE html><title>404</title>",
        {},
        "rows.csv: field 'data.csv': this is a web page or XML, not CSV; download the file itself, or save it as CSV",
    ),
    ('[{"a": 1, "y": 2}]', {}, "rows.csv: field 'data.csv': this is JSON, not CSV; save it as CSV"),
)
def test_another_kind_of_file(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


@pytest.mark.parametrize("content", [
    GOOD.encode("utf-8-sig"), gzip.compress(GOOD.encode(), mtime=0), GOOD.replace("\n", "\r\n").encode(),
    GOOD.replace("\n", "\r").encode(), f"\n \t\n{GOOD}\n".encode(),
], ids=["byte order mark", "gzip", "CR LF", "CR", "blank lines"])  # fmt: skip
def test_other_ways_to_write_the_same_rows_are_taken(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "good").mkdir()
    expected, _, _ = load_table(study(tmp_path / "good", GOOD))
    found, _, _ = load_table(study(tmp_path, content))
    pd.testing.assert_frame_equal(found, expected)


@cases(
    (
        table(line_7="1\0,u,3"),
        {},
        "rows.csv:7: field 'data.csv': byte 69 is NUL, which no text holds; the file is damaged; get it again",
    ),
    (
        GOOD.replace("a", "a\0", 1),
        {},
        "rows.csv:1: field 'data.csv': byte 1 is NUL, which no text holds; the file is damaged; get it again",
    ),
)
def test_a_nul_byte(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


@cases(
    (
        table(line_7="1,u,3,4"),
        {},
        "rows.csv:7: field 'data.csv': 4 fields where the header has 3; quote cells that hold the separator",
    ),
    (
        table(line_7="1,u", line_9="1", line_11="1,u,3,4", line_12=","),
        {},
        "rows.csv:7: field 'data.csv': 2 fields where the header has 3 (also line 9: 1, line 11: 4 and 1 more); add the missing fields, empty where unknown",
    ),
    (
        table(line_7='"1\n\n",u,3', line_9="1,u"),
        {},
        "rows.csv:11: field 'data.csv': 2 fields where the header has 3; add the missing fields, empty where unknown",
    ),
    (
        table(line_7='""'),
        {},
        "rows.csv:7: field 'data.csv': 1 field where the header has 3; add the missing fields, empty where unknown",
    ),
    (
        table(line_7='5",6",7,8'),
        {},
        "rows.csv:7: field 'data.csv': 4 fields where the header has 3; quote cells that hold the separator",
    ),
)
def test_a_row_that_is_too_long_or_too_short(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


@cases(
    (
        table(lambda n: f"{n},1,u,{n * n % 53}"),
        {},
        "rows.csv:2: field 'data.csv': 4 fields where the header has 3 (also line 3: 4, line 4: 4 and 57 more); name each column in the header (a row index too), or remove what each row has beyond it",
    ),
    (
        table(lambda n: f"{n},u,{n * n % 53},"),
        {},
        "rows.csv:2: field 'data.csv': 4 fields where the header has 3 (also line 3: 4, line 4: 4 and 57 more); name each column in the header (a row index too), or remove what each row has beyond it",
    ),
    (
        table(lambda n: f"{n},u"),
        {},
        "rows.csv:2: field 'data.csv': 2 fields where the header has 3 (also line 3: 2, line 4: 2 and 57 more); add the missing fields, empty where unknown",
    ),
)
def test_rows_that_are_all_longer_or_shorter(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


@cases(
    (
        table(line_7='1,"u,3'),
        {},
        "rows.csv:7: field 'data.csv': a quote opens here that is not closed; close it, or double a quote inside a quoted cell (\"\")",
    ),
    (
        table(line_7='1,"u,3', rows=20_000),
        {},
        "rows.csv:7: field 'data.csv': a cell has more than 131,072 characters, or its quote is not closed; shorten it, or close the quote",
    ),
    (
        GOOD.replace("b", '"b', 1),
        {},
        "rows.csv:1: field 'data.csv': a quote opens here that is not closed; close it, or double a quote inside a quoted cell (\"\")",
    ),
    (
        table(line_7='1,"u"x,3'),
        {},
        "rows.csv:7: field 'data.csv': text follows a closing quote; double a quote inside a quoted cell (\"\")",
    ),
    (
        table(line_7=f"1,{'u' * 140_000},3"),
        {},
        "rows.csv:7: field 'data.csv': a cell has more than 131,072 characters, or its quote is not closed; shorten it, or close the quote",
    ),
)
def test_a_quote_that_is_not_closed(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


@cases(
    (
        GOOD.replace("b", "a", 1),
        {},
        "rows.csv:1: field 'data.csv': column name 'a' stands in columns 1 and 2; rename one",
    ),
    (
        GOOD.replace("b", "A", 1),
        {},
        "rows.csv:1: field 'data.csv': column name 'A' stands in columns 1 and 2; rename one",
    ),
    (
        GOOD.replace("b", " a ", 1),
        {},
        "rows.csv:1: field 'data.csv': column name ' a ' stands in columns 1 and 2; rename one",
    ),
    (
        table(head="e\u0301,é,y"),
        {},
        "rows.csv:1: field 'data.csv': column name 'é' stands in columns 1 and 2; rename one",
    ),
    (table(head="y,b,Y"), {}, "rows.csv:1: field 'data.csv': column name 'Y' stands in columns 1 and 3; rename one"),
    (
        table(head="1,2,2"),
        {},
        "rows.csv:1: field 'data.csv': column name '2' stands in columns 2 and 3; the first line must hold column names, add one",
    ),
    (
        table(head=f"{'x' * 500},{'x' * 500},y"),
        {},
        "rows.csv:1: field 'data.csv': column name 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'... stands in columns 1 and 2; rename one",
    ),
)
def test_a_column_name_that_stands_twice(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


@cases(
    (
        GOOD.replace("a", "", 1),
        {},
        "rows.csv:1: field 'data.csv': column 1 has no name; if it is a row index, remove it",
    ),
    (GOOD.replace("b", '" "', 1), {}, "rows.csv:1: field 'data.csv': column 2 has no name; give it one"),
    (
        table(lambda n: f"{n},u,{n},", head="a,b,y,"),
        {},
        "rows.csv:1: field 'data.csv': column 4 has no name; if each line ends with a separator, remove that",
    ),
    (
        table(lambda n: f"{n},,,,,{n}", head=",,,,a,y"),
        {},
        "rows.csv:1: field 'data.csv': columns 1, 2, 3 and 1 more have no name; if it is a row index, remove it",
    ),
)
def test_a_column_without_a_name(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


HOSTILE = (
    "<script>alert(1)</script>", "=cmd|'/c calc'!A1", "😀", "line\nbreak", "x" * 10_000, "../../up", "tab\tbed", "__proto__",
    "{{7*7}}", "nan", "index", "\u202egnp.exe", "\x1b[31mred",
)  # fmt: skip


def test_any_column_name_is_taken_as_it_is_and_shown_in_one_line(tmp_path: Path) -> None:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*HOSTILE, "\x1b[2J", "y"])
    writer.writerows([*((n * k) % 17 for k in range(2, 2 + len(HOSTILE))), 7, f"{n * n % 53}.5"] for n in range(60))
    dataset = prepared(tmp_path, file.getvalue())
    assert dataset.signature.columns == HOSTILE
    assert dataset.notes[1:] == ("column '\\x1b[2J' is not used: constant (7 in every row)",)
    message = refusal(tmp_path, file.getvalue(), {"target": "line\nbroke"})
    assert message == "rows.csv: field 'data.target': no column 'line\\nbroke'; did you mean 'line\\nbreak'?"


def test_only_empty_cells_and_the_texts_that_a_study_names_are_missing(tmp_path: Path) -> None:
    content = table(lambda n: f"{['NA', 'None', '?', ' '][n % 4]},{n if n % 5 else '?'},{n}.5", head="c,a,y")
    named = prepared(tmp_path, content, na_values=["?"], numeric=["a"])
    assert named.signature.features == ("c= ", "c=NA", "c=None", "c=(missing)", "a")
    told = prepared(tmp_path, content)
    assert "80.0% of the cells of 'a' are numbers, 12 are not (line 2, 7, 12 and 9 more: '?', '?', '?'): read as categories; " \
        "mend them or set na_values: ['?'] if these are numbers" in told.notes  # fmt: skip


@cases(
    (
        table(line_7="NA,u,3"),
        {},
        "rows.csv: field 'data.numeric': 98.3% of the cells of 'a' are numbers, 1 is not (line 7: 'NA'); mend it, or try na_values: ['NA'], or categorical: ['a']",
    ),
    (
        table(line_7="nan,u,3"),
        {},
        "rows.csv: field 'data.numeric': 98.3% of the cells of 'a' are numbers, 1 is not (line 7: 'nan'); mend it, or try na_values: ['nan'], or categorical: ['a']",
    ),
    (
        table(line_7=" ,u,3"),
        {},
        "rows.csv: field 'data.numeric': 98.3% of the cells of 'a' are numbers, 1 is not (line 7: ' '); mend it, or try na_values: [' '], or categorical: ['a']",
    ),
    (
        table(line_7="12abc,u,3", line_9="x,u,4"),
        {},
        "rows.csv: field 'data.numeric': 96.7% of the cells of 'a' are numbers, 2 are not (line 7, 9: '12abc', 'x'); mend them, or try na_values: ['12abc'], or categorical: ['a']",
    ),
    (
        table(lambda n: f"{n if n % 3 else 'x'},u,{n}.5"),
        {"numeric": ["a"]},
        "rows.csv: field 'data.numeric': 66.7% of the cells of 'a' are numbers, 20 are not (line 2, 5, 8 and 17 more: 'x', 'x', 'x'); mend them, or try na_values: ['x'], or categorical: ['a']",
    ),
    (
        table(lambda n: f"{n},2024-02-{n % 28 + 1:02},{n}.5", line_9="1,2024-02-30,3"),
        {},
        "rows.csv: field 'data.numeric': 98.3% of the cells of 'b' are dates, 1 is not (line 9: '2024-02-30'); mend it, or try na_values: ['2024-02-30'], or categorical: ['b']",
    ),
    (
        table(line_7="1,u,3x"),
        {},
        "rows.csv: field 'data.target': 'y' holds numbers, but not in line 7: '3x'; mend it, or set na_values: ['3x'] and prepare.missing: drop if it is missing",
    ),
    (
        table(line_7="1,u,NA"),
        {},
        "rows.csv: field 'data.target': 'y' holds numbers, but not in line 7: 'NA'; mend it, or set na_values: ['NA'] and prepare.missing: drop if it is missing",
    ),
)
def test_a_column_of_numbers_with_cells_that_are_none(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


@cases(
    (
        table(line_7="inf,u,3", line_9="-Infinity,u,3"),
        {},
        "rows.csv: field 'data.numeric': 'a' has 2 cells beyond the range of float32 (line 7, 9: inf, -inf); mend them, rescale the column, or set na_values: ['inf'] if it is missing",
    ),
    (
        table(line_7="1e39,u,3"),
        {},
        "rows.csv: field 'data.numeric': 'a' has a cell beyond the range of float32 (line 7: 1e+39); mend it, rescale the column, or set na_values: ['1e+39'] if it is missing",
    ),
    (
        table(line_7="1e400,u,3"),
        {},
        "rows.csv: field 'data.numeric': 'a' has a cell beyond the range of float32 (line 7: inf); mend it, rescale the column, or set na_values: ['inf'] if it is missing",
    ),
    (
        table(line_7=f"{'9' * 400},u,3"),
        {},
        "rows.csv: field 'data.numeric': 'a' has a cell beyond the range of float32 (line 7: inf); mend it, rescale the column, or set na_values: ['inf'] if it is missing",
    ),
    (
        table(line_7="1,u,inf"),
        {},
        "rows.csv: field 'data.target': 'y' has a cell beyond the range of float32 (line 7: inf); mend it, rescale the column, or set na_values: ['inf'] if it is missing",
    ),
    (
        table(line_7="1,u,1e39"),
        {},
        "rows.csv: field 'data.target': 'y' has a cell beyond the range of float32 (line 7: 1e+39); mend it, rescale the column, or set na_values: ['1e+39'] if it is missing",
    ),
)
def test_a_number_that_is_infinite_or_too_large(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


@pytest.mark.parametrize("cell", ["{n:05}", '"{n:05}"', "{n:05}?", "9{n:016}", "9{n:016}?", "9{n:025}", "9{n:025}?"])
def test_zeros_before_a_number_and_more_digits_than_float64_has_are_kept(tmp_path: Path, cell: str) -> None:
    texts = ["" if cell.endswith("?") and n == 5 else cell.strip("?").format(n=n) for n in range(60)]
    frame, columns, _ = load_table(study(tmp_path, table(lambda n: f"{texts[n]},u{n % 2},{n}.5")))
    assert frame["a"].fillna("").astype(str).tolist() == [text.strip('"') for text in texts]
    assert columns.columns[0] == ("a", "categorical")
    assert any(note.startswith("column 'a' looks like an identifier (") for note in columns.notes)


def test_columns_that_are_empty_or_constant_are_left_out_and_said(tmp_path: Path) -> None:
    content = table(lambda n: f"{n},,7,u,{'' if n % 2 else 3},{n}.5", head="a,empty,same,word,gaps,y")
    dataset = prepared(tmp_path, content)
    assert dataset.signature.columns == ("a",)
    assert dataset.notes[1:] == (
        "column 'empty' is not used: all cells are missing",
        "column 'same' is not used: constant (7 in every row)",
        "column 'word' is not used: constant ('u' in every row)",
        "column 'gaps' is not used: constant (3)",
    )
    message = refusal(tmp_path, table(lambda n: f",7,{n}.5"), {})
    assert message == (
        "rows.csv: field 'data.features': no column is left to predict 'y' from ('a': all cells are missing; "
        "'b': constant (7 in every row)); name other features, or another file"
    )


@cases(
    (GOOD, {"target": "cost"}, "rows.csv: field 'data.target': no column 'cost'; known: a, b, y"),
    (GOOD, {"target": "Y"}, "rows.csv: field 'data.target': no column 'Y'; did you mean 'y'?"),
    (
        table(line_7="1,u,", line_9="1,u,"),
        {},
        "rows.csv: field 'data.target': 'y' is missing in 2 of 60 rows (line 7, 9); remove these rows, or set prepare.missing: drop",
    ),
    (table(lambda n: f"{n},u,"), {}, "rows.csv: field 'data.target': 'y' has no values; name another column"),
    (
        table(lambda n: f"{n},u,"),
        {"prepare": {"missing": "drop"}},
        "rows.csv: field 'data.target': 'y' has no values; name another column",
    ),
)
def test_a_target_that_is_absent_or_missing(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


def test_rows_without_a_target_are_left_out_where_the_study_says_so(tmp_path: Path) -> None:
    dataset = prepared(tmp_path, table(line_7="1,u,", line_9="1,u,"), {"missing": "drop"})
    assert dataset.rows["total"] == 58
    assert dataset.notes[-1] == "2 of 60 rows have a missing cell and are left out"


@cases(
    (
        table(lambda n: f"{n},u{n % 2},yes"),
        {},
        "rows.csv: field 'data.target': 'y' is 'yes' in all 60 rows; a target that does not vary cannot be learned, name another column",
    ),
    (
        table(lambda n: f"{n},u{n % 2},2.5"),
        {},
        "rows.csv: field 'data.target': 'y' is 2.5 in all 60 rows; a target that does not vary cannot be learned, name another column",
    ),
    (
        "a,y\n1,2\n",
        {},
        "rows.csv: field 'data.target': 'y' is 2 in the only row; a target that does not vary cannot be learned, name another column",
    ),
    (
        table(lambda n: f"{n},u,{'yes' if n % 2 else 'no'}", line_7="1,u,maybe"),
        {},
        "rows.csv: field 'data.split.stratify': 1 of 3 classes has a single row ('maybe'), too few to stand in two parts; add rows, remove these, or set stratify: false",
    ),
    (
        table(lambda n: f"{n},u,k{n % 10_000}", rows=30_000),
        {},
        "rows.csv: field 'data.target': found 10,000 distinct values in 'y' in 30,000 rows: too many for classes; name a column with fewer classes",
    ),
    (
        table(lambda n: f"{n},u,{n * 1.37:.3f}"),
        {"task": "multiclass"},
        "rows.csv: field 'data.task': classes expected, found 60 distinct numbers in 'y'; try task: regression",
    ),
    (
        table(lambda n: f"{n},u,{n}", rows=3000),
        {"task": "multiclass"},
        "rows.csv: field 'data.task': found 3,000 distinct whole numbers in 'y' in 3,000 rows: too many for classes; try task: regression",
    ),
    (
        table(lambda n: f"{n},u,{'yes' if n % 2 else 'no'}"),
        {"task": "regression"},
        "rows.csv: field 'data.task': regression needs numbers, found 2 distinct values in 'y' that are none; try task: binary",
    ),
    (
        table(lambda n: f"{n},u,k{n % 3}"),
        {"task": "binary"},
        "rows.csv: field 'data.task': binary needs 2 classes, 'y' has 3: k0, k1, k2; try task: multiclass",
    ),
    (
        table(lambda n: f"{n},u,2024-02-{n % 28 + 1:02}"),
        {},
        "rows.csv: field 'data.target': 'y' holds dates; a target holds numbers or classes, name another column",
    ),
    (
        table(lambda n: f"{n},u,{2**60 + n}"),
        {},
        "rows.csv: field 'data.target': 'y' holds whole numbers above 2^53, as identifiers do; name another column, or give the task",
    ),
)
def test_a_target_that_cannot_be_learned(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


ORDERED = table(lambda n: f"{n},u{n % 2},{'yes' if n < 50 else 'no'}")
PARTS = table(lambda n: f"{n},{'test' if n % 2 else 'validation'},{n}.5", head="a,p,y")


@cases(
    (
        table(rows=3),
        {"split": {"validation": {"folds": 5}}},
        "rows.csv: field 'data.split.validation': 2 rows outside the test part cannot make 5 parts; use fewer folds or add rows",
    ),
    (
        table(rows=2),
        {},
        "rows.csv: field 'data.split.validation': too few rows (1) to give 0.2 of them to the validation part and keep one; add rows or lower the share",
    ),
    (
        table(lambda n: f"{n},u,{'yes' if n in (3, 4, 5) else 'no'}"),
        {"split": {"validation": {"folds": 5}}},
        "rows.csv: field 'data.split.validation': a class has 2 rows outside the test part, fewer than 5 folds; use at most 2 folds, or set stratify: false",
    ),
    (
        ORDERED,
        {"split": {"shuffle": False}},
        "rows.csv: field 'data.split.stratify': all 38 rows of the training part are of one class; set stratify: true, or change the shares",
    ),
    (
        table(lambda n: f"{n},u,k{n % 25}", rows=75),
        {"split": {"test": 0.2}},
        "rows.csv: field 'data.split.test': 15 of 75 rows in the test part cannot hold all 25 classes; raise the share, add rows, or set stratify: false",
    ),
    (
        PARTS,
        {"split": {"column": "p"}},
        "rows.csv: field 'data.split.column': 'p' names no row 'train'; add training rows",
    ),
    (
        PARTS.replace("test", "tset"),
        {"split": {"column": "p"}},
        "rows.csv: field 'data.split.column': 'p' holds 'tset' (30 rows); it may hold train, validation (val, valid), test",
    ),
    (
        PARTS,
        {"time_ordered": "p"},
        "rows.csv: field 'data.time_ordered': 'p' holds 'validation' (line 2, 3, 4 and 57 more), neither a number nor a date such as 2011-12-31; mend it, or name another column",
    ),
    (
        table(lambda n: f"{n if n % 5 else ''},u,{n}.5"),
        {"time_ordered": "a"},
        "rows.csv: field 'data.time_ordered': 12 of 60 rows have no time to sort by; fill or remove them",
    ),
)
def test_too_few_rows_for_the_parts(tmp_path: Path, content: Any, data: Any, message: str) -> None:
    assert refusal(tmp_path, content, data) == message


def told(folder: Path, content: str, **data: Any) -> dict[str, str]:
    """Return the warnings about a file by their code, as `init`, `eda` and `check` show them."""
    frame, columns, parts = load_table(study(folder, content, **data))
    return {warning.code: warning.message for warning in profile_table(frame, columns, parts).warnings}


def test_columns_that_give_the_target_away_are_named(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    y = draw.normal(size=200)
    frame = pd.DataFrame({"copy": y, "noise": draw.normal(size=200), "y": y}).round(6)
    assert told(tmp_path, frame.to_csv(index=False))["leak"] == (
        "'copy' alone reproduces the target (correlation 1.0000); if it is not known when predicting, add drop: ['copy']"
    )
    frame["copy"] = y + draw.normal(size=200) / 100
    assert "'copy' alone reproduces the target (correlation 0.999" in told(tmp_path, frame.to_csv(index=False))["leak"]


def test_a_column_that_numbers_the_rows_and_one_that_names_them_are_named(tmp_path: Path) -> None:
    found = told(tmp_path, table(lambda n: f"{n + 1000},name {n},{n * 7 % 5},{n * n % 53}.5", head="id,name,x,y"))
    assert found["identifier"] == (
        "'id' looks like an identifier (a different whole number in each row); add drop: ['id']"
    )
    assert found["near_unique"].startswith("'name' differs nearly in each row (60 values in 60 cells; ")


def test_rows_that_stand_in_two_parts_are_counted(tmp_path: Path) -> None:
    found = told(tmp_path, table(lambda n: f"{n % 20},{n % 2},{n % 20 * 7 % 11}.5"))
    assert found["duplicate_rows"].endswith(" training or validation rows; the test figures will flatter")


def test_a_preparation_knows_the_training_rows_alone(tmp_path: Path) -> None:
    content = table(lambda n: f"{n if n < 50 else 10**6},{'late' if n >= 50 else 'uv'[n % 2]},{n}.5")
    dataset = prepared(tmp_path, content, split={"shuffle": False})
    size, kind = dataset.preparation()["columns"]
    assert size["scaling"]["center"] == np.arange(38).mean()
    assert kind["slots"] == ["u", "v"]


def test_ten_thousand_categories_share_a_slot_or_make_inputs_that_are_told(tmp_path: Path) -> None:
    content = table(lambda n: f"{n},k{n % 10_000},{n}.5", rows=12_000)
    assert prepared(tmp_path, content).notes[1:] == (
        "column 'b': each category has fewer than 5 training rows; all share one",
    )
    content = table(lambda n: f"{n},k{n % 2000},{n}.5", rows=2500)
    (note,) = prepared(tmp_path, content, {"min_frequency": 1}).notes[1:]
    assert note == "column 'b' makes 1,398 inputs, 14 MB in all rows; raise prepare.min_frequency, or drop it"


def test_categories_that_training_never_saw_and_missing_cells_have_their_place(tmp_path: Path) -> None:
    content = table(lambda n: f"{n if n % 7 else ''},{['oak', 'elm', ''][n % 3]},{n}.5", line_4="1,rare,7")
    state = prepared(tmp_path, content).preparation()
    assert state["features"] == ["a", "b=elm", "b=oak", "b=(missing)"]
    rows = pd.DataFrame({"a": [None, 3.0], "b": ["new", None]})
    x = transform(rows, state)
    assert np.isfinite(x).all()
    assert x[:, 1:].tolist() == [[0, 0, 0], [0, 0, 1]]


def test_a_table_larger_than_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "rows.csv").open("wb") as file:
        file.truncate(2**43)  # takes no room on disk
    message = refusal(tmp_path, None, {})
    assert message.startswith("rows.csv: field 'data.csv': the table needs about 26,388.3 GB of memory, ")
    assert message.endswith(" GB are free; use fewer rows or columns")


def test_a_hundred_thousand_columns_are_refused_with_their_number(tmp_path: Path) -> None:
    names = ",".join(f"c{at}" for at in range(99_999))
    content = f"{names},y\n" + f"{'1,' * 99_999}2\n" * 20
    assert refusal(tmp_path, content, {}) == (
        "rows.csv:1: field 'data.csv': 100,000 columns; at most 20,000 are read; write a file with those that matter"
    )


def test_a_file_that_cannot_be_read_or_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert refusal(tmp_path, None, {"csv": "folder"}) == (
        "folder: field 'data.csv': FOLDER/folder is a folder; name a file in it"
    )
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path, None, {"csv": "pipe"}) == (
        "pipe: field 'data.csv': FOLDER/pipe is a device or a pipe; name a file"
    )


BAD: dict[str, tuple[bytes, str]] = {
    "no rows": (b"a,y\n", "rows.csv:1: field 'data.csv': the file has a header and no rows; add rows"),
    "ragged": (table(line_7="1,u").encode(), "rows.csv:7: field 'data.csv': 2 fields where the header has 3; "),
    "double names": (GOOD.replace("b", "a", 1).encode(), "rows.csv:1: field 'data.csv': column name 'a' stands in "),
    "cut short": (gzip.compress(GOOD.encode(), mtime=0)[:-9], "rows.csv: field 'data.csv': the gzip file is damaged: "),
    "one class": (
        table(lambda n: f"{n},u,yes").encode(),
        "rows.csv: field 'data.target': 'y' is 'yes' in all 60 rows; ",
    ),
    "all missing": (table(lambda n: ",,").encode(), "rows.csv: field 'data.target': 'y' has no values; "),
    "NUL": (table(line_7="1\0,u,3").encode(), "rows.csv:7: field 'data.csv': byte 69 is NUL, "),
}


@pytest.mark.parametrize("command", ["init", "check", "eda", "run"])
@pytest.mark.parametrize("name", BAD)
def test_every_command_refuses_a_bad_file_in_one_line_with_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, command: str
) -> None:
    content, message = BAD[name]
    (tmp_path / "rows.csv").write_bytes(content)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump({"name": "bad", "data": {"csv": "rows.csv", "target": "y"}}))
    monkeypatch.chdir(tmp_path)
    arguments = ["rows.csv", "--target", "y"] if command == "init" else ["study.yaml", "--store", "store"]
    monkeypatch.setattr(sys, "argv", ["hpsearch", command, *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    assert end.value.code == 2
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in out + err
