"""What the tests that call keras-tuner share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import keras_tuner  # noqa: F401  loads TensorFlow, the most of what is frozen
import pytest


@pytest.fixture(scope="package", autouse=True)
def _little_to_collect() -> Iterator[None]:
    """keras-tuner collects garbage in each trial; without what stays anyway, a program takes half the time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
