"""keras-tuner is an extra: whoever needs it is told how to get it where it is not there."""

from __future__ import annotations

from importlib.util import find_spec

from hpsearch.errors import MissingExtra
from hpsearch.training.hypermodel.load import INSTALL


def require_keras_tuner() -> None:
    """Raise MissingExtra unless keras-tuner and what it needs are installed.

    keras-tuner 1.4.8 imports tensorboard in each trial without asking for it, and TensorFlow 2.21 no longer brings it.
    """
    missing = [module for module in ("keras_tuner", "tensorboard") if find_spec(module) is None]
    if missing:
        what = " and ".join(name.replace("_", "-") for name in missing)
        raise MissingExtra(f"hpsearch.kerastuner needs {what}; install with: {INSTALL}")
