"""The losses of `metrics.LOSSES` on a net's raw outputs, with their derivative and the metrics kept beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf


def loss_terms(loss: str, outputs: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return (loss of each row, its derivative by the outputs, metrics of each row).

    outputs: (rows, outputs) before sigmoid or softmax, as Keras computes cross-entropies. y: (rows,), classes by index.
    Returns (rows,), (rows, outputs), (rows, 2): the metrics are squared and absolute error, or twice whether the
    class is right.
    """
    import tensorflow as tf

    if loss == "sparse_categorical_crossentropy":
        truth = tf.one_hot(tf.cast(y, tf.int32), outputs.shape[1])
        shifted = outputs - tf.reduce_max(outputs, axis=1, keepdims=True)
        powers = tf.exp(shifted)
        total = tf.reduce_sum(powers, axis=1, keepdims=True)
        row_loss = tf.math.log(total[:, 0]) - tf.reduce_sum(shifted * truth, axis=1)
        right = tf.cast(tf.equal(tf.argmax(outputs, axis=1, output_type=tf.int32), tf.cast(y, tf.int32)), tf.float32)
        return row_loss, powers / total - truth, tf.stack([right, right], axis=1)
    z = outputs[:, 0]
    if loss == "binary_crossentropy":
        row_loss = tf.maximum(z, 0.0) - z * y + tf.math.log1p(tf.exp(-tf.abs(z)))
        right = tf.cast(tf.equal(z > 0.0, y > 0.5), tf.float32)
        # sigmoid(z) - y, without its cancellation: at z = 10 that of a positive row is wrong in the third digit.
        sign = 1.0 - 2.0 * y
        return row_loss, (sign * tf.sigmoid(sign * z))[:, None], tf.stack([right, right], axis=1)
    error = z - y
    size = tf.abs(error)
    row_loss, slope = {
        "mse": lambda: (error * error, 2.0 * error),
        "mae": lambda: (size, tf.sign(error)),
        # delta 1, Keras's default
        "huber": lambda: (
            tf.where(size <= 1.0, 0.5 * error * error, size - 0.5),
            tf.clip_by_value(error, -1.0, 1.0),
        ),
    }[loss]()
    return row_loss, slope[:, None], tf.stack([error * error, size], axis=1)
