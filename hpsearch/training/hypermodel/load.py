"""A hypermodel out of a person's file. The file is run: it is trusted as the person who names it is."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hpsearch.data.dataset import Signature
from hpsearch.errors import HypermodelError, StudyChanged, suggestion
from hpsearch.training.quiet import import_keras
from hpsearch.training.trainer import Hypermodel

if TYPE_CHECKING:
    import keras_tuner

INSTALL = 'pip install "hpsearch[keras-tuner]"'


def has_keras_tuner() -> bool:
    """Tell whether keras-tuner is installed, without importing it."""
    return importlib.util.find_spec("keras_tuner") is not None


def digest_of(path: Path) -> str:
    """Return the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_hypermodel(where: Hypermodel, signature: Signature) -> keras_tuner.HyperModel:
    """Run the file and return its hypermodel: an instance, an object of a class, or a function as keras-tuner wraps it.

    A class or function that has parameters `inputs`, `outputs` or `task` is given those of the data. Raises
    StudyChanged where the file is no longer the one that the study began with, HypermodelError where it names none.
    """
    import_keras()
    import keras_tuner
    from keras_tuner.src.engine.hypermodel import get_hypermodel

    if where.digest and digest_of(where.path) != where.digest:
        raise StudyChanged(f"{where.path.name} is not the file that the study began with; put it back")
    module = _run(where.path)
    found = getattr(module, where.name, None)
    if found is None:
        known = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise HypermodelError(f"{where.path.name} has no '{where.name}'{suggestion(where.name, known)}")
    facts = {"inputs": signature.inputs, "outputs": signature.outputs, "task": signature.task}
    if isinstance(found, type):
        if not issubclass(found, keras_tuner.HyperModel):
            raise HypermodelError(f"{where.name} is a class, but no keras_tuner.HyperModel; derive it from that")
        return found(**_taken(found, facts))
    if isinstance(found, keras_tuner.HyperModel):
        return found
    if not callable(found):
        raise HypermodelError(f"{where.name} is neither a HyperModel nor a function build(hp); name one")
    given = _taken(found, facts)
    return get_hypermodel((lambda hp: found(hp, **given)) if given else found)


def _run(path: Path) -> ModuleType:
    # Another content is another module: a notebook's process may outlive several.
    name = f"hpsearch_hypermodel_{hashlib.sha256(f'{path} {digest_of(path)}'.encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # what lies beside it may be imported, and stands in for no library
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _taken(found: Any, facts: dict[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(found).parameters
    return {name: value for name, value in facts.items() if name in parameters}
