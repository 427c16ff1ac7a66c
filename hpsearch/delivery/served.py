"""The code MLflow runs to serve a package ("models from code"): it uses the package's own files, never hpsearch."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext


class ServedPackage(PythonModel):  # type: ignore[misc]  # mlflow has no types
    """A package as a pyfunc: the columns of the raw table in, what `Predictor.predict` returns out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the package among the model's artifacts."""
        folder = Path(context.artifacts["package"])
        spec = importlib.util.spec_from_file_location(f"predictor:{folder}", folder / "predictor.py")
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


set_model(ServedPackage())
