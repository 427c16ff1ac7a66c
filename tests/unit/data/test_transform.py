from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.preprocessing import QuantileTransformer

from hpsearch.data import transform as module
from hpsearch.data.transform import check_columns, inverse_target, normal_quantile, scale, transform

STATE = {
    "format": 1,
    "features": ["x", "kind=a", "kind=b", "kind=(other)", "kind=(missing)", "day.month", "day.weekday"],
    "na_values": ["?"],
    "columns": [
        {"name": "x", "kind": "numeric", "fill": 3.0, "scaling": {"kind": "affine", "center": 1.0, "scale": 2.0}},
        {"name": "kind", "kind": "categorical", "slots": ["a", "b", "(other)", "(missing)"], "index": {"a": 0, "b": 1},
         "other": 2, "missing": 3},
        {"name": "day", "kind": "date", "parts": [
            {"part": "month", "fill": 6.0, "scaling": {"kind": "affine", "center": 0.0, "scale": 1.0}},
            {"part": "weekday", "fill": 0.0, "scaling": {"kind": "affine", "center": 0.0, "scale": 1.0}}]},
    ],
    "target": {"name": "y", "task": "regression", "class_names": [], "center": 10.0, "scale": 4.0},
}  # fmt: skip


def rows(x=(5.0,), kind=("a",), day=("2011-02-03",)) -> pd.DataFrame:
    return pd.DataFrame({"x": list(x), "kind": list(kind), "day": list(day)})


def test_cells_become_inputs():
    assert transform(rows(), STATE).tolist() == [[2, 1, 0, 0, 0, 2, 3]]
    assert transform(rows(), STATE).dtype == np.float32


def test_missing_cells_have_their_place():
    expected = [[1, 0, 0, 0, 1, 6, 0]]
    assert transform(rows(x=[None], kind=[None], day=[None]), STATE).tolist() == expected
    assert transform(rows(x=[""], kind=[""], day=[""]), STATE).tolist() == expected
    assert transform(rows(x=["?"], kind=["?"], day=["?"]), STATE).tolist() == expected


def test_unseen_categories_go_where_rare_ones_went():
    assert transform(rows(kind=["never seen"]), STATE)[0, 1:5].tolist() == [0, 0, 1, 0]


def test_without_slots_unseen_and_missing_are_all_zero():
    column = {"name": "kind", "kind": "categorical", "slots": ["a"], "index": {"a": 0}, "other": None, "missing": None}
    state = STATE | {"features": ["kind=a"], "columns": [column]}
    assert transform(rows([1.0] * 3, ["a", "z", None], [None] * 3), state).tolist() == [[1], [0], [0]]


def test_columns_are_found_by_name():
    frame = rows().assign(more=1)
    assert np.array_equal(transform(frame[["more", "day", "kind", "x"]], STATE), transform(rows(), STATE))
    assert check_columns(frame.drop(columns="x"), STATE) == (("x",), ("more",))


def test_a_lacking_column_is_named():
    with pytest.raises(ValueError, match="column 'x', 'day' is missing; found: kind"):
        transform(rows()[["kind"]], STATE)


def test_a_column_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="'x' stands twice"):
        transform(pd.concat([rows(), rows()[["x"]]], axis=1), STATE)


def test_numbers_given_as_text_are_read():
    assert transform(rows(x=["5"]), STATE)[0, 0] == 2


@pytest.mark.parametrize(
    ("column", "cells", "message"),
    [
        ("x", [1.0, "12abc"], r"row 2, column 'x': '12abc' is no finite number"),
        ("x", [1.0, np.inf], r"row 2, column 'x': inf is no finite number"),
        ("x", [1.0, 1e300], r"row 2, column 'x': 1e\+300 is too large"),
        ("day", ["2011-01-01", "yesterday"], r"row 2, column 'day': 'yesterday' is no date"),
    ],
)
def test_what_cannot_be_read_is_named_by_row_and_column(column, cells, message):
    frame = rows([1.0] * 2, ["a"] * 2, ["2011-01-01"] * 2)
    frame[column] = pd.Series(cells, dtype=object)
    with pytest.raises(ValueError, match=message):
        transform(frame, STATE)


@pytest.mark.parametrize("cell", [3, 3.0, np.float32(3), np.int8(3), "3"])
def test_a_number_that_is_a_category_is_the_same_however_it_is_typed(cell):
    column = {"name": "kind", "kind": "categorical", "slots": ["3"], "index": {"3": 0}, "other": None, "missing": None}
    state = STATE | {"features": ["kind=3"], "columns": [column]}
    assert transform(rows(kind=[cell]), state).tolist() == [[1]]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float32", "category", "object", "str"])
def test_every_type_of_number_column_is_read(dtype):
    values = [5, 1] if dtype == "float32" else [5, None]
    frame = rows([1.0] * 2, ["a"] * 2, ["2011-01-01"] * 2)
    frame["x"] = pd.Series(["5", None] if dtype == "str" else values, dtype=dtype)
    assert transform(frame, STATE)[0, 0] == 2


def test_dates_may_be_given_as_dates_or_with_a_zone():
    for day in (pd.Timestamp("2011-02-03"), "2011-02-03T23:00:00+00:00", pd.Timestamp("2011-02-03", tz="UTC")):
        assert transform(rows(day=[day]), STATE)[0, 5:].tolist() == [2, 3]


def test_no_rows_give_no_inputs():
    assert transform(rows().iloc[:0], STATE).shape == (0, 7)


def test_a_later_format_is_refused():
    with pytest.raises(ValueError, match="format 2; this version reads format 1"):
        transform(rows(), STATE | {"format": 2})


def test_regression_targets_come_back_in_their_own_units():
    assert inverse_target(np.float32([0, 1]), STATE).tolist() == [10, 14]


def test_classes_come_back_by_name():
    state = STATE | {"target": {"name": "y", "task": "binary", "class_names": ["no", "yes"]}}
    assert inverse_target(np.float32([1, 0]), state).tolist() == ["yes", "no"]


def test_normal_quantiles_are_scipys():
    p = np.concatenate([np.linspace(1e-7, 1 - 1e-7, 10_001), 10.0 ** -np.arange(1, 16)])
    np.testing.assert_allclose(normal_quantile(p), norm.ppf(p), rtol=1e-13, atol=1e-15)


@given(st.lists(st.integers(-50, 50).map(lambda n: n / 8), min_size=2).filter(lambda x: len(set(x)) > 1))
def test_quantile_scaling_is_scikit_learns(values):
    column = np.array(values)
    theirs = QuantileTransformer(n_quantiles=len(values), output_distribution="normal").fit(column[:, None])
    state = {"kind": "quantile", "quantiles": theirs.quantiles_[:, 0].tolist()}
    asked = np.linspace(-7, 7, 57)
    np.testing.assert_allclose(scale(asked, state), theirs.transform(asked[:, None])[:, 0], rtol=1e-6, atol=1e-9)


def test_the_file_works_alone(tmp_path):
    source = Path(module.__file__)
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).split(".")[0]
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported - set(sys.stdlib_module_names) == {"numpy", "pandas"}
    shutil.copy(source, tmp_path / "transform.py")
    (tmp_path / "state.json").write_text(json.dumps(STATE))
    code = "import json, pandas, sys, transform; x = transform.transform(pandas.DataFrame("
    code += "{'x': [5.0], 'kind': ['a'], 'day': ['2011-02-03']}), json.load(open('state.json')));"
    code += "print(x.tolist(), 'sklearn' in sys.modules or 'hpsearch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[[2.0, 1.0, 0.0, 0.0, 0.0, 2.0, 3.0]] False\n"
