from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpsearch.data.dataset import Signature
from hpsearch.metrics import LOSSES, TASK_TYPES, TaskType
from hpsearch.model import build_model
from hpsearch.space.table import ACTIVATIONS
from hpsearch.training.compiled.predict import predict
from hpsearch.training.quiet import import_keras

import_keras()


NETS = [((), "linear"), *(((7, 3), name) for name in ACTIVATIONS), ((9, 2, 8, 3), "relu")]


@pytest.mark.parametrize("task", TASK_TYPES)
@pytest.mark.parametrize(("units", "activation"), NETS)
def test_predictions_are_those_of_the_keras_net(task: TaskType, units: tuple[int, ...], activation: str) -> None:
    classes = ("a", "b", "c") if task == "multiclass" else ()
    signature = Signature(task, 4, tuple("wxyz"), tuple("wxyz"), "y", classes)
    hidden: dict[str, Any] = {f"neurons_{i}": n for i, n in enumerate(units, 1)}
    hidden |= {"activation": activation, "dropout": 0.5} if units else {}
    configuration = {"hidden_layers": len(units), **hidden, "optimizer": "adam", "learning_rate": 0.1}
    model = build_model(configuration, signature, 3, LOSSES[task][0])
    x = np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32)
    theirs = model.predict(x, verbose=0)
    theirs = theirs[:, 0] if theirs.shape[1] == 1 else theirs
    ours = predict(model.get_weights(), activation, task, x)
    # A prediction near zero is a sum of larger terms, with their rounding.
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7 * float(np.abs(theirs).max()))
