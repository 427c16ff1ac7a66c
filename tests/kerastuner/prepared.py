"""Prepared data of each task, made once a process, and where the tests' hypermodels are."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import prepare_dataset
from hpsearch.spec import make_spec

FILE = Path(__file__).parent / "hypermodels.py"
_NAMES = {"regression": "diabetes", "binary": "breast_cancer", "multiclass": "iris"}
_cache = tempfile.TemporaryDirectory(prefix="hpsearch-test-")


@functools.cache
def prepared(task: str) -> Dataset:
    """Return the data set of a task."""
    return prepare_dataset(make_spec({"data": {"sklearn": _NAMES[task]}}), Path(_cache.name))
