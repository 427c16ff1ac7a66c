from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hpsearch.data.columns import infer_columns
from hpsearch.data.sources import read_table
from hpsearch.errors import DataError
from hpsearch.spec.sections import DataSection, PrepareSection

Y = np.linspace(0.1, 9.9, 100)


def infer(table, prepare=None, **options):
    frame = pd.DataFrame(table)
    if "y" not in frame:
        frame["y"] = Y[: len(frame)]
    section = DataSection(csv="rows.csv", target="y", **options)
    return infer_columns(frame, section, PrepareSection(**(prepare or {})))


def refused(table, **options) -> str:
    with pytest.raises(DataError) as error:
        infer(table, **options)
    return str(error.value)


def test_kinds_are_inferred():
    columns = infer(
        {
            "number": range(100),
            "word": ["a", "b"] * 50,
            "flag": [True, False] * 50,
            "day": [f"2011-01-{1 + n % 28:02}" for n in range(100)],
            "moment": pd.date_range("2011-01-01", periods=100, freq="h"),
            "number as text": [f"{n}.5" for n in range(100)],
        }
    )
    assert columns.columns == (
        ("number", "numeric"), ("word", "categorical"), ("flag", "categorical"), ("day", "date"), ("moment", "date"),
        ("number as text", "numeric"),
    )  # fmt: skip
    assert columns.timed == ("moment",)


def test_the_study_file_overrules():
    columns = infer({"a": range(100), "b": ["1", "02"] * 50}, categorical=["a"], numeric=["b"])
    assert columns.columns == (("a", "categorical"), ("b", "numeric"))


def test_features_and_drop_choose_columns():
    table = {"a": range(100), "b": range(100), "c": range(100)}
    assert infer(table, features=["c", "a"]).names == ("a", "c")
    assert infer(table, drop=["b"]).dropped == (("b", "dropped by the study file"),)


def test_a_column_that_names_the_part_is_no_feature():
    columns = infer({"a": range(100), "part": ["train", "test"] * 50}, split={"column": "part"})
    assert columns.names == ("a",)


@pytest.mark.parametrize("field", ["features", "drop", "categorical", "numeric"])
def test_an_unknown_name_is_refused_with_the_nearest(field):
    message = refused({"windspeed": range(100)}, **{field: ["winspeed"]})
    assert message == f"rows.csv: field 'data.{field}': no column 'winspeed'; did you mean 'windspeed'?"


def test_the_target_is_no_feature():
    assert "'y' is the target" in refused({"a": range(100)}, features=["a", "y"])


def test_constant_and_empty_columns_are_left_out_and_said():
    columns = infer({"a": range(100), "same": 3, "word": "x", "empty": None, "day": "2011-01-01"})
    assert columns.names == ("a",)
    assert [name for name, _ in columns.dropped] == ["same", "word", "empty", "day"]
    assert "column 'same' is not used: constant (3 in every row)" in columns.notes
    assert "column 'empty' is not used: all cells are missing" in columns.notes


def test_no_column_left_is_an_error():
    assert "no column is left to predict 'y' from ('a': constant" in refused({"a": [3] * 100})


def test_dates_are_dropped_on_request():
    columns = infer({"a": range(100), "day": pd.date_range("2011-01-01", periods=100)}, prepare={"dates": "drop"})
    assert columns.dropped == (("day", "a date (prepare.dates: drop)"),)


def test_a_few_odd_cells_among_numbers_are_named_by_line(csv):
    rows = [f"{n},{n + 0.5}" for n in range(200)]
    rows[10], rows[20], rows[30], rows[40] = "12abc,1", "?,2", "x,3", "x,4"
    section, folder = csv("\n".join(["a,y", *rows, ""]))
    with pytest.raises(DataError) as error:
        infer_columns(read_table(section, folder), section, PrepareSection())
    assert "rows.csv: field 'data.numeric': 98.0% of the cells of 'a' are numbers, 4 are not" in str(error.value)
    assert "(line 12, 22, 32 and 1 more: '12abc', '?', 'x')" in str(error.value)


def test_mostly_text_is_a_category():
    assert infer({"a": ["1", "2", "x", "z"] * 25}).columns == (("a", "categorical"),)


def test_a_column_called_numeric_must_hold_numbers():
    assert "(row 2: 'x')" in refused({"a": ["1", "x"]}, numeric=["a"])


def test_infinite_cells_are_refused():
    assert "(row 3: inf)" in refused({"a": [1.0, 2.0, np.inf, *range(97)]})


def test_a_date_that_does_not_exist_is_refused():
    days = [f"2011-01-{1 + n % 28:02}" for n in range(100)]
    assert "(row 8: '2011-02-30')" in refused({"a": [*days[:7], "2011-02-30", *days[8:]]})


@pytest.mark.parametrize("cells", [["00123", "00456"], ["1234567890123456", "1234567890123457"], [2**60, 2**60 + 1]])
def test_identifiers_are_categories_and_said(cells):
    columns = infer({"a": cells * 50})
    assert columns.columns == (("a", "categorical"),)
    assert any("looks like an identifier" in note for note in columns.notes)


def test_decimal_commas_are_said():
    columns = infer({"a": [f"{n},5" for n in range(100)]})
    assert "set decimal: ','" in " ".join(columns.notes)


def test_cells_that_are_lists_are_refused():
    assert "holds list cells" in refused({"a": [[1]] * 100})


def test_labels_are_numbers():
    columns = infer({"a": range(4), "y": ["u", "v", "u", "v"]})
    assert columns.labels(pd.DataFrame({"y": ["v", "u"]})).tolist() == [1, 0]


def test_a_categorical_column_stays_one():
    assert infer({"a": pd.Categorical([1, 2] * 50)}).columns == (("a", "categorical"),)


@pytest.mark.parametrize("options", [{"split": {"column": "y"}}, {"time_ordered": "y"}])
def test_the_target_neither_splits_nor_orders(options):
    assert "'y' is the target" in refused({"a": range(100)}, **options)
