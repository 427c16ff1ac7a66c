from __future__ import annotations

from pathlib import Path

import pytest

from hpsearch.errors import StoreError
from hpsearch.search.folder import StudyFolder
from hpsearch.search.looks import looked_at, looks


def test_each_model_that_is_scored_counts_once(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    assert [looked_at(folder, model, {"trial": 3}) for model in ("a", "a", "b", "a")] == [1, 1, 2, 2]


def test_what_was_scored_is_remembered_in_order(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    assert looks(folder) == {}
    looked_at(folder, "b", {"trial": 3})
    looked_at(folder, "a", {"trial": 5})
    assert list(looks(folder).items()) == [("b", {"trial": 3}), ("a", {"trial": 5})]


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path, content: str) -> None:
    folder = StudyFolder(tmp_path)
    folder.looks.write_text(content)
    with pytest.raises(StoreError, match=r"test_looks\.json is damaged; restore it"):
        looked_at(folder, "a", {})
    assert folder.looks.read_text() == content
