"""Promotions in copies of a finished store, looked at through MLflow's own client and loader."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient
from sample_studies import new_store
from sklearn.metrics import root_mean_squared_error

import hpsearch
from hpsearch.app.promote import Promotion, promote
from hpsearch.app.source import found_package
from hpsearch.data.prepared import load_table
from hpsearch.delivery.manifest import write_manifest
from hpsearch.delivery.predictor import Predictor
from hpsearch.errors import DeliveryError, StoreError
from hpsearch.search.looks import looks


@pytest.fixture
def own(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished store; what was logged stays where it is."""
    place = tmp_path / "own"
    place.mkdir()
    shutil.copytree(finished / "studies", place / "studies")
    for file in finished.glob("mlflow.db*"):
        shutil.copy(file, place)
    return place


@pytest.fixture
def client(own: Path) -> Any:
    return MlflowClient(f"sqlite:///{own}/mlflow.db")


def edit(own: Path, study: str = "rentals", **changes: Any) -> None:
    """Make another package of a study's; `metadata` is merged, all else replaced."""
    package = own / "studies" / study / "package"
    about = json.loads((package / "package.json").read_text())
    about |= changes | {"metadata": about["metadata"] | changes.get("metadata", {})}
    (package / "package.json").write_text(json.dumps(about))
    write_manifest(package)


def edit_rmse(own: Path, by: float, **metadata: Any) -> None:
    package = own / "studies" / "rentals" / "package"
    test = json.loads((package / "package.json").read_text())["metadata"]["test"]
    edit(own, metadata={"test": test | {"rmse": test["rmse"] + by}} | metadata)


def champions(client: Any) -> list[str]:
    return [str(version.version) for version in client.search_model_versions("name = 'rentals'")]


def test_the_first_promotion_registers_the_model_that_the_launch_logged(own: Path, client: Any) -> None:
    done = promote("rentals", store=own)
    evaluation = hpsearch.load("rentals", store=own).evaluation
    assert evaluation is not None
    assert done == Promotion("rentals", "champion", "1", True, "rmse", evaluation["metrics"]["rmse"])
    assert done.address == "models:/rentals@champion"
    version = client.get_model_version_by_alias("rentals", "champion")
    (model,) = client.search_logged_models([client.get_experiment_by_name("rentals").experiment_id])
    assert (version.version, version.source, version.run_id) == (1, model.artifact_location, model.source_run_id)
    assert version.tags["test_rmse"] == str(done.score)


def test_the_address_that_is_told_is_one_to_predict_with(own: Path) -> None:
    done = promote("rentals", store=own)
    frame, columns, _ = load_table(hpsearch.load("rentals", store=own).file.load_spec())
    rows = frame[list(columns.names)].head(5)
    with found_package(done.address, own) as package:
        predicted = Predictor.load(package).predict(rows)
    pd.testing.assert_frame_equal(predicted, hpsearch.load("rentals", store=own).predictor().predict(rows))


def test_promoting_the_same_package_again_changes_nothing(own: Path, client: Any) -> None:
    first = promote("rentals", store=own)
    again = promote("rentals", store=own)
    assert (again.version, again.changed, again.score) == (first.version, False, first.score)
    assert champions(client) == ["1"]


def test_another_alias_shares_the_version(own: Path, client: Any) -> None:
    promote("rentals", store=own)
    assert promote("rentals", alias="candidate", store=own).version == "1"
    assert champions(client) == ["1"]


def test_a_worse_model_is_refused_with_both_scores_and_forced_if_wanted(own: Path, client: Any) -> None:
    first = promote("rentals", store=own)
    edit_rmse(own, 1.0)
    with pytest.raises(DeliveryError, match=r"rmse [\d.]+ on its test rows is worse than [\d.]+ of version 1"):
        promote("rentals", store=own)
    assert champions(client) == ["1"]
    forced = promote("rentals", force=True, store=own)
    assert (forced.version, forced.former, forced.former_score) == ("2", "1", first.score)
    assert forced.score == pytest.approx((first.score or 0) + 1)
    assert client.get_model_version_by_alias("rentals", "champion").version == 2


@pytest.mark.parametrize("by", [0.0, -1.0])
def test_a_model_that_is_as_good_or_better_takes_the_alias(own: Path, by: float) -> None:
    first = promote("rentals", store=own)
    edit_rmse(own, by, note="another package")
    done = promote("rentals", store=own)
    assert (done.version, done.former, done.former_score) == ("2", "1", first.score)


def test_a_champion_of_other_data_predicts_the_raw_test_rows_and_that_is_a_look_at_them(own: Path) -> None:
    result = hpsearch.load("rentals", store=own)
    edit_rmse(own, 0.0, data_digest="of other data")
    promote("rentals", store=own)
    before = len(looks(result.folder))
    edit_rmse(own, 1000.0, data_digest=result.info.data_digest)
    with pytest.raises(DeliveryError, match="is worse than") as told:
        promote("rentals", store=own)
    frame, columns, parts = load_table(result.file.load_spec())
    rows = frame.iloc[parts.test]
    predicted = result.predictor().predict(rows[list(columns.names)])["prediction"]
    assert f"worse than {root_mean_squared_error(rows['cnt'], predicted):.4g} of" in str(told.value)
    assert len(looks(result.folder)) == before + 1


def test_a_champion_of_classes_is_scored_by_its_probabilities(own: Path) -> None:
    result = hpsearch.load("flowers", store=own)
    edit(own, "flowers", metadata={"data_digest": "of other data"})
    promote("flowers", store=own)
    edit(own, "flowers", metadata={"data_digest": result.info.data_digest, "test": {"log_loss": 0.0}})
    done = promote("flowers", store=own)
    evaluation = result.evaluation
    assert evaluation is not None
    assert done.former_score == pytest.approx(evaluation["metrics"]["log_loss"], rel=1e-5)


@pytest.mark.parametrize(("changes", "why"), [
    ({"target": "temperature"}, "it predicts 'temperature'"),
    ({"columns": ["rain"]}, "column"),
    ({"schema": 99}, "schema 99"),
])  # fmt: skip
def test_a_champion_that_cannot_be_scored_is_told_why_and_gives_way_to_force(
    own: Path, changes: dict[str, Any], why: str, tmp_path: Path
) -> None:
    package = own / "studies" / "rentals" / "package"
    kept = shutil.copytree(package, tmp_path / "kept")
    edit(own, metadata={"data_digest": "of other data"}, **changes)
    if "columns" in changes:
        preparation = json.loads((package / "preparation.json").read_text())
        preparation["columns"][0]["name"] = "rain"
        (package / "preparation.json").write_text(json.dumps(preparation))
        write_manifest(package)
    register_as_it_is(own, package)
    shutil.rmtree(package)
    shutil.copytree(kept, package)
    with pytest.raises(DeliveryError, match=rf"cannot be compared with version 1.*{why}.*--force promotes it anyway"):
        promote("rentals", store=own)
    done = promote("rentals", force=True, store=own)
    assert (done.version, done.former, done.former_score) == ("2", "1", None)


def register_as_it_is(own: Path, package: Path) -> None:
    """Make a package the champion, whatever is wrong with it."""
    client = MlflowClient(f"sqlite:///{own}/mlflow.db")
    run = client.create_run(client.get_experiment_by_name("rentals").experiment_id)
    client.create_registered_model("rentals")
    version = client.create_model_version("rentals", package.parent.as_uri() + "/champion", run.info.run_id)
    shutil.copytree(package, package.parent / "champion")
    client.set_registered_model_alias("rentals", "champion", version.version)


def test_a_model_whose_test_rows_are_locked_replaces_none(own: Path) -> None:
    promote("rentals", store=own)
    edit(own, metadata={"test": {}})
    with pytest.raises(DeliveryError, match="the test rows are not scored yet"):
        promote("rentals", store=own)


def test_a_model_that_this_mlflow_never_saw_is_logged_first(
    own: Path, tmp_path: Path, mlflow_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{new_store(tmp_path / 'other', mlflow_database)}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    done = promote("flowers", store=own)
    other = MlflowClient(uri)
    (model,) = other.search_logged_models([other.get_experiment_by_name("flowers").experiment_id])
    assert other.get_model_version("flowers", done.version).source == model.artifact_location
    assert promote("flowers", store=own).changed is False


def test_an_mlflow_that_is_away_is_told_in_one_line(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:S3CRET@127.0.0.1:9")
    with pytest.raises(StoreError, match="does not answer as MLflow does") as told:
        promote("rentals", store=own)
    assert "S3CRET" not in str(told.value)
    assert "\n" not in str(told.value)


def test_an_alias_that_mlflow_does_not_take_is_refused_first(own: Path) -> None:
    with pytest.raises(DeliveryError, match="'latest' is no alias"):
        promote("rentals", alias="latest", store=own)
