"""Prepared data of each task, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import prepare_dataset
from hpsearch.spec import make_spec

FILE = Path(__file__).parent / "hypermodels.py"


@pytest.fixture(scope="session")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    cache = tmp_path_factory.mktemp("prepared")
    names = {"regression": "diabetes", "binary": "breast_cancer", "multiclass": "iris"}
    given: dict[str, Any] = {task: {"data": {"sklearn": name}} for task, name in names.items()}
    return {task: prepare_dataset(make_spec(values), cache) for task, values in given.items()}
