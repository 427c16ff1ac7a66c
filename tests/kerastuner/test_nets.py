"""The pruner against Keras itself: a net that is pruned stops between two epochs, as if its training had ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpsearch.kerastuner as ours


def test_a_pruned_net_stops_and_the_callbacks_of_the_program_hear_of_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    monkeypatch.chdir(tmp_path)
    heard: list[str] = []

    class Listening(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            heard.append(f"epoch {epoch}")

        def on_train_end(self, logs: Any = None) -> None:
            heard.append("end")

    def build(hp: Any) -> Any:
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
        model.compile(
            optimizer=keras.optimizers.SGD(0.0), loss=lambda y, z: hp.Choice("scale", [1.0, 100.0]) * (y - z) ** 2
        )
        return model

    tuner = ours.GridSearch(
        build, objective="loss", executions_per_trial=2, track=False, pruner={"name": "threshold", "upper": 50.0}
    )
    x, y = np.zeros((4, 2), "float32"), np.ones((4, 1), "float32")
    tuner.search(x, y, epochs=2, callbacks=[Listening()], verbose=0)
    assert [(trial.status, trial.score) for trial in tuner.oracle.trials.values()] == [
        ("COMPLETED", 1.0),
        ("STOPPED", None),
    ]
    assert heard == ["epoch 0", "epoch 1", "end"] * 2 + ["epoch 0", "end"]
    (record,) = (record for record in tuner.oracle.records.values() if record.state == "completed")
    assert [(epoch.split, epoch.step) for epoch in record.epochs] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert record.parameters == 3
    assert len(tuner.get_best_models()[0].get_weights()) == 2
