from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hpsearch.data.dataset import Dataset, Signature
from hpsearch.training.last_split import LastSplit

DATA = Dataset(Path("a"), "digest", Signature("regression", 1, ("x",), ("x",), "y"), 2, {})


def test_a_split_is_loaded_once_for_any_number_of_jobs() -> None:
    loaded: list[int] = []
    rows = LastSplit(lambda _, split: loaded.append(split) or split)
    assert [rows.of(DATA, split) for split in (0, 0, 1, 1, 0)] == [0, 0, 1, 1, 0]
    assert loaded == [0, 1, 0]


def test_other_data_of_the_same_folder_are_loaded_anew() -> None:
    rows = LastSplit(lambda data, _: data.digest)
    assert [rows.of(data, 0) for data in (DATA, replace(DATA, digest="other"))] == ["digest", "other"]


def test_the_old_rows_are_let_go_before_the_new_ones_come() -> None:
    held: list[bool] = []
    rows = LastSplit(lambda *_: held.append(rows._held is None))
    for split in (0, 1):
        rows.of(DATA, split)
    assert held == [True, True]
