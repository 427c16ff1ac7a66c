"""keras-tuner, both ways: our search under its API, its spaces and projects under ours.

A program that says `import keras_tuner` says `import hpsearch.kerastuner as keras_tuner` instead: the tuners here take
what theirs take, and every other name is keras-tuner's own. docs/keras-tuner.md tells what differs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpsearch.kerastuner.oracle import OptunaOracle
    from hpsearch.kerastuner.project import Project, read_project
    from hpsearch.kerastuner.spaces import domains_of, from_keras_tuner, to_keras_tuner
    from hpsearch.kerastuner.tuner import Tuner
    from hpsearch.kerastuner.tuners import BayesianOptimization, GridSearch, Hyperband, RandomSearch

__all__ = [
    "BayesianOptimization",
    "GridSearch",
    "Hyperband",
    "OptunaOracle",
    "Project",
    "RandomSearch",
    "Tuner",
    "domains_of",
    "from_keras_tuner",
    "read_project",
    "to_keras_tuner",
]

_HOMES = {
    "BayesianOptimization": "tuners",
    "GridSearch": "tuners",
    "Hyperband": "tuners",
    "OptunaOracle": "oracle",
    "Project": "project",
    "RandomSearch": "tuners",
    "Tuner": "tuner",
    "domains_of": "spaces",
    "from_keras_tuner": "spaces",
    "read_project": "project",
    "to_keras_tuner": "spaces",
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'hpsearch.kerastuner' has no attribute '{name}'")
    from hpsearch.kerastuner.extra import require_keras_tuner

    require_keras_tuner()
    if name == "tuners":  # ours, whether or not they were used before
        return import_module("hpsearch.kerastuner.tuners")
    if name in _HOMES:
        return getattr(import_module(f"hpsearch.kerastuner.{_HOMES[name]}"), name)
    import keras_tuner

    if not hasattr(keras_tuner, name):
        raise AttributeError(f"neither 'hpsearch.kerastuner' nor 'keras_tuner' has an attribute '{name}'")
    return getattr(keras_tuner, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
