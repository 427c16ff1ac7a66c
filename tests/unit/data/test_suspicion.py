from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hpsearch.data.columns import infer_columns
from hpsearch.data.prepared import load_table
from hpsearch.data.profile import profile_table
from hpsearch.data.split import Parts
from hpsearch.spec.sections import DataSection, PrepareSection

ROWS = 300


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame({name: rng.normal(size=ROWS) for name in "abcy"})


def warnings(frame, parts=None, **options):
    section = DataSection(csv="rows.csv", target="y", **options)
    found = profile_table(frame, infer_columns(frame, section, PrepareSection()), parts)
    return [(warning.code, warning.columns) for warning in found.warnings]


def test_a_clean_table_has_no_warnings(table):
    assert warnings(table) == []


def test_casual_and_registered_bikes_are_found_to_be_the_target(study):
    frame, columns, parts = load_table(study(csv="data/bike_sharing.csv.gz", target="cnt"))
    (warning,) = profile_table(frame, columns, parts).warnings
    assert (warning.code, warning.columns) == ("leak_sum", ("casual", "registered"))
    assert warning.message.startswith("casual + registered = cnt in every row")


def test_the_shipped_study_without_them_has_no_warnings(study):
    frame, columns, parts = load_table(study())
    assert profile_table(frame, columns, parts).warnings == ()


@pytest.mark.parametrize(
    ("target", "columns", "formula"),
    [
        (lambda t: t.a + t.b, ("a", "b"), "a + b = y"),
        (lambda t: t.a - t.c, ("a", "c"), "a - c = y"),
        (lambda t: t.c - t.b, ("c", "b"), "c - b = y"),
        (lambda t: t.a + t.b + t.c, ("a", "b", "c"), "a + b + c = y"),
        (lambda t: 2 * t.a - t.b + 3, ("a", "b"), "2 a - b + 3 = y"),
    ],
)
def test_columns_that_add_up_to_the_target_are_found(table, target, columns, formula):
    table = table.assign(y=target(table))
    section = DataSection(csv="rows.csv", target="y")
    (warning,) = profile_table(table, infer_columns(table, section, PrepareSection())).warnings
    assert (warning.code, warning.columns) == ("leak_sum", columns)
    assert warning.message.startswith(formula)


def test_a_pair_is_found_where_other_columns_have_missing_cells(table):
    table = table.assign(y=table.a + table.b)
    table.loc[::3, "c"] = np.nan
    table.loc[::5, "a"] = np.nan
    assert warnings(table) == [("leak_sum", ("a", "b"))]


def test_many_columns_of_few_rows_fit_by_chance_and_are_not_blamed():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(20, 25)), columns=[*map(str, range(24)), "y"])
    assert warnings(frame) == []


def test_a_column_that_is_the_target_in_other_units_is_found(table):
    assert warnings(table.assign(fahrenheit=table.y * 1.8 + 32)) == [("leak", ("fahrenheit",))]


def test_a_column_that_says_the_class_is_found(table):
    y = np.where(table.a > 0, "yes", "no")
    assert warnings(table.assign(y=y, code=np.where(y == "yes", "J", "N"))) == [("leak", ("code",))]


def test_a_column_that_decides_the_class_is_found(table):
    grade = pd.Series(["A", "B", "C", "D"] * 75)
    assert warnings(table.assign(y=grade.isin(["A", "B"]), grade=grade)) == [("leak", ("grade",))]


def test_rows_that_stand_in_two_parts_are_found(table):
    table.loc[200] = table.loc[0]
    table.loc[201] = table.loc[1]
    parts = Parts(np.arange(200, 300), ((np.arange(150), np.arange(150, 200)),))
    section = DataSection(csv="rows.csv", target="y")
    (warning,) = profile_table(table, infer_columns(table, section, PrepareSection()), parts).warnings
    assert warning.code == "duplicate_rows"
    assert warning.message.startswith("2 of 100 test rows (2.0%) also stand among the training or validation rows")


def test_equal_columns_are_found(table):
    frame = table.assign(copy=table.a, k=["u", "v"] * 150, l=["u", "v"] * 150)
    assert warnings(frame) == [("duplicate_columns", ("a", "copy")), ("duplicate_columns", ("k", "l"))]


def test_a_row_number_is_found(table):
    assert warnings(table.assign(id=np.random.default_rng(0).permutation(ROWS))) == [("identifier", ("id",))]


def test_counts_are_no_row_numbers(table):
    assert warnings(table.assign(n=np.random.default_rng(0).permutation(10 * ROWS)[:ROWS])) == []


def test_text_that_differs_in_each_row_is_found(table):
    assert warnings(table.assign(name=[f"name {n}" for n in range(ROWS)])) == [("near_unique", ("name",))]


def test_a_great_many_categories_are_found_with_their_size(table):
    frame = table.assign(place=[f"place {n % 140}" for n in range(ROWS)])
    section = DataSection(csv="rows.csv", target="y")
    (warning,) = profile_table(frame, infer_columns(frame, section, PrepareSection())).warnings
    assert (warning.code, warning.columns) == ("many_categories", ("place",))
    assert "140 categories (one-hot: 140 columns, 0 MB)" in warning.message


def test_constant_columns_are_named(table):
    assert warnings(table.assign(k="x", e=None)) == [("constant", ("k",)), ("constant", ("e",))]


def test_a_rare_class_is_named(table):
    y = np.repeat(["no", "yes"], [ROWS - 20, 20])
    assert warnings(table.assign(y=y)) == [("imbalance", ("y",))]


def test_missing_targets_are_counted(table):
    table.loc[:9, "y"] = np.nan
    section = DataSection(csv="rows.csv", target="y")
    columns = infer_columns(table, section, PrepareSection(missing="drop"))
    (warning,) = profile_table(table, columns).warnings
    assert (warning.code, warning.message) == ("missing_target", "'y' is missing in 10 of 300 rows")
