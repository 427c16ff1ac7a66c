from __future__ import annotations

import numpy as np
import pytest

from hpsearch.metrics import LOSSES
from hpsearch.training.compiled.losses import loss_terms
from hpsearch.training.quiet import import_keras

keras = import_keras()
import tensorflow as tf  # noqa: E402 - silenced first

ROWS = 50


def _case(loss: str) -> tuple[tf.Tensor, tf.Tensor]:
    rng = np.random.default_rng(2)
    units = 4 if loss in LOSSES["multiclass"] else 1
    y = {
        "regression": rng.normal(size=ROWS),
        "binary": rng.integers(0, 2, ROWS),
        "multiclass": rng.integers(0, 4, ROWS),
    }
    task = next(task for task, losses in LOSSES.items() if loss in losses)
    return tf.constant(rng.normal(0, 2, (ROWS, units)), tf.float32), tf.constant(y[task], tf.float32)


def _keras_loss(loss: str, outputs: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    logits = {"from_logits": True} if "crossentropy" in loss else {}
    return keras.losses.get(loss)(y[:, None], outputs, **logits)


@pytest.mark.parametrize("loss", [loss for losses in LOSSES.values() for loss in losses])
def test_a_loss_and_its_derivative_are_those_of_keras(loss: str) -> None:
    outputs, y = _case(loss)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        theirs = _keras_loss(loss, outputs, y)
    ours, slope, _ = loss_terms(loss, outputs, y)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)
    # Of the true class's probability 1 is taken, by Keras too: what is left has the rounding of 1.
    np.testing.assert_allclose(slope, tape.gradient(theirs, outputs), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("truth", [0.0, 1.0])
def test_a_confident_row_is_as_exact_as_an_undecided_one(truth: float) -> None:
    outputs = tf.constant([[z] for z in (-80.0, -20.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0, 80.0)])
    y = tf.fill((len(outputs),), truth)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        theirs = _keras_loss("binary_crossentropy", outputs, y)
    ours, slope, _ = loss_terms("binary_crossentropy", outputs, y)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    np.testing.assert_allclose(slope, tape.gradient(theirs, outputs), rtol=1e-5)


@pytest.mark.parametrize("loss", LOSSES["regression"])
@pytest.mark.parametrize("error", [-1.0, 0.0, 1.0])
def test_where_a_loss_bends_its_slope_is_the_one_keras_takes(loss: str, error: float) -> None:
    outputs, y = tf.constant([[error]]), tf.constant([0.0])
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        theirs = _keras_loss(loss, outputs, y)
    ours, slope, _ = loss_terms(loss, outputs, y)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(slope, tape.gradient(theirs, outputs))


@pytest.mark.parametrize(
    ("loss", "kinds"),
    [
        ("huber", [keras.losses.MeanSquaredError(), keras.losses.MeanAbsoluteError()]),
        ("binary_crossentropy", [keras.metrics.BinaryAccuracy(threshold=0.0)]),
        ("sparse_categorical_crossentropy", [keras.metrics.SparseCategoricalAccuracy()]),
    ],
)
def test_the_metrics_are_those_of_keras(loss: str, kinds: list[object]) -> None:
    outputs, y = _case(loss)
    means = np.mean(loss_terms(loss, outputs, y)[2], axis=0)
    assert means[: len(kinds)] == pytest.approx([float(kind(y[:, None], outputs)) for kind in kinds], rel=1e-5)


@pytest.mark.parametrize("loss", ["binary_crossentropy", "sparse_categorical_crossentropy"])
def test_huge_outputs_have_a_finite_loss(loss: str) -> None:
    outputs, y = _case(loss)
    ours, slope, _ = loss_terms(loss, outputs * 1e6, y)
    assert np.isfinite(ours).all()
    assert np.isfinite(slope).all()
