"""A model package as an MLflow model: a pyfunc that takes raw rows, made from code, without pickle."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from hpsearch.delivery.manifest import MANIFEST, file_digest
from hpsearch.delivery.package import FILES, REQUIREMENTS
from hpsearch.delivery.predictor import read_json, verify_package
from hpsearch.tracking.silence import import_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import Model, ModelSignature

_EXAMPLE_ROWS = 3

PACKAGE_TAG = "hpsearch.package"
"""Tag of a logged model and of a registered version: `package_digest`."""


def log_package(
    client_or_uri: MlflowClient | str, run_id: str, package: Path, example: pd.DataFrame, name: str = "model"
) -> str:
    """Log a package as a model of a run and return its address, `models:/m-...`.

    example: some raw rows, of which three become the model's input example. Neither an active run nor the tracking
    address of the process is touched. Takes 0.05 s once MLflow is imported, and loads no TensorFlow. Raises
    PackageError for a damaged package.
    """
    # MLflow copies the package with a progress bar for its nine files.
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import_mlflow()
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    verify_package(package)
    about = read_json(package / "package.json")
    client = MlflowClient(tracking_uri=client_or_uri) if isinstance(client_or_uri, str) else client_or_uri
    run = client.get_run(run_id)
    logged = client.create_logged_model(
        run.info.experiment_id, name, source_run_id=run_id, params=_texts(about["configuration"]),
        tags={
            "hpsearch.task": about["task"], "hpsearch.target": about["target"], PACKAGE_TAG: package_digest(package),
        },
    )  # fmt: skip
    model = Model(
        artifact_path=logged.artifact_location, run_id=run_id, model_id=logged.model_id, model_uuid=logged.model_id
    )
    try:
        with tempfile.TemporaryDirectory() as aside:
            folder = save_model(Path(aside) / "model", package, example, model)
            client.log_model_artifacts(logged.model_id, str(folder))
    except BaseException:
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.FAILED)
        raise
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    return f"models:/{logged.model_id}"


def save_model(folder: Path, package: Path, example: pd.DataFrame | None = None, model: Model | None = None) -> Path:
    """Write a package as an MLflow model into a folder, and return that. example, model: see `log_package`."""
    about = read_json(package / "package.json")
    with tempfile.TemporaryDirectory() as aside, warnings.catch_warnings():
        # MLflow warns of its own type hints when imported, and trips over what pandas deprecates.
        warnings.simplefilter("ignore")
        import_mlflow()
        import mlflow.pyfunc

        copy = Path(aside) / "package"
        copy.mkdir()
        for file in FILES:
            shutil.copyfile(package / file, copy / file)
        mlflow.pyfunc.save_model(
            path=str(folder),
            mlflow_model=model,
            python_model=str(Path(__file__).with_name("served.py")),
            artifacts={"package": str(copy)},
            signature=_signature(about),
            input_example=None if example is None else example[about["columns"]].head(_EXAMPLE_ROWS),
            pip_requirements=[f"{name}=={version(name)}" for name in (*REQUIREMENTS, "mlflow")],
            # What `served.py` holds the package to before it runs any of its code.
            model_config={"manifest": package_digest(copy)},
            metadata={"task": about["task"], "target": about["target"], "class_names": about["class_names"]},
        )
    # MLflow copies `served.py` with the mode it is installed with.
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return folder


def package_digest(package: Path) -> str:
    """Return what tells a package from every other: 64 hex digits of its manifest, which names each file's content."""
    return file_digest(package / MANIFEST)


def _signature(about: dict[str, Any]) -> ModelSignature:
    """Name the raw columns; their cells may be anything that the preparation reads.

    A stricter type would refuse rows that can be predicted: MLflow's double takes no int64 (a column of temperatures
    that happen to be whole), its long no empty cell, its string no column that is empty in all the rows at hand.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    inputs = [ColSpec(AnyType(), name, required=True) for name in about["columns"]]
    regression = about["task"] == "regression"
    probabilities = [ColSpec("double", f"probability_{label}") for label in about["class_names"]]
    outputs = [ColSpec("double" if regression else "string", "prediction"), *probabilities]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
