"""What MLflow itself says of finished studies, asked through its own client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient
from sample_studies import HOSTILE

import hpsearch

pytestmark = pytest.mark.xdist_group("commands")

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def client(finished: Path) -> Any:
    return MlflowClient(f"sqlite:///{finished}/mlflow.db")


def runs(client: Any, study: str = "rentals") -> dict[str, Any]:
    """Return a study's runs but those of finalists: trials by their number, the launch as 'launch'."""
    experiment = client.get_experiment_by_name(study)
    found = client.search_runs([experiment.experiment_id], "tags.`hpsearch.kind` != 'finalist'")
    return {run.data.tags.get("hpsearch.trial", "launch"): run for run in found}


@pytest.fixture(scope="module")
def rentals(client: Any) -> dict[str, Any]:
    return runs(client)


def test_an_experiment_is_a_study(client: Any, finished: Path) -> None:
    names = {experiment.name for experiment in client.search_experiments()}
    assert {study.name for study in hpsearch.studies(finished)} == names - {"Default"}


def test_artifacts_lie_in_the_store(client: Any, finished: Path) -> None:
    location = client.get_experiment_by_name("rentals").artifact_location
    assert location.startswith(f"file://{finished}/artifacts/rentals-")


def test_the_trials_are_nested_under_their_launch(rentals: dict[str, Any]) -> None:
    launch = rentals["launch"]
    assert {run.data.tags.get("mlflow.parentRunId") for key, run in rentals.items() if key != "launch"} == {
        launch.info.run_id
    }
    assert "mlflow.parentRunId" not in launch.data.tags


def test_ends_are_told_apart(rentals: dict[str, Any]) -> None:
    found = {key: (run.info.status, run.data.tags["hpsearch.state"]) for key, run in rentals.items()}
    assert found == {
        "launch": ("FINISHED", "finished"),
        "0": ("FINISHED", "completed"),
        "1": ("KILLED", "pruned"),
        "2": ("FAILED", "failed"),
        "3": ("FINISHED", "completed"),
    }
    assert rentals["1"].data.tags["hpsearch.reason"] == "pruned at epoch 6"
    assert rentals["2"].data.tags["hpsearch.reason"].startswith("diverged at epoch ")


def test_params_are_the_active_ones(rentals: dict[str, Any]) -> None:
    assert rentals["3"].data.params == {
        "hidden_layers": "2", "neurons_1": "8", "neurons_2": "4", "activation": "tanh", "optimizer": "adam",
        "dropout": "0.0", "learning_rate": "0.1", "batch_size": "16", "epochs": "10",
    }  # fmt: skip
    assert set(rentals["0"].data.params) == {"hidden_layers", "optimizer", "learning_rate", "batch_size", "epochs"}


@pytest.mark.parametrize("metric", ["train_loss", "val_loss", "val_rmse", "val_mae", "val_r2"])
def test_every_epoch_has_its_metrics_at_its_step(
    client: Any, finished: Path, rentals: dict[str, Any], metric: str
) -> None:
    record = hpsearch.load("rentals", store=finished).records[3]
    history = client.get_metric_history(rentals["3"].info.run_id, metric)
    assert [(point.step, point.value) for point in history] == [(e.step, e.metrics[metric]) for e in record.epochs]
    assert [point.step for point in history] == list(range(1, 11))


def test_a_pruned_trial_keeps_the_epochs_it_had(client: Any, rentals: dict[str, Any]) -> None:
    history = client.get_metric_history(rentals["1"].info.run_id, "val_rmse")
    assert [point.step for point in history] == list(range(1, 7))
    assert history[-1].value > 15


def test_the_best_epoch_is_summed_up(client: Any, finished: Path, rentals: dict[str, Any]) -> None:
    metrics = rentals["3"].data.metrics
    history = client.get_metric_history(rentals["3"].info.run_id, "val_rmse")
    best = min(history, key=lambda point: point.value)
    assert (metrics["best_epoch"], metrics["best_rmse"], metrics["objective"]) == (best.step, best.value, best.value)
    assert metrics["trial_seconds"] > 0
    inputs = hpsearch.load("rentals", store=finished).predictor().model.input_shape[1]
    assert metrics["parameters"] == (inputs + 1) * 8 + (8 + 1) * 4 + (4 + 1)


def test_folds_have_their_own_curves(client: Any) -> None:
    trial = runs(client, "flowers")["0"]
    for fold in (1, 2):
        steps = [p.step for p in client.get_metric_history(trial.info.run_id, f"fold_{fold}/val_log_loss")]
        assert steps == [1, 2, 3, 4]


def test_the_launch_charts_the_search(client: Any, rentals: dict[str, Any]) -> None:
    run_id = rentals["launch"].info.run_id
    objective = {p.step: p.value for p in client.get_metric_history(run_id, "objective")}
    best = {p.step: p.value for p in client.get_metric_history(run_id, "best_objective")}
    assert objective.keys() == best.keys() == {0, 3}
    assert best[3] == min(objective.values())


def test_the_launch_names_its_data_by_their_digest(finished: Path, rentals: dict[str, Any]) -> None:
    (data,) = rentals["launch"].inputs.dataset_inputs
    digest = hpsearch.load("rentals", store=finished).info.data_digest
    assert digest.startswith(data.dataset.digest)
    assert len(data.dataset.digest) >= 8
    assert data.dataset.name == "rentals"
    assert HOSTILE[0] in data.dataset.schema


def test_the_launch_keeps_the_study_file_and_the_evaluation(
    client: Any, finished: Path, rentals: dict[str, Any], tmp_path: Path
) -> None:
    run_id = rentals["launch"].info.run_id
    folder = Path(client.download_artifacts(run_id, "", str(tmp_path)))
    result = hpsearch.load("rentals", store=finished)
    assert (folder / "study.yaml").read_text() == result.file.text
    assert json.loads((folder / "evaluation" / "evaluation.json").read_text()) == result.evaluation
    assert "mean absolute error" in (folder / "evaluation" / "evaluation.txt").read_text()
    for picture in ("residuals", "predicted_vs_actual"):
        assert (folder / "evaluation" / f"{picture}.png").read_bytes().startswith(PNG)
    for picture in ("optimization_history", "parallel_coordinates", "slices", "timeline"):
        assert (folder / "plots" / f"{picture}.png").read_bytes().startswith(PNG)
    assert json.loads((folder / "data_profile.json").read_text())["rows"] == 90


def test_the_scores_of_the_test_rows_are_metrics_of_the_launch(finished: Path, rentals: dict[str, Any]) -> None:
    evaluation = hpsearch.load("rentals", store=finished).evaluation
    assert evaluation is not None
    logged = rentals["launch"].data.metrics
    assert {name: logged[f"test_{name}"] for name in ("rmse", "mae", "r2")} == evaluation["metrics"]


@pytest.mark.filterwarnings("ignore::UserWarning:mlflow", "ignore::FutureWarning:mlflow")
def test_the_logged_model_predicts_raw_rows_with_gaps_without_pickle(
    finished: Path, rentals: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    monkeypatch.setattr(mlflow.tracking, "_tracking_uri", None, raising=False)
    mlflow.set_tracking_uri(f"sqlite:///{finished}/mlflow.db")
    try:
        (output,) = rentals["launch"].outputs.model_outputs
        model = mlflow.pyfunc.load_model(f"models:/{output.model_id}")
    finally:
        mlflow.set_tracking_uri("")  # out of the environment too, where MLflow puts it
    city, gap, other, temp = HOSTILE
    rows = pd.DataFrame(
        {city: ["Rome", None], gap: [None, 0.5], other: [0.1, None], temp: [20.0, 25.0], "when": ["2024-01-05", None]}
    )
    direct = hpsearch.load("rentals", store=finished).predictor().predict(rows)
    pd.testing.assert_frame_equal(model.predict(rows), direct)


def test_nothing_of_a_three_layer_net_is_anywhere(client: Any, rentals: dict[str, Any]) -> None:
    everything = json.dumps([run.to_dictionary() for run in rentals.values()], default=str)
    assert "neurons_3" not in everything
