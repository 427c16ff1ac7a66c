"""A search with keras-tuner, as its guides write one: python kerastuner_search.py random|bayesian TASK.json

Batch size and epochs are tuned in `HyperModel.fit` (its guide "Tune hyperparameters in model training"). Everything
else is as keras-tuner has it: it saves a checkpoint of each trial's best epoch and its own state after each trial.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Any

import keras_tuner as kt
from net import TRAINING, begin, build_net, callbacks
from task import Events, Task, Value, draw, read_task

OBJECTIVE = kt.Objective("val_rmse", "min")
NO_END = 1_000_000
"""trials of a search that is stopped by the clock"""


def main() -> None:
    kind, task = sys.argv[1], read_task(sys.argv[2])
    begin(task)
    x, y, x_validation, y_validation = task.rows()
    events = Events(task)
    tuner = _tuner(kind, Net(task.space, x.shape[1]), task)
    tuner.events = events
    tuner.search(x, y, validation_data=(x_validation, y_validation), callbacks=callbacks(task, events), verbose=0)


class Net(kt.HyperModel):
    """The net and its training, asking keras-tuner for each parameter where it is needed."""

    def __init__(self, space: list[dict[str, Any]], inputs: int) -> None:
        super().__init__()
        self._net = [p for p in space if p["name"] not in TRAINING]
        self._training = [p for p in space if p["name"] in TRAINING]
        self._inputs = inputs

    def build(self, hp: kt.HyperParameters) -> Any:
        return build_net(draw(self._net, partial(_ask, hp)), self._inputs)

    def fit(self, hp: kt.HyperParameters, model: Any, *args: Any, **kwargs: Any) -> Any:
        return model.fit(*args, **draw(self._training, partial(_ask, hp)), **kwargs)


class Noted(kt.Tuner):
    """Writes down when trials begin and end."""

    events: Events

    def on_trial_begin(self, trial: Any) -> None:
        self._started = time.monotonic()
        super().on_trial_begin(trial)

    def on_trial_end(self, trial: Any) -> None:
        super().on_trial_end(trial)
        self.events.trial(int(trial.trial_id), self._started, trial.score)


class Bayesian(Noted, kt.BayesianOptimization):
    """`kt.BayesianOptimization`, its trials noted."""


class Listed(kt.oracles.RandomSearchOracle):
    """Random search whose draws are known beforehand."""

    def __init__(self, listed: list[dict[str, Value]], **options: Any) -> None:
        super().__init__(**options)
        self._listed = listed

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        return {"status": "RUNNING", "values": self._listed[int(trial_id)]}


def _tuner(kind: str, net: Net, task: Task) -> Any:
    place = {"directory": task.folder, "project_name": kind}
    seed = task.seed + 1  # keras-tuner takes 0 for 'none given'
    if kind == "random":
        # What kt.RandomSearch is, but for the oracle's draws.
        listed = task.listed or []
        return Noted(Listed(listed, objective=OBJECTIVE, max_trials=len(listed), seed=seed), net, **place)
    return Bayesian(net, objective=OBJECTIVE, max_trials=NO_END, seed=seed, **place)


def _ask(hp: kt.HyperParameters, parameter: dict[str, Any]) -> Any:
    name = parameter["name"]
    if "choices" in parameter:
        return hp.Choice(name, parameter["choices"])
    kind, step = (hp.Int, parameter["step"]) if parameter["whole"] else (hp.Float, parameter["step"])
    log = parameter["log"]  # there a step is a factor for keras-tuner
    return kind(
        name, parameter["low"], parameter["high"], step=None if log else step, sampling="log" if log else "linear"
    )


if __name__ == "__main__":
    main()
