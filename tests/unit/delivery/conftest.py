"""A small net of each task with a preparation made by hand, as packages that all tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import expit, softmax

from hpsearch.data.dataset import Signature
from hpsearch.delivery.package import write_package
from hpsearch.metrics import LOSSES, TaskType

CONFIGURATION = {
    "hidden_layers": 2, "neurons_1": 8, "neurons_2": 5, "activation": "tanh", "optimizer": "adam", "dropout": 0.2,
    "learning_rate": 1e-3, "batch_size": 16, "epochs": 5, "l2": 1e-4,
}  # fmt: skip

# Missing cells, a season and a code that training never saw.
ROWS = pd.DataFrame({
    "temp": [9.0, np.nan, 17.0, 13.0],
    "season": ["fall", "spring", None, "dry"],
    "code": ["007", "7", None, "12"],
    "day": ["2011-05-01", None, "2012-01-31", "2013-06-15"],
})  # fmt: skip

# The same rows prepared by hand: temp, season=fall, season=spring, season=(other), season=(missing), code=007, code=12,
# code=(other), day.year; the preparation's numbers are chosen so that every input is exact.
INPUTS = np.array([
    [-1.0, 1, 0, 0, 0, 1, 0, 0, -1.0],
    [0.5, 0, 1, 0, 0, 0, 0, 1, 0.0],
    [1.0, 0, 0, 0, 1, 0, 0, 1, 0.0],
    [0.0, 0, 0, 1, 0, 0, 1, 0, 1.0],
], dtype=np.float32)  # fmt: skip

CLASS_NAMES: dict[TaskType, tuple[str, ...]] = {
    "regression": (),
    "binary": ("no", "yes"),
    "multiclass": ("high", "low", "so so"),
}
TASKS = tuple(CLASS_NAMES)


@dataclass(frozen=True)
class Made:
    """A package and what it was made of."""

    folder: Path
    model: Any
    preparation: dict[str, Any]
    signature: Signature

    @property
    def task(self) -> TaskType:
        return self.signature.task


def _preparation(task: TaskType) -> dict[str, Any]:
    numeric = {"fill": 15.0, "scaling": {"kind": "affine", "center": 13.0, "scale": 4.0}}
    year = {"part": "year", "fill": 2012.0, "scaling": {"kind": "affine", "center": 2012.0, "scale": 1.0}}
    seasons = {
        "slots": ["fall", "spring", "(other)", "(missing)"],
        "index": {"fall": 0, "spring": 1},
        "other": 2,
        "missing": 3,
    }
    codes = {"slots": ["007", "12", "(other)"], "index": {"007": 0, "12": 1}, "other": 2, "missing": None}
    scale = {"center": 189.5, "scale": 181.25} if task == "regression" else {"center": 0.0, "scale": 1.0}
    return {
        "format": 1,
        "features": [
            "temp", "season=fall", "season=spring", "season=(other)", "season=(missing)",
            "code=007", "code=12", "code=(other)", "day.year",
        ],
        "na_values": ["?"],
        "columns": [
            {"name": "temp", "kind": "numeric", **numeric},
            {"name": "season", "kind": "categorical", **seasons},
            {"name": "code", "kind": "categorical", **codes},
            {"name": "day", "kind": "date", "parts": [year]},
        ],
        "target": {"name": "cnt", "task": task, "class_names": list(CLASS_NAMES[task]), **scale},
    }  # fmt: skip


def _signature(task: TaskType) -> Signature:
    features = tuple(_preparation(task)["features"])
    return Signature(task, len(features), features, tuple(ROWS.columns), "cnt", CLASS_NAMES[task])


def _model(task: TaskType, seed: int) -> Any:
    from hpsearch.model import build_model
    from hpsearch.training.quiet import import_keras

    import_keras()
    model = build_model(CONFIGURATION, _signature(task), seed, LOSSES[task][0])
    # Biases start at zero; a lost one would not be noticed.
    rng = np.random.default_rng(seed)
    model.set_weights([weights + rng.normal(size=weights.shape).astype(np.float32) for weights in model.get_weights()])
    return model


def _make(folder: Path, task: TaskType, seed: int) -> Made:
    model, preparation, signature = _model(task, seed), _preparation(task), _signature(task)
    write_package(
        folder,
        model=model,
        preparation=preparation,
        signature=signature,
        metadata={"study": "bikes", "trial": 7, "metrics": {"val_rmse": 41.5}},
        configuration=CONFIGURATION,
    )
    return Made(folder, model, preparation, signature)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[TaskType, Made]:
    """One package for each task; tests must not change them (`shutil.copytree` first)."""
    root = tmp_path_factory.mktemp("packages")
    return {task: _make(root / task, task, 0) for task in TASKS}


@pytest.fixture(params=TASKS)
def made(request: pytest.FixtureRequest, packages: dict[TaskType, Made]) -> Made:
    """Each task's package in turn."""
    return packages[request.param]


@pytest.fixture(scope="session")
def make_package() -> Callable[[Path, TaskType, int], Made]:
    """Write a package of a task, its net's weights drawn from a seed."""
    return _make


@pytest.fixture
def rows() -> pd.DataFrame:
    return ROWS.copy()


@pytest.fixture
def outputs(made: Made) -> NDArray[np.float64]:
    """What the net must say to `rows`, computed from its weights with NumPy and SciPy alone, in float64."""
    weights, x = made.model.get_weights(), INPUTS.astype(np.float64)
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = np.tanh(x @ kernel + bias)
    x = x @ weights[-2] + weights[-1]
    return {"regression": lambda z: z, "binary": expit, "multiclass": lambda z: softmax(z, axis=1)}[made.task](x)
