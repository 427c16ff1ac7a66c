"""Hyperparameter search for dense neural networks in Keras.

Every name here is imported when it is first used, so that `import hpsearch` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpsearch.app.compare import compare
    from hpsearch.app.results import StudyResult, load, studies
    from hpsearch.app.run import run
    from hpsearch.app.verify import verify
    from hpsearch.errors import HpsearchError
    from hpsearch.space.space import Configuration, Space
    from hpsearch.spec import StudySpec, load_spec, make_spec

__version__ = "0.1.0"

__all__ = [
    "Configuration",
    "HpsearchError",
    "Space",
    "StudyResult",
    "StudySpec",
    "compare",
    "load",
    "load_spec",
    "make_spec",
    "run",
    "studies",
    "verify",
]

_HOMES = {
    "Configuration": "hpsearch.space.space",
    "HpsearchError": "hpsearch.errors",
    "Space": "hpsearch.space.space",
    "StudyResult": "hpsearch.app.results",
    "StudySpec": "hpsearch.spec",
    "compare": "hpsearch.app.compare",
    "load": "hpsearch.app.results",
    "load_spec": "hpsearch.spec",
    "make_spec": "hpsearch.spec",
    "run": "hpsearch.app.run",
    "studies": "hpsearch.app.results",
    "verify": "hpsearch.app.verify",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hpsearch' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
