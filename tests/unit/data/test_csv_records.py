from __future__ import annotations

import io

import pytest

from hpsearch.data.csv_records import csv_records


class Refused(Exception):
    pass


def refusal(line: int, found: str) -> Refused:
    return Refused(f"line {line}: {found}")


def records(text: str, separator: str = ",") -> list[tuple[int, list[str]]]:
    return list(csv_records(io.StringIO(text, newline=""), separator, refusal))


def test_a_record_is_on_the_line_where_it_begins() -> None:
    assert records('a,b\n"1\n2",3\n4,5\n') == [(1, ["a", "b"]), (2, ["1\n2", "3"]), (4, ["4", "5"])]


@pytest.mark.parametrize("blank", ["", " ", " \t", "\t"])
def test_a_line_of_spaces_is_a_record_without_cells(blank: str) -> None:
    assert records(f"a\n{blank}\nb") == [(1, ["a"]), (2, []), (3, ["b"])]


@pytest.mark.parametrize("cell", ["", " "])
def test_quotes_make_a_cell_of_nothing(cell: str) -> None:
    assert records(f'a\n"{cell}"\nb') == [(1, ["a"]), (2, [cell]), (3, ["b"])]


def test_a_line_of_separators_has_cells() -> None:
    assert records("\t\n", "\t") == [(1, ["", ""])]


def test_an_empty_file_has_no_records() -> None:
    assert records("") == []


def test_cells_are_divided_by_the_separator_that_is_given() -> None:
    assert records("1,5;2\r\n", ";") == [(1, ["1,5", "2"])]


@pytest.mark.parametrize(("text", "line", "found"), [
    ('a\n1\n"open\n\n', 3, "a quote opens here that is not closed; close it"),
    ('a\n"1"2\n', 2, "text follows a closing quote; double a quote"),
    ("a\n1\n \r,2\n", 4, "the line before is blank and ends with CR alone"),
    ("a\r\r,2\r", 3, "the line before is blank and ends with CR alone"),
    ("a\n1\n2\0\n", 3, "a NUL character, which no text holds"),
    (f"a\n{'x' * 140_000}\n", 2, "a cell has more than 131,072 characters, or its quote is not closed"),
], ids=["open", "text after", "spaces and CR", "CR", "NUL", "long"])  # fmt: skip
def test_what_is_no_csv_raises_what_the_caller_makes_of_its_first_line(text: str, line: int, found: str) -> None:
    with pytest.raises(Refused, match=f"line {line}: {found}") as refused:
        records(text)
    assert refused.value.__suppress_context__
