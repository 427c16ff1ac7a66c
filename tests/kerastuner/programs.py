"""Programs of the kinds that keras-tuner's guides show, ours to the letter; the first line is the one that changes.

Each leaves what it found in `found`.
"""

from __future__ import annotations

from typing import Any

THEIRS = "import keras_tuner"
OURS = "import hpsearch.kerastuner as keras_tuner"

_DATA = """
import keras
import numpy as np
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

x, y = load_iris(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(x.astype("float32"), y, test_size=0.4, random_state=0, stratify=y)
"""

TUNED_MLP = (
    _DATA
    + """
def build_model(hp):
    model = keras.Sequential([keras.Input((4,))])
    for i in range(hp.Int("num_layers", 1, 2)):
        units, activation = hp.Int(f"units_{i}", 4, 12, step=4), hp.Choice("activation", ["relu", "tanh"])
        model.add(keras.layers.Dense(units, activation=activation))
    if hp.Boolean("dropout"):
        model.add(keras.layers.Dropout(0.25))
    model.add(keras.layers.Dense(3, activation="softmax"))
    rate = hp.Float("lr", min_value=1e-3, max_value=1e-1, sampling="log")
    optimizer = keras.optimizers.Adam(learning_rate=rate)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

build_model(keras_tuner.HyperParameters())
tuner = keras_tuner.RandomSearch(
    hypermodel=build_model, objective="val_accuracy", max_trials=2, executions_per_trial=1, overwrite=True,
    directory="my_dir", project_name="helloworld", seed=1,
)
tuner.search_space_summary()
stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=1)
tuner.search(x_train, y_train, epochs=2, validation_data=(x_val, y_val), callbacks=[stop], verbose=0)
tuner.results_summary()
best = tuner.get_best_models(num_models=2)[0]
best_hps = tuner.get_best_hyperparameters(5)
again = build_model(best_hps[0])
score = np.mean(np.argmax(best(x_val), axis=1) == y_val)
trial = tuner.oracle.get_best_trials()[0]
reloaded = keras_tuner.RandomSearch(
    hypermodel=build_model, objective="val_accuracy", max_trials=2, directory="my_dir", project_name="helloworld",
)
found = {
    "trials": len(tuner.oracle.trials), "remaining": tuner.remaining_trials, "status": trial.status,
    "kept": len(reloaded.oracle.trials), "best_is_kept": reloaded.oracle.get_best_trials()[0].score == trial.score,
    "names": sorted({p.name for p in tuner.oracle.get_space().space} - {"units_1"}), "best": len(best_hps),
    "again": again.count_params() == best.count_params(),
    "sane": abs(score - trial.score) < 1e-6 and best_hps[0].get("units_0") in (4, 8, 12) and trial.best_step in (0, 1),
}
"""
)

TUNED_FIT = (
    _DATA
    + """
class MyHyperModel(keras_tuner.HyperModel):
    def build(self, hp):
        units = hp.Int("units", 4, 8)
        hidden = keras.layers.Dense(units, activation="relu")
        model = keras.Sequential([keras.Input((4,)), hidden, keras.layers.Dense(3)])
        model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        return model

    def fit(self, hp, model, x, y, **kwargs):
        if hp.Boolean("normalize"):
            x = keras.layers.Normalization()(x)
        return model.fit(x, y, shuffle=hp.Boolean("shuffle"), batch_size=hp.Choice("batch_size", [16, 32]), **kwargs)

tuner = keras_tuner.BayesianOptimization(
    MyHyperModel(), objective=keras_tuner.Objective("val_loss", direction="min"), max_trials=2, overwrite=True,
    directory="my_dir", project_name="tune_hypermodel", seed=2, num_initial_points=1,
)
tuner.search(x_train, y_train, epochs=1, validation_data=(x_val, y_val), verbose=0)
hypermodel, best_hp = MyHyperModel(), tuner.get_best_hyperparameters()[0]
model = hypermodel.build(best_hp)
hypermodel.fit(best_hp, model, x, y, epochs=1, verbose=0)
found = {
    "trials": len(tuner.oracle.trials), "names": sorted(best_hp.values),
    "scores": all(t.score > 0 for t in tuner.oracle.trials.values()),
}
"""
)

CONDITIONAL = """
class Search(keras_tuner.GridSearch):
    def run_trial(self, trial, *args, **kwargs):
        hp = trial.hyperparameters
        kind = hp.Choice("kind", ["linear", "mlp"])
        with hp.conditional_scope("kind", ["linear"]):
            if kind == "linear":
                cost = hp.Float("l2", 0.0, 0.2, step=0.1)
        with hp.conditional_scope("kind", ["mlp"]):
            if kind == "mlp":
                layers = hp.Int("layers", 1, 2)
                with hp.name_scope("body"):
                    cost = sum(hp.Choice(f"units_{i}", [1, 2], parent_name=None) for i in range(layers))
        return cost

def declare(hp):
    hp.Choice("kind", ["linear", "mlp"])

hps = keras_tuner.HyperParameters()
declare(hps)
tuner = Search(hyperparameters=hps, overwrite=True, directory="my_dir", project_name="conditional")
tuner.search(verbose=0)
best = tuner.get_best_hyperparameters()[0]
found = {
    "best": best.get("kind"), "score": tuner.oracle.get_best_trials()[0].score,
    "kinds": sorted({t.hyperparameters.get("kind") for t in tuner.oracle.trials.values()}),
    "inactive": sorted(
        name
        for t in tuner.oracle.trials.values() if t.hyperparameters.get("kind") == "linear"
        for name in t.hyperparameters.values if "layers" in name or "units" in name
    ),
}
"""

CUSTOM_LOOP = (
    _DATA
    + """
import tensorflow as tf

class MyHyperModel(keras_tuner.HyperModel):
    def build(self, hp):
        units = hp.Int("units", 4, 8, step=4)
        hidden = keras.layers.Dense(units, activation="relu")
        return keras.Sequential([keras.Input((4,)), hidden, keras.layers.Dense(3)])

    def fit(self, hp, model, x, y, validation_data, callbacks=None, **kwargs):
        batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(hp.Int("batch_size", 30, 90, step=30, default=90))
        optimizer = keras.optimizers.Adam(hp.Float("learning_rate", 1e-3, 1e-1, sampling="log", default=1e-2))
        loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        for callback in callbacks:
            callback.set_model(model)
        best = float("inf")
        for epoch in range(2):
            for rows, labels in batches:
                with tf.GradientTape() as tape:
                    loss = loss_fn(labels, model(rows))
                gradients = tape.gradient(loss, model.trainable_variables)
                optimizer.apply_gradients(zip(gradients, model.trainable_variables))
            epoch_loss = float(loss_fn(validation_data[1], model(validation_data[0])))
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs={"my_metric": epoch_loss})
            best = min(best, epoch_loss)
        return best

tuner = keras_tuner.RandomSearch(
    objective=keras_tuner.Objective("my_metric", "min"), max_trials=2, hypermodel=MyHyperModel(), overwrite=True,
    directory="my_dir", project_name="custom_training",
)
tuner.search(x=x_train, y=y_train, validation_data=(x_val, y_val))
best_hps = tuner.get_best_hyperparameters()[0]
best_model = tuner.get_best_models()[0]
found = {
    "trials": len(tuner.oracle.trials), "names": sorted(best_hps.values), "shape": best_model(x_val[:5]).shape[1],
    "scores": all(t.score > 0 for t in tuner.oracle.trials.values()),
}
"""
)

FAILED_TRIALS = (
    _DATA
    + """
def build_model(hp):
    units = hp.Choice("units", [4, 4096])
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units), keras.layers.Dense(3)])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    if hp.Boolean("broken"):
        raise ValueError("a bug of ours")
    if model.count_params() > 1200:
        raise keras_tuner.errors.FailedTrialError("Model too large")
    return model

tuner = keras_tuner.GridSearch(
    hypermodel=build_model, objective="loss", max_trials=4, overwrite=True,
    max_consecutive_failed_trials=8, directory="my_dir", project_name="failed_trials",
)
tuner.search(x_train, y_train, epochs=1, verbose=0)
trials = {tuple(t.hyperparameters.get(n) for n in ("units", "broken")): t for t in tuner.oracle.trials.values()}
found = {
    "statuses": {key: t.status for key, t in sorted(trials.items())},
    "too large": "Model too large" in trials[4096, False].message,
    "bug": "a bug of ours" in trials[4, True].message,
    "best": tuner.get_best_hyperparameters()[0].get("units"),
}
"""
)

BLACK_BOX = """
class MyTuner(keras_tuner.RandomSearch):
    def run_trial(self, trial, *args, **kwargs):
        hp = trial.hyperparameters
        x = hp.Float("x", min_value=-1.0, max_value=1.0)
        return {"loss": x * x + 1, "height": x}

objective = keras_tuner.Objective("loss", "min")
tuner = MyTuner(objective=objective, max_trials=5, directory="my_dir", project_name="black_box", seed=0)
tuner.search()
best = tuner.get_best_hyperparameters()[0]["x"]
found = {"trials": len(tuner.oracle.trials), "best": best * best + 1 == tuner.oracle.get_best_trials()[0].score}
"""

HYPERBAND = (
    _DATA
    + """
def build_model(hp):
    hidden = keras.layers.Dense(hp.Int("units", 4, 64), activation="relu")
    model = keras.Sequential([keras.Input((4,)), hidden, keras.layers.Dense(3)])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model

tuner = keras_tuner.Hyperband(
    build_model, objective="accuracy", max_epochs=2, factor=3, directory="my_dir", project_name="intro_to_kt",
)
stop_early = keras.callbacks.EarlyStopping(monitor="loss", patience=5)
tuner.search(x_train, y_train, epochs=50, callbacks=[stop_early], verbose=0)
best_hps = tuner.get_best_hyperparameters(num_trials=1)[0]
model = tuner.hypermodel.build(best_hps)
found = {
    "trials": len(tuner.oracle.trials), "units": 4 <= best_hps.get("units") <= 64,
    "epochs": best_hps.get("tuner/epochs"),
}
"""
)

PROGRAMS = {
    "tuned MLP": TUNED_MLP,
    "tuned fit arguments": TUNED_FIT,
    "conditional space": CONDITIONAL,
    "custom training loop": CUSTOM_LOOP,
    "failed trials": FAILED_TRIALS,
    "black box": BLACK_BOX,
    "Hyperband": HYPERBAND,
}


def run_program(line: str, program: str) -> dict[str, Any]:
    """Run a program under an import line; return what it found."""
    namespace: dict[str, Any] = {"__name__": "program"}
    exec(f"{line}\n{program}", namespace)
    found: dict[str, Any] = namespace["found"]
    return found
