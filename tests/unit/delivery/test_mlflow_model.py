"""Logged packages, read back through MLflow's own client and loader."""

import pickle
import pickletools
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpsearch.delivery.mlflow_model import log_package, save_model
from hpsearch.delivery.predictor import Predictor
from hpsearch.errors import PackageError
from hpsearch.tracking.silence import import_mlflow


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an MLflow database."""
    import_mlflow()
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("store")
    MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}").search_experiments()
    return folder


@pytest.fixture
def client(store: Path) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{store / 'mlflow.db'}")


@pytest.fixture
def run_id(client: Any, store: Path, request: pytest.FixtureRequest) -> str:
    experiment = client.create_experiment(request.node.name, artifact_location=str(store / "artifacts"))
    return str(client.create_run(experiment).info.run_id)


@pytest.fixture
def tracked(store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Loading by a models:/ address needs the process's tracking address, and pickles are refused while it is set."""
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    mlflow.set_tracking_uri(f"sqlite:///{store / 'mlflow.db'}")
    yield
    mlflow.set_tracking_uri("")  # out of the environment too, where MLflow puts it


@pytest.mark.usefixtures("tracked")
def test_the_pyfunc_predicts_as_the_package_on_raw_rows_with_gaps(
    made: Any, rows: pd.DataFrame, client: Any, run_id: str, tmp_path: Path
) -> None:
    import mlflow

    package = Path(shutil.copytree(made.folder, tmp_path / "a name"))
    uri = log_package(client, run_id, package, rows)
    shutil.rmtree(package)
    served = mlflow.pyfunc.load_model(uri)
    expected = Predictor.load(made.folder).predict(rows)
    predicted = served.predict(rows[["day", "temp", "code", "season"]])
    pd.testing.assert_frame_equal(predicted, expected, rtol=0, atol=1e-6)


def test_the_run_names_the_model_as_its_output(
    packages: dict[str, Any], rows: pd.DataFrame, client: Any, run_id: str
) -> None:
    uri = log_package(client, run_id, packages["regression"].folder, rows, name="best")
    (output,) = client.get_run(run_id).outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert uri == f"models:/{output.model_id}"
    assert (logged.name, logged.source_run_id, logged.status.name) == ("best", run_id, "READY")
    assert logged.params["neurons_1"] == "8"


def test_an_address_does_as_well_as_a_client(
    packages: dict[str, Any], rows: pd.DataFrame, store: Path, client: Any, run_id: str
) -> None:
    log_package(f"sqlite:///{store / 'mlflow.db'}", run_id, packages["regression"].folder, rows)
    assert len(client.get_run(run_id).outputs.model_outputs) == 1


@pytest.mark.usefixtures("tracked")
def test_the_signature_names_the_raw_columns_and_what_comes_out(
    packages: dict[str, Any], rows: pd.DataFrame, client: Any, run_id: str
) -> None:
    import mlflow

    signature = mlflow.models.get_model_info(log_package(client, run_id, packages["multiclass"].folder, rows)).signature
    assert [(column.name, column.required) for column in signature.inputs] == [
        ("temp", True), ("season", True), ("code", True), ("day", True),
    ]  # fmt: skip
    assert [(column.name, column.type.name) for column in signature.outputs] == [
        ("prediction", "string"),
        ("probability_high", "double"),
        ("probability_low", "double"),
        ("probability_so so", "double"),
    ]


@pytest.mark.usefixtures("tracked")
@pytest.mark.parametrize(
    "cells",
    [
        {"temp": [9, 11, 17, 13]},
        {"temp": ["9", "", None, "13.5"]},
        {"temp": pd.array([9, None, 17, 13], dtype="Int64")},
        {"season": [None, None, None, None], "temp": [np.nan] * 4},
        {"code": [7, 12, 12, 7]},
        {"season": pd.Categorical(["fall", None, "spring", "dry"])},
        {"day": pd.to_datetime(["2011-05-01", None, "2012-01-31", "2013-06-15"])},
    ],
)
def test_rows_are_taken_in_whatever_type_pandas_gives_them(
    packages: dict[str, Any], rows: pd.DataFrame, client: Any, run_id: str, cells: dict[str, Any]
) -> None:
    import mlflow

    made = packages["regression"]
    given = rows.assign(**cells)
    served = mlflow.pyfunc.load_model(log_package(client, run_id, made.folder, given))
    expected = Predictor.load(made.folder).predict(given)
    pd.testing.assert_frame_equal(served.predict(given), expected, rtol=0, atol=1e-6)


@pytest.mark.usefixtures("tracked")
def test_a_missing_column_is_refused_by_name(
    packages: dict[str, Any], rows: pd.DataFrame, client: Any, run_id: str
) -> None:
    import mlflow

    model = mlflow.pyfunc.load_model(log_package(client, run_id, packages["regression"].folder, rows))
    with pytest.raises(mlflow.MlflowException, match=r"missing inputs.*'season'"):
        model.predict(rows.drop(columns="season"))


@pytest.mark.usefixtures("tracked")
def test_a_cell_that_cannot_be_read_is_a_clients_error_with_row_and_column(
    packages: dict[str, Any], rows: pd.DataFrame, client: Any, run_id: str
) -> None:
    import mlflow

    model = mlflow.pyfunc.load_model(log_package(client, run_id, packages["regression"].folder, rows))
    with pytest.raises(mlflow.MlflowException, match="row 1, column 'temp': 'warm'") as caught:
        model.predict(rows.assign(temp="warm"))
    assert caught.value.get_http_status_code() == 400


@pytest.mark.usefixtures("tracked")
def test_the_model_brings_an_example_and_pinned_requirements_and_no_pickle(
    packages: dict[str, Any], rows: pd.DataFrame, client: Any, run_id: str
) -> None:
    import mlflow

    uri = log_package(client, run_id, packages["regression"].folder, rows)
    folder = Path(mlflow.artifacts.download_artifacts(uri))
    requirements = (folder / "requirements.txt").read_text().split()
    assert [line.split("==")[0] for line in requirements] == ["keras", "tensorflow", "numpy", "pandas", "mlflow"]
    assert not [path for path in folder.rglob("*") if path.suffix in (".pkl", ".pickle", ".pyc")]
    assert len(mlflow.pyfunc.load_model(uri).input_example) == 3
    assert "hpsearch" not in (folder / "served.py").read_text().replace("never hpsearch", "")


def test_no_file_of_the_model_is_a_pickle_whatever_its_name(packages: dict[str, Any], tmp_path: Path) -> None:
    files = [
        path for path in save_model(tmp_path / "model", packages["regression"].folder).rglob("*") if path.is_file()
    ]
    contents = {path.name: path.read_bytes() for path in files}
    with zipfile.ZipFile(tmp_path / "model" / "artifacts" / "package" / "model.keras") as archive:
        contents |= {name: archive.read(name) for name in archive.namelist()}
    assert len(contents) > 15
    assert [name for name, content in contents.items() if is_pickle(content)] == []
    assert is_pickle(pickle.dumps(contents))


def is_pickle(content: bytes) -> bool:
    """Tell whether pickletools can walk a content from opcode to opcode to its end, whatever the protocol."""
    try:
        return bool(list(pickletools.genops(content)))
    except ValueError:
        return False


def test_a_file_that_was_changed_is_refused_before_anything_is_loaded(packages: dict[str, Any], tmp_path: Path) -> None:
    import mlflow

    folder = save_model(tmp_path / "model", packages["regression"].folder)
    changed = folder / "artifacts" / "package" / "model.keras"
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=r"model\.keras: sha256 expected"):
        mlflow.pyfunc.load_model(str(folder))


def test_logging_prints_nothing_and_leaves_no_active_run(
    packages: dict[str, Any], rows: pd.DataFrame, client: Any, run_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    import mlflow

    before = mlflow.get_tracking_uri()
    capfd.readouterr()
    log_package(client, run_id, packages["regression"].folder, rows)
    assert capfd.readouterr() == ("", "")
    assert mlflow.active_run() is None
    assert mlflow.get_tracking_uri() == before


def test_a_damaged_package_is_refused_before_anything_is_logged(
    packages: dict[str, Any], rows: pd.DataFrame, client: Any, run_id: str, tmp_path: Path
) -> None:
    package = Path(shutil.copytree(packages["regression"].folder, tmp_path / "package"))
    (package / "model.keras").write_bytes(b"")
    with pytest.raises(PackageError, match=r"model.keras: sha256 expected"):
        log_package(client, run_id, package, rows)
    assert client.get_run(run_id).outputs is None or not client.get_run(run_id).outputs.model_outputs


def test_a_model_that_could_not_be_saved_is_marked_as_failed(
    packages: dict[str, Any], rows: pd.DataFrame, client: Any, run_id: str
) -> None:
    with pytest.raises(KeyError, match="season"):
        log_package(client, run_id, packages["regression"].folder, rows.drop(columns="season"))
    experiment = client.get_run(run_id).info.experiment_id
    assert [model.status.name for model in client.search_logged_models([experiment])] == ["FAILED"]
