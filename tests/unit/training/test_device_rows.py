from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.data.dataset import Arrays, Signature
from hpsearch.metrics import TaskType
from hpsearch.training.device_rows import DeviceRows
from hpsearch.training.quiet import import_keras
from hpsearch.training.seeds import row_order

import_keras()


def _rows(count: int, task: TaskType = "regression", *, balanced: bool = False) -> DeviceRows:
    y = np.arange(count, dtype=np.float32) % (count if task == "regression" else 3)
    x = np.repeat(np.arange(count, dtype=np.float32)[:, None], 2, axis=1)
    return DeviceRows(Arrays(x, y), Signature(task, 2, ("a", "b"), ("a", "b"), "y"), balanced=balanced)


def _read(batches: Any) -> list[list[int]]:
    return [[int(row) for row in x.numpy()[:, 0]] for x, *_ in batches.dataset]


@given(count=st.integers(1, 60), batch_size=st.integers(1, 70))
def test_batches_hold_every_row_in_the_epoch_s_order(count: int, batch_size: int) -> None:
    batches, order = _rows(count).batches(batch_size), row_order(0, 1, count)
    batches.reorder(order)
    read = _read(batches)
    assert [row for batch in read for row in batch] == order.tolist()
    assert {len(batch) for batch in read[:-1]} <= {batch_size}


def test_the_order_changes_with_the_epoch() -> None:
    batches = _rows(5).batches(2)
    for order in ([4, 3, 2, 1, 0], [0, 2, 4, 1, 3]):
        batches.reorder(np.array(order, np.int32))
        assert _read(batches) == [order[:2], order[2:4], order[4:]]


@pytest.mark.parametrize(("task", "shape", "kind"), [
    ("regression", (4, 1), "float32"), ("binary", (4, 1), "float32"), ("multiclass", (4,), "int32"),
])  # fmt: skip
def test_the_truth_has_the_shape_of_what_the_net_puts_out(task: TaskType, shape: tuple[int], kind: str) -> None:
    _, y = next(iter(_rows(4, task).batches(4).dataset))
    assert (tuple(y.shape), y.dtype.name) == (shape, kind)


def test_balanced_rows_carry_the_weight_of_their_class() -> None:
    batches = _rows(4, "multiclass", balanced=True).batches(4)
    batches.reorder(np.array([1, 0, 3, 2], np.int32))
    _, y, w = next(iter(batches.dataset))
    assert y.numpy().tolist() == [1, 0, 0, 2]
    assert w.numpy() == pytest.approx([4 / 3, 2 / 3, 2 / 3, 4 / 3])


def test_a_regression_has_no_class_weights() -> None:
    assert len(next(iter(_rows(4, balanced=True).batches(4).dataset))) == 2
