"""Packages in MLflow's registry, looked at through MLflow's own client."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hpsearch.delivery.mlflow_model import PACKAGE_TAG, log_package, package_digest
from hpsearch.delivery.predictor import Predictor
from hpsearch.delivery.registry import Registry, check_alias, has_database
from hpsearch.errors import DeliveryError, PackageError, StoreError
from hpsearch.tracking.silence import import_mlflow


@pytest.fixture(scope="module")
def uri(mlflow_database: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("registry") / "mlflow.db"
    for suffix in ("", "-wal", "-shm"):
        if (file := mlflow_database.with_name(mlflow_database.name + suffix)).exists():
            shutil.copy(file, path.with_name(path.name + suffix))
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def client(uri: str) -> Any:
    import_mlflow()
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


@pytest.fixture(scope="module")
def registry(uri: str) -> Registry:
    return Registry(uri)


@pytest.fixture
def experiment(client: Any, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return str(client.create_experiment(request.node.name, artifact_location=(tmp_path / "artifacts").as_uri()))


@pytest.fixture
def logged(client: Any, experiment: str, packages: dict[str, Any], rows: pd.DataFrame) -> Any:
    """A model as a launch logs it."""
    run = client.create_run(experiment)
    address = log_package(client, run.info.run_id, packages["binary"].folder, rows)
    return client.get_logged_model(address.removeprefix("models:/"))


def test_a_model_is_found_by_its_package(
    registry: Registry, experiment: str, logged: Any, packages: dict[str, Any]
) -> None:
    found = registry.logged(experiment, package_digest(packages["binary"].folder))
    assert found is not None
    assert found.model_id == logged.model_id
    assert registry.logged(experiment, package_digest(packages["regression"].folder)) is None


def test_a_package_that_no_launch_logged_gets_a_run_of_its_own(
    registry: Registry, client: Any, experiment: str, packages: dict[str, Any], rows: pd.DataFrame
) -> None:
    model = registry.log(experiment, "bikes", packages["binary"].folder, rows)
    (run,) = client.search_runs([experiment])
    assert (run.info.run_name, run.info.status, model.source_run_id) == ("promotion", "FINISHED", run.info.run_id)
    assert "hpsearch.study_uid" not in run.data.tags  # it is none of the study's launches or trials


def test_a_version_is_registered_with_its_run_and_its_package_and_linked_from_its_model(
    registry: Registry, client: Any, logged: Any
) -> None:
    version = registry.register("linked", logged, {PACKAGE_TAG: "d1", "test_rmse": "3"})
    again = registry.register("linked", logged, {PACKAGE_TAG: "d2"})
    assert (version.number, again.number) == ("1", "2")
    found = client.get_model_version("linked", "1")
    assert (found.run_id, found.source) == (logged.source_run_id, logged.artifact_location)
    assert found.tags["test_rmse"] == "3"
    linked = json.loads(client.get_logged_model(logged.model_id).tags["mlflow.modelVersions"])
    assert linked == [{"name": "linked", "version": 1}, {"name": "linked", "version": 2}]


def test_an_alias_has_the_version_it_was_pointed_to(registry: Registry, client: Any, logged: Any) -> None:
    assert registry.holder("aliased", "champion") is None
    first = registry.register("aliased", logged, {PACKAGE_TAG: "d1"})
    assert registry.holder("aliased", "champion") is None
    registry.point("aliased", "champion", first.number)
    assert registry.holder("aliased", "champion") == first
    assert client.get_model_version_by_alias("aliased", "champion").version == int(first.number)


def test_a_version_is_found_by_its_package_the_latest_first(registry: Registry, logged: Any) -> None:
    for digest in ("d1", "d2", "d1"):
        registry.register("found", logged, {PACKAGE_TAG: digest})
    versions = [registry.version_of("found", digest) for digest in ("d1", "d2", "d3")]
    assert [version and version.number for version in versions] == ["3", "2", None]
    assert registry.version_of("never registered", "d1") is None


@pytest.mark.parametrize(
    "form", ["models:/{id}", "models:/fetched@champion", "models:/fetched/{number}", "runs:/{run}/model"]
)
def test_a_package_is_fetched_by_each_kind_of_address(
    registry: Registry, logged: Any, packages: dict[str, Any], rows: pd.DataFrame, tmp_path: Path, form: str
) -> None:
    number = registry.register("fetched", logged, {}).number
    registry.point("fetched", "champion", number)
    (tmp_path / "into").mkdir()
    address = form.format(id=logged.model_id, run=logged.source_run_id, number=number)
    package = registry.fetch(address, tmp_path / "into")
    assert package.is_relative_to(tmp_path / "into")
    assert package_digest(package) == package_digest(packages["binary"].folder)
    expected = Predictor.load(packages["binary"].folder).predict(rows)
    pd.testing.assert_frame_equal(Predictor.load(package).predict(rows), expected)


@pytest.mark.parametrize(
    "address", ["models:/none@champion", "models:/none/7", f"models:/m-{'0' * 32}", f"runs:/{'0' * 32}/model"]
)
def test_a_model_that_is_not_there_is_named_with_how_to_register_one(
    registry: Registry, tmp_path: Path, address: str
) -> None:
    with pytest.raises(PackageError, match=rf"has no model {address}; hpsearch promote STUDY registers one"):
        registry.fetch(address, tmp_path)


@pytest.mark.parametrize("address", ["models:/none", "models:/a/b/c", "s3://bucket/model", "runs:/abc"])
def test_an_address_of_another_kind_is_refused_with_those_there_are(
    registry: Registry, tmp_path: Path, address: str
) -> None:
    with pytest.raises(PackageError, match=r"is no address of a model; there are models:/NAME@ALIAS"):
        registry.fetch(address, tmp_path)


def test_a_model_of_another_maker_is_refused(registry: Registry, client: Any, experiment: str, tmp_path: Path) -> None:
    run = client.create_run(experiment)
    (tmp_path / "note.txt").write_text("hello")
    client.log_artifact(run.info.run_id, str(tmp_path / "note.txt"), "model")
    (tmp_path / "into").mkdir()
    with pytest.raises(PackageError, match="is no model of hpsearch: it holds no package"):
        registry.fetch(f"runs:/{run.info.run_id}/model", tmp_path / "into")


def test_an_mlflow_that_is_away_is_one_line_without_its_password(tmp_path: Path) -> None:
    registry = Registry("http://me:S3CRET@127.0.0.1:9")
    with pytest.raises(StoreError, match="does not answer as MLflow does") as told:
        registry.holder("bikes", "champion")
    assert "S3CRET" not in str(told.value)
    assert "\n" not in str(told.value)
    with pytest.raises(StoreError, match="does not answer"):
        registry.fetch("models:/bikes@champion", tmp_path)


@pytest.mark.parametrize("alias", ["", "a b", "latest", "Latest", "v1", "V12", "a/b", "a@b"])
def test_a_name_that_mlflow_takes_for_no_alias_is_refused(alias: str) -> None:
    with pytest.raises(DeliveryError, match="is no alias"):
        check_alias(alias)


def test_a_store_without_a_database_has_nothing_to_fetch(uri: str, tmp_path: Path) -> None:
    assert has_database(uri)
    assert has_database("http://127.0.0.1:9")
    assert not has_database(f"sqlite:///{tmp_path / 'mlflow.db'}")
