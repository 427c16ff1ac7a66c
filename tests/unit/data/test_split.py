from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import KFold, StratifiedKFold, TimeSeriesSplit, train_test_split

from hpsearch.data.split import split_rows
from hpsearch.errors import DataError
from hpsearch.spec.sections import FoldsSection, SplitSection


def section(**options) -> SplitSection:
    if isinstance(options.get("validation"), dict):
        options["validation"] = FoldsSection(**options["validation"])
    return SplitSection(**options)


def refused(rows, labels=None, task="regression", time=None, **options) -> str:
    with pytest.raises(DataError) as error:
        split_rows(rows, labels, section(**options), task, time, source="rows.csv")
    return str(error.value)


def test_the_holdout_is_scikit_learns():
    parts = split_rows(1000, None, section(seed=3), "regression")
    rest, test = train_test_split(np.arange(1000), test_size=0.2, random_state=3)
    train, validation = train_test_split(np.sort(rest), test_size=0.2, random_state=3)
    assert np.array_equal(parts.test, np.sort(test))
    assert np.array_equal(parts.folds[0][0], np.sort(train))
    assert np.array_equal(parts.folds[0][1], np.sort(validation))


def test_test_is_a_share_of_all_and_validation_of_the_rest():
    parts = split_rows(1000, None, section(test=0.1, validation=0.5), "regression")
    assert (len(parts.test), len(parts.folds[0][0]), len(parts.folds[0][1])) == (100, 450, 450)


def test_classes_keep_their_shares_unless_told_otherwise():
    labels = np.repeat([0, 1], [900, 100])
    parts = split_rows(1000, labels, section(), "binary")
    assert [labels[rows].mean() for rows in (parts.test, *parts.folds[0])] == [0.1, 0.1, 0.1]
    loose = split_rows(1000, labels, section(stratify=False), "binary")
    assert labels[loose.test].mean() != 0.1


def test_rows_that_are_not_shuffled_keep_their_order():
    parts = split_rows(10, None, section(shuffle=False), "regression")
    assert np.concatenate([*parts.folds[0], parts.test]).tolist() == list(range(10))


def test_folds_are_scikit_learns():
    parts = split_rows(100, None, section(test=0.0, validation={"folds": 5}, seed=1), "regression")
    for (train, validation), (a, b) in zip(
        parts.folds, KFold(5, shuffle=True, random_state=1).split(range(100)), strict=True
    ):
        assert np.array_equal(train, a)
        assert np.array_equal(validation, b)


def test_folds_of_classes_are_stratified():
    labels = np.arange(90) % 3
    parts = split_rows(90, labels, section(test=0.0, validation={"folds": 3}), "multiclass")
    expected = StratifiedKFold(3, shuffle=True, random_state=0).split(labels, labels)
    assert all(np.array_equal(fold[1], b) for fold, (_, b) in zip(parts.folds, expected, strict=True))


def test_later_rows_validate_and_test_earlier_ones():
    time = np.random.default_rng(0).permutation(100)
    parts = split_rows(100, None, section(), "regression", time)
    train, validation = parts.folds[0]
    assert time[train].tolist() == list(range(64))
    assert time[validation].tolist() == list(range(64, 80))
    assert time[parts.test].tolist() == list(range(80, 100))


def test_folds_in_time_are_scikit_learns():
    parts = split_rows(100, None, section(validation={"folds": 4}), "regression", np.arange(100))
    expected = TimeSeriesSplit(4).split(np.arange(80))
    assert all(np.array_equal(fold[0], a) for fold, (a, _) in zip(parts.folds, expected, strict=True))


def test_rows_without_time_are_refused():
    assert "1 of 3 rows have no time" in refused(3, time=np.array([1.0, np.nan, 2.0]))


def test_a_column_brings_the_split():
    frame = pd.DataFrame({"part": ["train", "Val", "test", "train", "valid", "validation"]})
    parts = split_rows(frame, None, section(column="part"), "regression")
    assert parts.test.tolist() == [2]
    assert [rows.tolist() for rows in parts.folds[0]] == [[0, 3], [1, 4, 5]]


def test_a_column_without_validation_rows_gives_a_fifth_of_its_training_rows():
    frame = pd.DataFrame({"part": ["train"] * 100 + ["test"] * 20})
    train, validation = split_rows(frame, None, section(column="part"), "regression").folds[0]
    assert (len(train), len(validation)) == (80, 20)


def test_a_column_with_other_words_is_refused():
    frame = pd.DataFrame({"part": ["train", "dev", "dev"]})
    message = refused(frame, column="part")
    assert message.startswith("rows.csv: field 'data.split.column': 'part' holds 'dev' (2 rows); it may hold train")


def test_a_column_without_training_rows_is_refused():
    assert "names no row 'train'" in refused(pd.DataFrame({"part": ["test"]}), column="part")


@pytest.mark.parametrize(
    ("rows", "labels", "task", "options", "message"),
    [
        (1, None, "regression", {}, "too few rows (1) to give 0.2 of them to the test part and keep one"),
        (2, None, "regression", {}, "too few rows (1) to give 0.2 of them to the validation part and keep one"),
        (6, None, "regression", {"validation": {"folds": 5}}, "4 rows outside the test part cannot make 5 parts"),
        (10, [0] * 9 + [1], "binary", {}, "one class has a single row left"),
        (10, np.arange(10) % 5, "multiclass", {}, "2 of 10 rows in the test part cannot hold all 5 classes"),
        (20, [0] * 16 + [1] * 4, "binary", {"validation": {"folds": 5}}, "a class has 3 rows outside the test part"),
        (10, [0] * 8 + [1] * 2, "binary", {"shuffle": False}, "all 2 rows of the test part are of one class"),
        (10, [0, 1] * 5, "binary", {"shuffle": False, "stratify": True}, "cannot be stratified"),
        (10, None, "regression", {"stratify": True}, "a regression target has no classes"),
    ],
)  # fmt: skip
def test_parts_that_cannot_be_made_are_refused_with_numbers(rows, labels, task, options, message):
    labels = None if labels is None else np.asarray(labels)
    assert message in refused(rows, labels, task, **options)


@given(
    rows=st.integers(5, 300), test=st.floats(0, 0.6), validation=st.one_of(st.floats(0.05, 0.6), st.integers(2, 5)),
    shuffle=st.booleans(), seed=st.integers(0, 9), timed=st.booleans(),
)  # fmt: skip
def test_parts_are_disjoint_complete_and_stable(*, rows, test, validation, shuffle, seed, timed):
    shares = FoldsSection(folds=validation) if isinstance(validation, int) else validation
    options = SplitSection(test=test, validation=shares, shuffle=shuffle, seed=seed)
    time = np.arange(rows)[::-1] if timed else None
    try:
        parts = split_rows(rows, None, options, "regression", time)
    except DataError:
        assume(False)
    again = split_rows(rows, None, options, "regression", time)
    for (train, val), (train_again, val_again) in zip(parts.folds, again.folds, strict=True):
        together = np.concatenate([train, val, parts.test])
        assert len(np.unique(together)) == len(together)
        assert len(train) > 0
        assert len(val) > 0
        assert np.array_equal(train, train_again)
        assert np.array_equal(val, val_again)
        if not (timed and len(parts.folds) > 1):
            assert len(together) == rows
    if len(parts.folds) > 1 and not timed:
        validated = np.concatenate([val for _, val in parts.folds])
        assert np.array_equal(np.sort(np.concatenate([validated, parts.test])), np.arange(rows))
