"""Projects that keras-tuner made, read; ours killed and run again; and what is said where keras-tuner is not there."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

import hpsearch
import hpsearch.kerastuner as ours
from hpsearch.errors import HpsearchError, MissingExtra
from hpsearch.records import EpochRecord
from hpsearch.search.history import read_history

KILLED = """
import os, signal, sys
import hpsearch.kerastuner as kt

class Tuner(kt.Tuner):
    def run_trial(self, trial, *args, **kwargs):
        if trial.trial_id == "2":
            os.kill(os.getpid(), signal.SIGKILL)
        return trial.hyperparameters.Float("x", -2.0, 2.0) ** 2

Tuner(max_trials=4, seed=5, track=False).search(verbose=0)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_project_of_keras_tuners_is_read_with_states_scores_and_active_values(here: Path) -> None:
    class Theirs(keras_tuner.GridSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            hp = trial.hyperparameters
            kind = hp.Choice("kind", ["linear", "mlp"])
            with hp.conditional_scope("kind", ["mlp"]):
                units = hp.Choice("units", [4, 8])
            if units == 8:
                raise ValueError("a bug\nof ours")
            import keras

            history = keras.callbacks.History()
            history.history = {"val_acc": [0.5, 0.9, 0.7], "loss": [3.0, 2.0, 1.0]}
            return history if kind == "mlp" else {"val_acc": 0.25, "loss": 4.0}

    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["linear", "mlp"])
    with hp.conditional_scope("kind", ["mlp"]):
        hp.Choice("units", [4, 8])
    objective = keras_tuner.Objective("val_acc", "max")
    Theirs(objective=objective, hyperparameters=hp, project_name="p").search(verbose=0)
    project = ours.read_project("p")
    told = {tuple(r.configuration.values()): (r.state, r.value, r.best_epoch, r.reason) for r in project.trials}
    assert told == {
        ("linear",): ("completed", 0.25, 1, ""),
        ("mlp", 4): ("completed", 0.9, 2, ""),
        ("mlp", 8): ("failed", None, 0, "of ours"),
    }
    best = next(record for record in project.trials if record.value == 0.9)
    assert best.metrics == {"val_acc": 0.9, "loss": 2.0}
    assert best.epochs == (EpochRecord(0, 2, {"val_acc": 0.9, "loss": 2.0}),)
    assert project.objectives == {"val_acc": "maximize"}
    assert [entry.name for entry in project.hyperparameters.space] == ["kind", "units"]


def test_a_search_that_was_killed_goes_on_to_exactly_its_trials(here: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    trained = []

    class Tuner(ours.Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            trained.append(trial.trial_id)
            return float(trial.hyperparameters.Float("x", -2.0, 2.0) ** 2)

    tuner = Tuner(max_trials=4, seed=5, track=False)
    tuner.search(verbose=0)
    assert trained == ["2", "3"]
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 4
    assert sorted(read_history(here / "untitled_project" / "hpsearch.jsonl")) == [0, 1, 2, 3]


@pytest.mark.parametrize("module", ["keras_tuner", "tensorboard"])
def test_without_the_extra_the_command_that_installs_it_is_told(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r'pip install "hpsearch\[keras-tuner\]"') as caught:
        _ = ours.RandomSearch
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, HpsearchError)


def test_what_the_document_shows_of_spaces_and_projects_runs(here: Path) -> None:
    class Tuner(keras_tuner.RandomSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
            return {"val_accuracy": float(trial.hyperparameters.Float("x", 0.0, 1.0))}

    objective = keras_tuner.Objective("val_accuracy", "max")
    Tuner(objective=objective, max_trials=2, directory="my_dir").search(verbose=0)
    text = (Path(__file__).parents[2] / "docs" / "keras-tuner.md").read_text()
    first, spaces, projects = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {"spec": hpsearch.make_spec({"data": {"sklearn": "iris"}}), "hpsearch": hpsearch}
    exec(first.splitlines()[0], names)
    exec(f"{spaces}\n{projects}", names)
    assert names["keras_tuner"] is ours
    assert names["space"] == names["spec"].space.build()
    assert names["project"].objectives == {"val_accuracy": "maximize"}
