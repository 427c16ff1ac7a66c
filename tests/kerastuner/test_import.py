"""`hpsearch import-keras-tuner`: a project of keras-tuner's becomes a study, which goes on from its trials."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras_tuner
import pytest
import yaml

import hpsearch
from hpsearch.cli import main
from hpsearch.kerastuner import to_keras_tuner

STUDY: dict[str, Any] = {
    "data": {"sklearn": "iris"},
    "space": {
        "hidden_layers": [0, 1], "neurons": [4, 8], "activation": "relu", "optimizer": "adam", "dropout": 0.0,
        "learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}, "batch_size": 32, "epochs": 2,
    },
    "search": {"objective": "accuracy", "trials": 6},
    "winner": None,
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HPSEARCH_STORE", str(store))
    Path("flowers.yaml").write_text(yaml.safe_dump(STUDY))
    return tmp_path


def project(objective: str = "val_accuracy", conditions: bool = True, **more: Any) -> None:
    """Have keras-tuner search the space of the study, and fail one trial. conditions: that a net has to have layers."""

    class Theirs(keras_tuner.RandomSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
            if trial.trial_id == "1":
                raise ValueError("a bug of ours")
            return {objective: 0.5 + trial.hyperparameters.get("learning_rate"), "val_loss": 1.0}

    hp = to_keras_tuner(hpsearch.load_spec("flowers.yaml").space.build())
    if not conditions:
        bare = [type(entry).from_config(entry.get_config() | {"conditions": []}) for entry in hp.space]
        hp = keras_tuner.HyperParameters()
        hp.merge(bare)
    for name, value in more.items():
        hp.Fixed(name, value)
    best = keras_tuner.Objective(objective, "max")
    Theirs(objective=best, max_trials=4, hyperparameters=hp, seed=1, project_name="old").search(verbose=0)


def hpsearch_says(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["hpsearch", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_project_becomes_a_study_with_its_runs_and_the_search_goes_on(
    here: Path, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project()
    capsys.readouterr()
    assert hpsearch_says(monkeypatch, "import-keras-tuner", "old", "flowers.yaml") == 0
    assert "study 'flowers': 3 trials imported" in capsys.readouterr().out
    assert hpsearch_says(monkeypatch, "import-keras-tuner", "old", "flowers.yaml") == 2
    assert "study 'flowers' is there already" in capsys.readouterr().err
    before = {trial.number: trial for trial in hpsearch.load("flowers").records}
    assert sorted(trial.state for trial in before.values()) == ["completed", "completed", "failed", "interrupted"]
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{store / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("flowers")
    runs = client.search_runs([experiment.experiment_id], "tags.`hpsearch.kind` = 'trial'")
    assert sorted(run.info.status for run in runs) == ["FAILED", "FINISHED", "FINISHED", "KILLED"]
    result = hpsearch.run("flowers.yaml", workers="inline")
    assert result.done() == 6
    kept = {number: trial for number, trial in before.items() if trial.state == "completed"}
    assert {trial.number: trial for trial in result.records if trial.number in kept} == kept
    again = next(trial for trial in before.values() if trial.state == "interrupted")
    assert [t.configuration for t in result.records if t.retry_of == again.number] == [again.configuration]


def test_values_that_no_net_read_are_left_out_and_their_trials_are_not(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(conditions=False)
    capsys.readouterr()
    assert hpsearch_says(monkeypatch, "import-keras-tuner", "old", "flowers.yaml") == 0
    said = capsys.readouterr()
    assert "study 'flowers': 3 trials imported" in said.out
    assert "left out" not in said.out
    configurations = [trial.configuration for trial in hpsearch.load("flowers").records]
    shallow = [values for values in configurations if values["hidden_layers"] == 0]
    assert shallow
    assert not any("neurons" in name or name == "activation" for values in shallow for name in values)


def test_what_keeps_a_project_from_becoming_a_study_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project("val_height", momentum=0.9)
    capsys.readouterr()
    assert hpsearch_says(monkeypatch, "import-keras-tuner", "old", "flowers.yaml") == 2
    assert (
        "scores are of val_height (maximize), the study's objective is accuracy (maximize)" in capsys.readouterr().err
    )
    assert hpsearch_says(monkeypatch, "import-keras-tuner", "old", "flowers.yaml", "--metric", "val_height") == 2
    told = capsys.readouterr().err
    assert "no trial of the project fits the space of 'flowers':" in told
    assert "momentum is not in the space any more (4 trials)" in told
