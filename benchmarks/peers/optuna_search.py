"""A search with Optuna and Keras, as its guides write one: python optuna_search.py random|tpe TASK.json

random: without pruning; the draws are listed. tpe: TPESampler and MedianPruner, both as Optuna has them, fed by a
callback at each epoch. Where the task names a shared study, several such programs work on it at once, by a journal
file.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Any

import keras
import numpy as np
import optuna
from net import TRAINING, begin, build_net, callbacks
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from task import Events, Task, Value, draw, read_task


def main() -> None:
    kind, task = sys.argv[1], read_task(sys.argv[2])
    begin(task)
    x, y, x_validation, y_validation = task.rows()
    events = Events(task)

    def objective(trial: optuna.Trial) -> float:
        if task.listed is not None and trial.number >= len(task.listed):
            raise optuna.TrialPruned("the other process was first to take the last one")
        started = time.monotonic()
        keras.utils.clear_session()
        drawn = draw(task.space, partial(_ask, trial))
        net = build_net({name: value for name, value in drawn.items() if name not in TRAINING}, x.shape[1])
        pruning = [_Pruning(trial)] if kind == "tpe" else []
        given = [*callbacks(task, events), *pruning]
        best = float("nan")
        try:
            history = net.fit(
                x, y, validation_data=(x_validation, y_validation), batch_size=drawn["batch_size"],
                epochs=drawn["epochs"], callbacks=given, verbose=0,
            )  # fmt: skip
            best = float(np.fmin.reduce(history.history["val_rmse"]))
        finally:
            events.trial(trial.number, started, best)
        return best

    study = _study(kind, task)
    ends = [] if task.listed is None else [optuna.study.MaxTrialsCallback(len(task.listed), states=None)]
    study.optimize(objective, callbacks=ends)


class Listed(optuna.samplers.RandomSampler):
    """Random sampling whose draws are known beforehand."""

    def __init__(self, listed: list[dict[str, Value]]) -> None:
        super().__init__()
        self._listed = listed

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
        return self._listed[trial.number][param_name]


class _Pruning(keras.callbacks.Callback):
    """What optuna-integration's callback does: report each epoch, end the fit where the pruner says so."""

    def __init__(self, trial: optuna.Trial) -> None:
        super().__init__()
        self._trial = trial

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._trial.report(float((logs or {})["val_rmse"]), epoch)
        if self._trial.should_prune():
            raise optuna.TrialPruned(f"pruned at epoch {epoch}")


def _study(kind: str, task: Task) -> optuna.Study:
    if kind == "tpe":
        return optuna.create_study(
            sampler=optuna.samplers.TPESampler(seed=task.seed), pruner=optuna.pruners.MedianPruner()
        )
    storage = JournalStorage(JournalFileBackend(task.shared_study)) if task.shared_study else None
    return optuna.create_study(
        storage=storage, study_name="study", load_if_exists=True, sampler=Listed(task.listed or []),
        pruner=optuna.pruners.NopPruner(),
    )  # fmt: skip


def _ask(trial: optuna.Trial, parameter: dict[str, Any]) -> Any:
    name = parameter["name"]
    if "choices" in parameter:
        return trial.suggest_categorical(name, parameter["choices"])
    suggest = trial.suggest_int if parameter["whole"] else trial.suggest_float
    return suggest(name, parameter["low"], parameter["high"], step=parameter["step"], log=parameter["log"])


if __name__ == "__main__":
    main()
