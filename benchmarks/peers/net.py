"""The net of the table's default space, as a Keras user writes it."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from task import Events, Task, Value

TRAINING = ("batch_size", "epochs")
"""parameters of `fit`; all others are the net's"""


def build_net(configuration: dict[str, Value], inputs: int) -> keras.Model:
    """Return a compiled Sequential of Dense and Dropout layers with one linear output."""
    net = keras.Sequential([keras.layers.Input((inputs,))])
    for layer in range(1, int(configuration["hidden_layers"]) + 1):
        net.add(keras.layers.Dense(configuration[f"neurons_{layer}"], activation=configuration["activation"]))
        net.add(keras.layers.Dropout(configuration["dropout"]))
    net.add(keras.layers.Dense(1))
    kinds = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop}
    optimizer = kinds[str(configuration["optimizer"])](learning_rate=configuration["learning_rate"])
    net.compile(optimizer, loss="mse", metrics=[keras.metrics.RootMeanSquaredError(name="rmse")])
    return net


def callbacks(task: Task, events: Events) -> list[keras.callbacks.Callback]:
    """Return what every fit is given: early stopping where the task has it, and the notes for the benchmark."""
    stopping = [keras.callbacks.EarlyStopping("val_rmse", patience=task.patience, mode="min")] if task.patience else []
    return [*stopping, _Noted(events)]


def begin(task: Task) -> None:
    """Set seeds, and the number of threads where the task names it."""
    keras.utils.set_random_seed(task.seed)
    if task.threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(task.threads)
        tf.config.threading.set_inter_op_parallelism_threads(task.threads)


class _Noted(keras.callbacks.Callback):
    def __init__(self, events: Events) -> None:
        super().__init__()
        self._events = events

    def __deepcopy__(self, _memo: Any) -> _Noted:
        return _Noted(self._events)  # keras-tuner copies callbacks for each trial; the best so far is one for all

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._events.epoch((logs or {}).get("val_rmse", float("inf")))
