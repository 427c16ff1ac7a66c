"""The arrays of one split as TensorFlow tensors, and batches of them in an order that changes with the epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.data.dataset import Arrays, Signature
from hpsearch.training.class_weight import balanced_weights

if TYPE_CHECKING:
    import tensorflow as tf


class DeviceRows:
    """Training rows of a split: copied once, then gathered batch by batch for any number of jobs.

    With `balanced` each row also carries its class's weight.
    """

    def __init__(self, train: Arrays, signature: Signature, *, balanced: bool) -> None:
        import tensorflow as tf

        self.count = train.rows
        # tf.data runs on the processor, wherever the net runs.
        with tf.device("CPU:0"):
            y = np.asarray(train.y)
            truth = tf.constant(y.astype(np.int32) if signature.task == "multiclass" else y[:, None])
            self._tensors = [tf.constant(np.asarray(train.x)), truth]
            if balanced and signature.task != "regression":
                self._tensors.append(tf.constant(balanced_weights(y)))

    def batches(self, batch_size: int) -> Batches:
        """Return the rows in batches; the last one holds what is left."""
        return Batches(self._tensors, self.count, batch_size)


class Batches:
    """One `tf.data` dataset for all epochs of a job, so that Keras traces its training program once.

    The order of the rows lives in a variable that the dataset reads: what a new order costs is one assignment.
    """

    def __init__(self, tensors: list[Any], rows: int, batch_size: int) -> None:
        import tensorflow as tf

        with tf.device("CPU:0"):
            self._order = tf.Variable(np.arange(rows, dtype=np.int32), trainable=False)

        def gather(start: tf.Tensor) -> tuple[tf.Tensor, ...]:
            chosen = self._order[start : start + batch_size]
            return tuple(tf.gather(tensor, chosen) for tensor in tensors)

        # Autotuning and a pool of threads cost more than they bring where a batch takes microseconds.
        options = tf.data.Options()
        options.autotune.enabled = False
        options.deterministic = True
        options.threading.private_threadpool_size = 1
        options.threading.max_intra_op_parallelism = 1
        starts = tf.data.Dataset.range(0, rows, batch_size, output_type=tf.int32)
        self.dataset = starts.map(gather).prefetch(16).with_options(options)

    def reorder(self, order: NDArray[np.int32]) -> None:
        """Take the rows in this order from the next epoch on."""
        self._order.assign(order)
