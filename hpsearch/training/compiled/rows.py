"""A split's training rows on the device, copied there once for any number of jobs."""

from __future__ import annotations

import numpy as np

from hpsearch.data.dataset import Arrays, Signature
from hpsearch.training.class_weight import balanced_weights
from hpsearch.training.compiled.program import Rows
from hpsearch.training.compiled.shape import room_for


def load_rows(train: Arrays, signature: Signature, *, balanced: bool) -> Rows:
    """Return the rows, zeros after them up to `shape.room_for`. `balanced`: each weighs what its class does."""
    import tensorflow as tf

    y = np.asarray(train.y)
    weight = balanced_weights(y) if balanced and signature.task != "regression" else np.ones(train.rows, np.float32)
    parts = []
    for part in (train.x, y, weight):
        padded = np.zeros((room_for(train.rows), *part.shape[1:]), np.float32)
        padded[: train.rows] = part
        parts.append(tf.constant(padded))
    return Rows(*parts)
