from __future__ import annotations

from pathlib import Path

import pytest
from fakes import small_space, write_dataset

from hpsearch.app.needs import BESIDE, POINT, TRIAL, disk_need, look_at_store, megabytes
from hpsearch.errors import StoreError
from hpsearch.spec import make_spec


def test_the_need_is_what_the_largest_study_would_write(tmp_path: Path) -> None:
    spec = make_spec({
        "name": "a", "data": {"sklearn": "iris"}, "search": {"keep_models": 3}, "winner": {"finalists": 2, "seeds": 2},
    })  # fmt: skip
    data = write_dataset(tmp_path, splits=2)
    net = (2 + 1) * 8 + (8 + 1) * 8 + (8 + 1) * 1
    points = 10 * 2 * 3 * 5
    expected = points * POINT + 10 * TRIAL + (3 + 2 * 2 * 2 + 4) * 4 * net + BESIDE
    assert disk_need(spec, small_space(), data, trials=10, metrics=5) == expected


def test_a_store_that_can_be_used_is_left_as_it_was(tmp_path: Path) -> None:
    found = look_at_store(tmp_path, 1000)
    assert (found.folder, found.needed, list(tmp_path.iterdir())) == (str(tmp_path), 1000, [])
    assert found.free > 1000


def test_too_little_room_is_told_with_both_numbers(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"has .*B free, and the study may need 1000000\.0 GB; free some"):
        look_at_store(tmp_path, 10**15)


def test_a_store_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written: No such file or directory"):
        look_at_store(tmp_path / "gone", 1)


def test_bytes_are_told_in_megabytes_and_gigabytes() -> None:
    assert [megabytes(count) for count in (10, 3_400_000, 12_500_000_000)] == ["1 MB", "3 MB", "12.5 GB"]
