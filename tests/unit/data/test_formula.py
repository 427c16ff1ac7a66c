import csv
import io

import pytest

from hpsearch.data.formula import harmless


@pytest.mark.parametrize("text", ["=1+1", "+cmd|'/c calc'!A1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=", "-", "+a"])
def test_text_that_a_spreadsheet_would_run_begins_with_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Rome", "a=b", " =1", "'=1", "mail@example"])
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize("text", ["-1", "+1", "-1.5", "-.5", "-1e-05", "+3.", "-1E9"])
def test_a_number_is_no_formula(text: str) -> None:
    assert float(text)
    assert harmless(text) == text


def test_what_is_guarded_survives_a_csv_file() -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([harmless("=1,2"), harmless("\r=1")])
    buffer.seek(0)
    assert next(csv.reader(buffer)) == ["'=1,2", "'\r=1"]
