from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hpsearch.data.target import encode_target, infer_target
from hpsearch.errors import DataError
from hpsearch.spec.sections import DataSection


def target(values, **options):
    return infer_target(pd.DataFrame({"y": values}), DataSection(csv="rows.csv", target="y", **options))


def refused(values, **options) -> str:
    with pytest.raises(DataError) as error:
        target(values, **options)
    return str(error.value)


@pytest.mark.parametrize(
    ("values", "task", "names"),
    [
        (["yes", "no"] * 3, "binary", ("no", "yes")),
        ([True, False] * 3, "binary", ("False", "True")),
        ([0, 1, 1, 0], "binary", ("0", "1")),
        ([1.0, 2.0] * 3, "binary", ("1", "2")),
        (["b", "a", "c"] * 5, "multiclass", ("a", "b", "c")),
        (list(range(8, 12)) * 10, "multiclass", ("8", "9", "10", "11")),
        (list(range(8)), "regression", ()),
        ([0.5, 1.5, 0.5], "regression", ()),
        (list(range(500)), "regression", ()),
    ],
)
def test_the_task_is_inferred_and_said(values, task, names):
    found = target(values)
    assert (found.task, found.class_names) == (task, names)
    assert found.note.startswith(f"task: {task}, inferred from {len(set(values))} distinct")


def test_a_given_task_stands():
    assert target([0, 1, 1, 0], task="regression").task == "regression"
    assert target(list(range(5)) * 2, task="multiclass").class_names == ("0", "1", "2", "3", "4")


def test_an_absent_target_is_refused_with_the_nearest_name():
    with pytest.raises(DataError, match=r"rows.csv: field 'data.target': no column 'cnd'; did you mean 'cnt'\?"):
        infer_target(pd.DataFrame({"cnt": [1]}), DataSection(csv="rows.csv", target="cnd"))


def test_missing_targets_are_counted():
    assert "'y' is missing in 2 of 4 rows (row 2, 4)" in refused([1.5, None, 2.5, None])


def test_missing_targets_are_allowed_where_such_rows_are_left_out():
    frame = pd.DataFrame({"y": [1.5, None, 2.5]})
    assert infer_target(frame, DataSection(csv="rows.csv", target="y"), allow_missing=True).task == "regression"


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (["a", "a"], None, "'y' is 'a' in all 2 rows; a target that does not vary cannot be learned"),
        ([3, 3, 3], None, "'y' is 3 in all 3 rows; a target that does not vary cannot be learned"),
        ([3.5, 3.5], "regression", "'y' is 3.5 in all 2 rows; a target that does not vary cannot be learned"),
        (["a", "b", "a"], "regression", "try task: binary"),
        (["a", "b", "c"] * 3, "regression", "try task: multiclass"),
        ([0.5, 1.5, 2.5], "multiclass", "try task: regression"),
        (["a", "b", "c"] * 3, "binary", "binary needs 2 classes, 'y' has 3: a, b, c; try task: multiclass"),
        ([f"name {n}" for n in range(50)], None, "50 distinct values in 'y' in 50 rows: too many for classes"),
        (list(range(3000)) * 2, "multiclass", "try task: regression"),
        ([1.0] * 50 + [np.inf], None, "'y' has a cell beyond the range of float32 (row 51: inf)"),
        (
            [str(n) for n in range(99)] + ["12abc"],
            None,
            "not in row 100: '12abc'; mend it, or set na_values: ['12abc']",
        ),
        ([f"{n},5" for n in range(50)], None, "its cells look like numbers: set decimal: ','"),
        (["a"] * 20 + ["b"] * 20 + ["c", "d"], None, "2 of 4 classes have a single row ('c', 'd')"),
        (pd.date_range("2011-01-01", periods=3), None, "holds dates"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(values, task, message):
    assert message in refused(values, task=task)


def test_classes_are_encoded_by_their_place_in_the_names():
    encoded = encode_target(pd.Series([2.0, 1.0, 2.0]), "y", "binary", ("1", "2"))
    assert encoded.tolist() == [1, 0, 1]


def test_an_unknown_class_is_refused_by_row():
    with pytest.raises(DataError, match=r"row 2, column 'y': 'c' is not one of a, b"):
        encode_target(pd.Series(["a", "c"]), "y", "binary", ("a", "b"))


def test_a_class_with_one_row_is_allowed_where_nothing_is_stratified():
    assert target(["a"] * 20 + ["b"] * 20 + ["c"], split={"stratify": False}).class_names == ("a", "b", "c")
