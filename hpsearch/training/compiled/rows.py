"""A split's training rows as programs take them, made once for any number of jobs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpsearch.data.dataset import Arrays, Signature
from hpsearch.training.class_weight import balanced_weights
from hpsearch.training.compiled.program import Rows
from hpsearch.training.compiled.shape import room_for


def load_rows(train: Arrays, signature: Signature, *, balanced: bool) -> Rows:
    """Return the rows, zeros after them up to `shape.room_for`. `balanced`: each weighs what its class does."""
    y = np.asarray(train.y)
    weight = balanced_weights(y) if balanced and signature.task != "regression" else np.ones(train.rows, np.float32)
    return Rows(*(_padded(part, room_for(train.rows)) for part in (train.x, y, weight)))


def _padded(part: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    size = (rows, *part.shape[1:])
    count = int(np.prod(size))
    room = np.zeros(count + _ALIGNMENT // 4, np.float32)
    start = -room.ctypes.data % _ALIGNMENT // 4
    padded = room[start : start + count].reshape(size)
    padded[: len(part)] = part
    return padded


_ALIGNMENT = 64
"""Bytes. TensorFlow reads an array that starts on such a boundary where it is, and copies any other at each call."""
