from __future__ import annotations

import numpy as np
import pytest

from hpsearch.data.dataset import Signature, open_dataset
from hpsearch.data.prepared import prepare_dataset


@pytest.fixture
def dataset(study, tmp_path):
    return prepare_dataset(study(sklearn="wine"), tmp_path)


def test_an_opened_folder_is_the_same_dataset(dataset):
    assert open_dataset(dataset.folder) == dataset


def test_arrays_are_memory_mapped_and_read_only(dataset):
    arrays = dataset.split(0).train
    assert isinstance(arrays.x, np.memmap)
    assert not arrays.x.flags.writeable
    assert arrays.rows == dataset.rows["train"] == len(arrays.y)


def test_class_targets_are_indexes(dataset):
    assert set(np.unique(dataset.split(0).train.y)) == {0, 1, 2}
    assert dataset.split(0).target_scale == 1


def test_a_folder_without_description_is_no_dataset(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("task", "names", "outputs"), [("regression", (), 1), ("binary", ("n", "y"), 1), ("multiclass", ("a", "b", "c"), 3)]
)
def test_outputs_follow_the_task(task, names, outputs):
    assert Signature(task, 4, (), (), "y", names).outputs == outputs
