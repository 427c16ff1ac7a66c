"""Hypermodels of every kind, good and bad, for the tests to search. They are small: they train for an epoch or two."""

from __future__ import annotations

import itertools
import os
import signal
from typing import Any

import keras
import keras_tuner
import numpy as np
import tensorflow as tf


def compiled(hp: Any, *layers: keras.layers.Layer, loss: Any = "mse") -> keras.Model:
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(hp.Float("rate", 1e-3, 1e-1, sampling="log")), loss=loss)
    return model


def loop(hp: Any) -> keras.Model:
    """Asks for a width for each layer that there is, as most hypermodels do."""
    units = [hp.Int(f"units_{layer}", 2, 6, step=2) for layer in range(hp.Int("layers", 0, 3, default=1))]
    return compiled(hp, *(keras.layers.Dense(count) for count in units))


def stepped_loop(hp: Any) -> keras.Model:
    units = [hp.Int(f"units_{layer}", 2, 6, step=2) for layer in range(hp.Int("layers", 0, 4, step=2))]
    return compiled(hp, *(keras.layers.Dense(count) for count in units))


class Augmented(keras_tuner.HyperModel):
    """Its own `fit` asks for one thing because of another."""

    def build(self, hp: Any) -> keras.Model:
        return compiled(hp)

    def fit(self, hp: Any, model: keras.Model, x: Any, y: Any, **kwargs: Any) -> Any:
        if hp.Boolean("augment"):
            x = x + hp.Float("noise", 0.0, 0.1)
        return model.fit(x, y, **kwargs)


def twins(hp: Any) -> keras.Model:
    """Asks for as many widths as either of two other parameters says."""
    count = hp.Int("layers", 1, 6) if hp.Choice("kind", ["a", "b"]) == "a" else hp.Int("wide", 1, 6)
    return compiled(hp, *(keras.layers.Dense(hp.Choice(f"units_{n}", [2, 4])) for n in range(count)))


def scopes(hp: Any) -> keras.Model:
    kind = hp.Choice("kind", ["linear", "deep"])
    with hp.conditional_scope("kind", ["deep"]), hp.name_scope("deep"):
        width = hp.Choice("width", [4, 8])
        dropped = hp.Boolean("dropped", default=True)
        with hp.conditional_scope("dropped", [True]):
            share = hp.Float("share", 0.1, 0.5, step=0.2)
    layers = []
    if kind == "deep":
        layers = [keras.layers.Dense(width, "relu"), *([keras.layers.Dropout(share)] if dropped else [])]
    return compiled(hp, *layers)


def kinds(hp: Any) -> keras.Model:
    hp.Fixed("version", 3)
    hp.Int("stepped", 2, 9, step=3)
    hp.Int("doubled", 2, 16, step=2, sampling="log")
    hp.Float("reversed", 0.1, 10, sampling="reverse_log")
    hp.Choice("flag", [True, False])
    hp.Choice("text", ["true", "false"])
    return compiled(hp)


def told(hp: Any, inputs: int, outputs: int, task: str) -> keras.Model:
    assert task == "multiclass"
    model = keras.Sequential([keras.layers.Input((inputs,)), keras.layers.Dense(outputs, "softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Normalized(keras_tuner.HyperModel):
    """A functional net with a state that no gradient moves."""

    def build(self, hp: Any) -> keras.Model:
        inputs = keras.layers.Input((10,))
        hidden = keras.layers.BatchNormalization()(keras.layers.Dense(hp.Choice("width", [4, 8]), "relu")(inputs))
        model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Concatenate()([inputs, hidden])))
        model.compile(optimizer="adam", loss="mse", metrics=["mae"])
        return model


class OwnFit(keras_tuner.HyperModel):
    """Chooses its batches by itself."""

    def build(self, hp: Any) -> keras.Model:
        return compiled(hp, keras.layers.Dense(4))

    def fit(self, hp: Any, model: keras.Model, *args: Any, **kwargs: Any) -> Any:
        return model.fit(*args, batch_size=hp.Choice("batch_size", [32, 64]), **kwargs)


class OwnLoop(keras_tuner.HyperModel):
    """Trains without `model.fit`, and tells no callback; as keras-tuner's guide has it."""

    def build(self, hp: Any) -> keras.Model:
        return compiled(hp)

    def fit(self, hp: Any, model: keras.Model, x: Any, y: Any, validation_data: Any, epochs: int) -> Any:
        losses = []
        for _ in range(epochs):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
            model.optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            losses.append(float(loss))
        OwnLoop.epochs_seen = epochs
        return {"loss": losses[-1], "val_loss": float(np.mean(losses))}

    epochs_seen = 0


class StopsItself(OwnFit):
    """Has an end of its own, before the last epoch that it is asked for."""

    def fit(self, hp: Any, model: keras.Model, *args: Any, callbacks: Any, **kwargs: Any) -> Any:
        class Enough(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                self.model.stop_training = epoch == 1

        return model.fit(*args, callbacks=[*callbacks, Enough()], **kwargs)


class FitRaises(OwnFit):
    def fit(self, hp: Any, model: keras.Model, *args: Any, **kwargs: Any) -> Any:
        raise ValueError("nothing to train")


def nothing(hp: Any) -> None:
    compiled(hp)


def uncompiled(hp: Any) -> keras.Model:
    return keras.Sequential([keras.layers.Dense(1)])


def two_outputs(hp: Any) -> keras.Model:
    model = keras.Sequential([keras.layers.Dense(2)])
    model.compile(loss="mse")
    return model


def three_inputs(hp: Any) -> keras.Model:
    return compiled(hp, keras.layers.Input((3,)))


def raises(hp: Any) -> keras.Model:
    raise ZeroDivisionError("no net today")


_calls = itertools.count(5)


def restless(hp: Any) -> keras.Model:
    """Changes its space from call to call."""
    return compiled(hp, keras.layers.Dense(hp.Int("width", 1, next(_calls))))


def two_ranges(hp: Any) -> keras.Model:
    kind = hp.Choice("kind", ["a", "b"])
    for name, most in (("a", 4), ("b", 8)):
        with hp.conditional_scope("kind", [name]):
            width = hp.Int("width", 1, most)
            layer = keras.layers.Dense(width) if kind == name else None
        if layer is not None:
            found = layer
    return compiled(hp, found)


def logits(hp: Any) -> keras.Model:
    return compiled(hp, loss=keras.losses.BinaryCrossentropy(from_logits=True))


def no_probability(hp: Any) -> keras.Model:
    return compiled(hp, loss="binary_crossentropy")


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.dense(x)


def subclassed(hp: Any) -> keras.Model:
    model = Subclassed()
    model.compile(loss="mse")
    return model


class Doubled(keras.layers.Layer):
    def call(self, x: Any) -> Any:
        return 2 * x


def own_layer(hp: Any) -> keras.Model:
    return compiled(hp, Doubled(name="twice"))


def one_hot(hp: Any) -> keras.Model:
    model = keras.Sequential([keras.layers.Dense(3, "softmax")])
    model.compile(loss="categorical_crossentropy")
    return model


def huge(hp: Any) -> keras.Model:
    """Asks for more memory than there is, where it is told to."""
    width = 2**42 if hp.Boolean("huge") else 4
    return compiled(hp, keras.layers.Dense(width))


def killed(hp: Any) -> keras.Model:
    os.kill(os.getpid(), signal.SIGKILL)


class NoHyperModel:
    pass


a_number = 3
