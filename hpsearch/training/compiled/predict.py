"""A net's predictions, operation by operation: nothing to compile, and Keras's own activations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpsearch.metrics import TaskType
from hpsearch.model import OUTPUT_ACTIVATION
from hpsearch.training.quiet import import_keras
from hpsearch.training.trainer import Weights


def predict(weights: Weights, activation: str, task: TaskType, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (rows,), or (rows, classes): what the Keras net of these weights returns. x: (rows, inputs)."""
    import tensorflow as tf

    hidden, output = (import_keras().activations.get(name) for name in (activation, OUTPUT_ACTIVATION[task]))
    tensors = [tf.constant(array) for array in weights]
    layers = list(zip(tensors[::2], tensors[1::2], strict=True))
    size = max(256, 2**20 // max(max(kernel.shape) for kernel, _ in layers))  # activations stay near 4 MB
    chunks = []
    for start in range(0, len(x), size):
        passed = x[start : start + size]
        for kernel, bias in layers[:-1]:
            passed = hidden(tf.nn.bias_add(tf.matmul(passed, kernel), bias))
        kernel, bias = layers[-1]
        chunks.append(output(tf.nn.bias_add(tf.matmul(passed, kernel), bias)).numpy())
    prediction: NDArray[np.float32] = np.concatenate(chunks)
    return prediction[:, 0] if prediction.shape[1] == 1 else prediction
