"""A hypermodel as keras-tuner's users write them; `hypermodel.yaml` searches it."""

import keras
import keras_tuner


class WineNet(keras_tuner.HyperModel):
    """Dense layers, each with its own width; batch normalization or not; an optimizer with settings of its own."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return a compiled net; the data say how many inputs it has."""
        model = keras.Sequential()
        normalized = hp.Boolean("normalized")
        for layer in range(hp.Int("layers", 1, 3)):
            model.add(keras.layers.Dense(hp.Int(f"units_{layer}", 8, 64, step=8), activation="relu"))
            if normalized:
                model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.Dense(self.outputs, activation="softmax"))
        name = hp.Choice("optimizer", ["adam", "sgd"])
        rate = hp.Float("learning_rate", 1e-4, 1e-1, sampling="log", default=1e-2)
        with hp.conditional_scope("optimizer", ["sgd"]):
            momentum = hp.Float("momentum", 0.0, 0.9)
        kind = keras.optimizers.Adam(rate) if name == "adam" else keras.optimizers.SGD(rate, momentum=momentum)
        model.compile(optimizer=kind, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        return model
