"""A configuration -> the net that a hypermodel builds of it, compiled, and known to fit the task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.data.dataset import Signature
from hpsearch.errors import HypermodelError, TrialFailed
from hpsearch.training.quiet import import_keras

if TYPE_CHECKING:
    import keras
    import keras_tuner

    from hpsearch.training.hypermodel.ask import Asked

_OUTPUT = {
    "regression": "one unit, the target's scaled value",
    "binary": "one sigmoid unit, the probability of the second class",
    "multiclass": "a softmax, the probability of each class",
}


def build_net(hypermodel: keras_tuner.HyperModel, hp: Asked, signature: Signature, seed: int) -> keras.Model:
    """Return the net, built for the data's inputs and compiled; equal seeds give equal weights.

    Raises HypermodelError where it is no such net, TrialFailed where the hypermodel refuses the configuration
    (`keras_tuner.errors.FailedTrialError`).
    """
    keras = import_keras()
    from keras_tuner import errors

    keras.utils.set_random_seed(seed % 2**31)
    try:
        hypermodel.declare_hyperparameters(hp)
        model = hypermodel.build(hp)
    except errors.FailedTrialError as error:
        raise TrialFailed(f"the hypermodel refuses it: {error}") from None
    if not isinstance(model, keras.Model):
        found = "nothing" if model is None else f"{type(model).__name__}"
        raise HypermodelError(f"build(hp) returned {found}; return a keras.Model, compiled")
    if not getattr(model, "compiled", False):
        raise HypermodelError("the net is not compiled; end build(hp) with model.compile(optimizer=..., loss=...)")
    if not isinstance(model, keras.Sequential) and type(model).__name__ != "Functional":
        raise HypermodelError(
            f"the net is a {type(model).__name__}, whose code a package cannot hold; build a Sequential or functional "
            "model of Keras's own layers"
        )
    if not model.built:
        model.build((None, signature.inputs))
    _check_shapes(model, signature)
    return model


def _check_shapes(model: keras.Model, signature: Signature) -> None:
    taken, given = model.input_shape, model.output_shape
    if taken != (None, signature.inputs):
        raise HypermodelError(
            f"the net takes inputs {taken}, the data have (None, {signature.inputs}): leave the input's shape out, or "
            "let the hypermodel take a parameter `inputs`"
        )
    if given != (None, signature.outputs):
        wanted = f"(None, {signature.outputs}): {_OUTPUT[signature.task]}"
        raise HypermodelError(f"the net gives {given}, a {signature.task} task needs {wanted}")


def check_outputs(model: keras.Model, signature: Signature, x: Any, y: Any) -> None:
    """Raise HypermodelError where what a net says of some rows answers no such task, or its loss takes no such rows.

    x: (rows, inputs). y: as Keras is given it: (rows, 1), for several classes (rows,) of their indices.
    """
    if getattr(model.loss, "from_logits", False):
        raise HypermodelError(
            "the loss takes logits, and the net is scored by its probabilities: end it with "
            f"{_OUTPUT[signature.task]}, and leave from_logits out"
        )
    prediction = np.asarray(model(x, training=False))
    if signature.task != "regression" and not (
        np.all((prediction >= 0) & (prediction <= 1))
        and (signature.outputs == 1 or np.allclose(prediction.sum(axis=1), 1, atol=1e-3))
    ):
        raise HypermodelError(f"the net gives no probabilities; end it with {_OUTPUT[signature.task]}")
    try:
        model.compute_loss(x=x, y=y, y_pred=model(x, training=True))
    except (ValueError, TypeError) as error:
        shape = "the class's index, as sparse_categorical_crossentropy does" if signature.outputs > 1 else "(rows, 1)"
        first = str(error).strip().partition("\n")[0]
        raise HypermodelError(f"the loss does not take the data's targets ({first}); take {shape}") from None
