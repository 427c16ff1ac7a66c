"""The code MLflow runs to serve a package ("models from code"): it uses the package's own files, never hpsearch.

The model's configuration names the digest of the package's manifest: none of its code runs before each file is what it
was when the model was made. (Whoever can change this file or MLmodel too, MLflow obeys: that is what they are for.)
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext


class FromSource(SourceFileLoader):
    """Runs what stands in the file, never what `__pycache__` says of it."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the source anew."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class ServedPackage(PythonModel):  # type: ignore[misc]  # mlflow has no types
    """A package as a pyfunc: the columns of the raw table in, what `Predictor.predict` returns out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the package among the model's artifacts."""
        folder = Path(context.artifacts["package"])
        refuse_changed(folder, str((context.model_config or {}).get("manifest")))
        name, path = f"predictor:{folder}", folder / "predictor.py"
        spec = importlib.util.spec_from_file_location(name, path, loader=FromSource(name, str(path)))
        if spec is None or spec.loader is None:
            raise ImportError(f"{folder / 'predictor.py'} cannot be loaded")
        code = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = code
        spec.loader.exec_module(code)
        self.predictor: Any = code.Predictor.load(folder)

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return the predictions for raw rows; what is wrong with them becomes the text of a client's error."""
        try:
            frame: pd.DataFrame = self.predictor.predict(model_input)
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        return frame


def refuse_changed(folder: Path, expected: str) -> None:
    """Raise unless the package's manifest has this sha256, and its files those that it names."""
    digests = {"MANIFEST.json": expected}
    try:
        _check(folder, digests)
        _check(folder, json.loads((folder / "MANIFEST.json").read_bytes())["files"])
    except OSError as error:
        raise ValueError(f"{folder} is no whole model package: {error}; log the model again") from None


def _check(folder: Path, digests: dict[str, str]) -> None:
    for name, expected in digests.items():
        got = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if got != expected:
            raise ValueError(
                f"{folder} is not the package that was logged: {name}: sha256 expected {expected[:16]}…, "
                f"got {got[:16]}…; log the model again"
            )


set_model(ServedPackage())
