from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpsearch.data.dataset import Signature
from hpsearch.metrics import LOSSES, TASK_TYPES, TaskType
from hpsearch.model import build_model
from hpsearch.training.compiled.predict import predict
from hpsearch.training.quiet import import_keras

import_keras()


@pytest.mark.parametrize("task", TASK_TYPES)
@pytest.mark.parametrize("units", [(), (7, 3)])
def test_predictions_are_those_of_the_keras_net(task: TaskType, units: tuple[int, ...]) -> None:
    classes = ("a", "b", "c") if task == "multiclass" else ()
    signature = Signature(task, 4, tuple("wxyz"), tuple("wxyz"), "y", classes)
    hidden: dict[str, Any] = {f"neurons_{i}": n for i, n in enumerate(units, 1)}
    hidden |= {"activation": "selu", "dropout": 0.5} if units else {}
    configuration = {"hidden_layers": len(units), **hidden, "optimizer": "adam", "learning_rate": 0.1}
    model = build_model(configuration, signature, 3, LOSSES[task][0])
    x = np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32)
    theirs = model.predict(x, verbose=0)
    theirs = theirs[:, 0] if theirs.shape[1] == 1 else theirs
    np.testing.assert_allclose(predict(model.get_weights(), "selu", task, x), theirs, rtol=1e-5, atol=1e-6)
