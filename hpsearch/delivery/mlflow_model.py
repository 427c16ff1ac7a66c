"""A model package as an MLflow model: a pyfunc that takes raw rows, made from code, without pickle."""

from __future__ import annotations

import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from hpsearch.delivery.package import REQUIREMENTS
from hpsearch.delivery.predictor import read_json, verify_package
from hpsearch.tracking.silence import import_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel
    from mlflow.models import ModelSignature

_EXAMPLE_ROWS = 3


def log_package(
    client_or_uri: MlflowClient | str, run_id: str, package: Path, example: pd.DataFrame, name: str = "model"
) -> str:
    """Log a package as a model of a run and return its address, `models:/m-...`.

    example: some raw rows; their types become the model's signature, three of them its input example. Neither an
    active run nor the tracking address of the process is touched. Takes about 0.5 s and loads no TensorFlow. Raises
    PackageError for a damaged package.
    """
    # MLflow copies the package with a progress bar for its nine files.
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import_mlflow()
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    verify_package(package)
    about = read_json(package / "package.json")
    client = MlflowClient(tracking_uri=client_or_uri) if isinstance(client_or_uri, str) else client_or_uri
    run = client.get_run(run_id)
    logged = client.create_logged_model(
        run.info.experiment_id, name, source_run_id=run_id, params=_texts(about["configuration"]),
        tags={"hpsearch.task": about["task"], "hpsearch.target": about["target"]},
    )  # fmt: skip
    try:
        with tempfile.TemporaryDirectory() as aside:
            folder = Path(aside) / "model"
            _save(folder, package, about, example, logged)
            client.log_model_artifacts(logged.model_id, str(folder))
    except BaseException:
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.FAILED)
        raise
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    return f"models:/{logged.model_id}"


def _save(folder: Path, package: Path, about: dict[str, Any], example: pd.DataFrame, logged: LoggedModel) -> None:
    import mlflow.pyfunc
    from mlflow.models import Model

    rows = _without_integers(example[about["columns"]])
    mlflow.pyfunc.save_model(
        path=str(folder),
        mlflow_model=Model(
            artifact_path=logged.artifact_location,
            run_id=logged.source_run_id,
            model_id=logged.model_id,
            model_uuid=logged.model_id,
        ),
        python_model=str(Path(__file__).with_name("served.py")),
        artifacts={"package": str(package)},
        signature=_signature(rows, about),
        input_example=rows.head(_EXAMPLE_ROWS),
        pip_requirements=[f"{name}=={version(name)}" for name in (*REQUIREMENTS, "mlflow")],
        metadata={"task": about["task"], "target": about["target"], "class_names": about["class_names"]},
    )


def _signature(rows: pd.DataFrame, about: dict[str, Any]) -> ModelSignature:
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types import ColSpec, Schema

    # MLflow makes a column optional whose sample has gaps; here a cell may be empty, a column may not be absent.
    inputs = [ColSpec(column.type, column.name, required=True) for column in infer_signature(rows).inputs]
    regression = about["task"] == "regression"
    probabilities = [ColSpec("double", f"probability_{label}") for label in about["class_names"]]
    outputs = [ColSpec("double" if regression else "string", "prediction"), *probabilities]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def _without_integers(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with integer columns as float64: an integer column of a signature refuses an empty cell."""
    integers = [name for name in rows.columns if pd.api.types.is_integer_dtype(rows[name].dtype)]
    return rows.astype(dict.fromkeys(integers, "float64"))


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
