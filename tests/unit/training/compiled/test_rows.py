from __future__ import annotations

import numpy as np

from hpsearch.data.dataset import Arrays, Signature
from hpsearch.training.class_weight import balanced_weights
from hpsearch.training.compiled.rows import load_rows
from hpsearch.training.quiet import import_keras

import_keras()

X = np.arange(6, dtype=np.float32).reshape(3, 2)
Y = np.array([0, 1, 1], np.float32)
SIGNATURE = Signature("binary", 2, ("a", "b"), ("a", "b"), "y")


def test_rows_come_first_and_zeros_after_them() -> None:
    rows = load_rows(Arrays(X, Y), SIGNATURE, balanced=False)
    assert [part.shape[0] for part in rows] == [256, 256, 256]
    np.testing.assert_array_equal(rows.x[:4], [[0, 1], [2, 3], [4, 5], [0, 0]])
    np.testing.assert_array_equal(rows.y[:4], [0, 1, 1, 0])
    np.testing.assert_array_equal(rows.weight[:4], [1, 1, 1, 0])


def test_balanced_rows_weigh_what_their_class_does() -> None:
    rows = load_rows(Arrays(X, Y), SIGNATURE, balanced=True)
    np.testing.assert_array_equal(rows.weight[:3], balanced_weights(Y))


def test_rows_lie_where_tensorflow_reads_them_without_a_copy() -> None:
    rows = load_rows(Arrays(X, Y), SIGNATURE, balanced=False)
    assert all(part.ctypes.data % 64 == 0 and part.flags.c_contiguous for part in rows)
