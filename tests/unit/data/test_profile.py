from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from hpsearch.data import profile as module
from hpsearch.data.columns import infer_columns
from hpsearch.data.prepared import load_table
from hpsearch.data.profile import profile_table
from hpsearch.spec.sections import DataSection, PrepareSection


def describe(table, **options):
    frame = pd.DataFrame(table)
    section = DataSection(csv="rows.csv", target="y", **options)
    return profile_table(frame, infer_columns(frame, section, PrepareSection()))


@pytest.fixture
def numbers():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    return pd.DataFrame({"x": x, "z": rng.normal(size=300), "y": x * 2 + rng.normal(size=300)})


def test_numbers_are_described_as_pandas_describes_them(numbers):
    column = describe(numbers).columns[0]
    theirs = numbers["x"].describe()
    ours = (column.mean, column.minimum, *column.quartiles, column.maximum)
    assert ours == pytest.approx(tuple(theirs[["mean", "min", "25%", "50%", "75%", "max"]]))
    assert column.std == pytest.approx(numbers["x"].std(ddof=0))
    counts, edges = column.histogram
    assert (np.histogram(numbers["x"], bins=len(counts))[0] == counts).all()
    assert len(edges) == len(counts) + 1


def test_outliers_are_beyond_one_and_a_half_interquartile_ranges(numbers):
    numbers.loc[:2, "x"] = [50, -50, 60]
    low, high = numbers["x"].quantile([0.25, 0.75])
    reach = 1.5 * (high - low)
    assert describe(numbers).columns[0].outliers == (~numbers["x"].between(low - reach, high + reach)).sum()


def test_missing_cells_are_counted(numbers):
    numbers.loc[:29, "x"] = np.nan
    column = describe(numbers).columns[0]
    assert (column.missing, column.missing_share) == (30, 0.1)


def test_categories_are_counted(numbers):
    column = describe(numbers.assign(k=["a", "b", "b"] * 100)).columns[2]
    assert (column.kind, column.distinct, column.top) == ("categorical", 2, (("b", 200), ("a", 100)))


def test_dates_are_described_in_years(numbers):
    column = describe(numbers.assign(d=pd.date_range("2011-01-01", periods=300).astype(str))).columns[2]
    assert (column.kind, column.minimum, column.distinct) == ("date", 2011, 300)


def test_columns_left_out_are_described_with_the_reason(numbers):
    columns = describe(numbers.assign(k="a"), drop=["z"]).columns
    assert [(column.name, column.used, column.reason) for column in columns] == [
        ("x", True, ""), ("z", False, "dropped by the study file"), ("k", False, "constant ('a' in every row)"),
    ]  # fmt: skip


def test_correlations_are_pearsons(numbers):
    correlations = describe(numbers).correlations
    assert correlations.names == ("x", "z", "y")
    np.testing.assert_allclose(correlations.matrix, numbers.corr().to_numpy(), atol=1e-12)
    assert correlations.with_target[0][0] == "x"
    assert correlations.with_target[0][1] == pytest.approx(numbers.corr().loc["x", "y"])


def test_several_classes_have_no_correlation(numbers):
    assert describe(numbers.assign(y=["a", "b", "c"] * 100)).correlations.with_target == ()


def test_a_regression_target_has_moments(numbers):
    target = describe(numbers).target
    assert dict(target.moments)["mean"] == pytest.approx(numbers["y"].mean())
    assert dict(target.moments)["skewness"] == pytest.approx(numbers["y"].skew(), abs=0.01)
    assert sum(target.histogram[0]) == 300


def test_classes_are_counted(numbers):
    assert describe(numbers.assign(y=["yes", "no", "no"] * 100)).target.classes == (("no", 200), ("yes", 100))


def test_duplicate_rows_are_counted(numbers):
    repeated = pd.concat([numbers, numbers.head(7)], ignore_index=True)
    assert describe(repeated).duplicate_rows == repeated.duplicated().sum() == 7


def test_large_tables_are_sampled_and_it_is_said(numbers, monkeypatch):
    monkeypatch.setattr(module, "MAX_ROWS", 100)
    found = describe(numbers)
    assert (found.rows, found.sampled_rows) == (300, 100)
    assert "100 of 300 rows, drawn at random" in found.notes[-1]


def test_wide_tables_show_the_columns_nearest_to_the_target(numbers, monkeypatch):
    monkeypatch.setattr(module, "MAX_CORRELATED", 1)
    correlations = describe(numbers).correlations
    assert correlations.names == ("x", "y")
    assert len(correlations.with_target) == 2


@pytest.mark.parametrize("name", ["diabetes", "breast_cancer", "wine", "digits", "iris", "line"])
def test_every_set_is_described_in_plain_json(name, study):
    spec = study(csv="data/line.csv", target="y") if name == "line" else study(sklearn=name)
    frame, columns, parts = load_table(spec)
    found = profile_table(frame, columns, parts)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["rows"] == len(frame)
    assert len(found.columns) == frame.shape[1] - 1


def test_a_narrow_range_of_large_numbers_is_described():
    x = 1e15 + np.arange(100) % 3 * 0.125
    assert describe({"x": x, "y": np.arange(100.0)}).columns[0].histogram[0] == (100,)
