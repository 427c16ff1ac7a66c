from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient

import hpsearch
from hpsearch.app.pictures import notable
from hpsearch.records import EpochRecord, TrialRecord

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def client(finished: Path) -> Any:
    return MlflowClient(f"sqlite:///{finished}/mlflow.db")


def run_of(client: Any, finished: Path, query: str) -> Any:
    uid = hpsearch.load("rentals", store=finished).info.uid
    experiment = client.search_experiments(filter_string=f"tags.`hpsearch.study_uid` = '{uid}'")[0]
    (run,) = client.search_runs([experiment.experiment_id], query)
    return run


def test_a_notable_trial_keeps_its_configuration_and_its_learning_curve(
    client: Any, finished: Path, tmp_path: Path
) -> None:
    run = run_of(client, finished, "tags.`hpsearch.kind` = 'trial' and tags.`hpsearch.trial` = '3'")
    best = hpsearch.load("rentals", store=finished).records[3]
    written = Path(client.download_artifacts(run.info.run_id, "configuration.yaml", str(tmp_path)))
    assert yaml.safe_load(written.read_text()) == dict(best.configuration)
    curve = Path(client.download_artifacts(run.info.run_id, "learning_curve.png", str(tmp_path)))
    assert curve.read_bytes().startswith(PNG)


def test_the_best_and_the_latest_failures_are_the_notable_ones() -> None:
    epochs = (EpochRecord(0, 1, {"val_rmse": 1.0, "train_loss": 1.0}),)
    records = [
        TrialRecord(number, {"hidden_layers": 0}, state, value=float(-number) if state == "completed" else None,
                    epochs=epochs if number % 2 else ())
        for state, numbers in (("completed", range(20)), ("pruned", range(20, 40)), ("failed", range(40, 60)))
        for number in numbers
    ]  # fmt: skip
    copy = replace(records[19], number=60, copy_of=19)
    assert [record.number for record in notable([*records, copy], "minimize")] == [
        19, 18, 17, 16, 15, 51, 53, 55, 57, 59,
    ]  # fmt: skip


def test_the_launch_keeps_the_pictures_of_the_search_and_the_profile_of_the_data(client: Any, finished: Path) -> None:
    run = run_of(client, finished, "tags.`hpsearch.kind` = 'launch'")
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    plots = {file.path for file in client.list_artifacts(run.info.run_id, "plots")}
    assert {"study.yaml", "data_profile.json", "plots", "evaluation"} <= files
    assert {
        f"plots/{name}.png" for name in ("optimization_history", "parallel_coordinates", "slices", "timeline")
    } <= plots
