"""The study's spec with what its hypermodel searches, which only a run of the hypermodel can tell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hpsearch.data.dataset import Dataset
from hpsearch.delivery.archive import part_faults
from hpsearch.errors import Fault, HypermodelError, SpecError, StudyChanged
from hpsearch.search.folder import StudyFolder
from hpsearch.search.settings import hypermodel_of
from hpsearch.spec import StudySpec
from hpsearch.training.hypermodel.load import INSTALL, digest_of, has_keras_tuner
from hpsearch.training.trainer import Hypermodel

LIMIT = 600.0
"""Seconds that a discovery may take; an ordinary one takes ten, most of them TensorFlow's start."""


def discovered(spec: StudySpec, data: Dataset, folder: StudyFolder | None = None) -> StudySpec:
    """Return the spec with the digest of its hypermodel's file and the parameters found in its builds.

    A table's study is returned as it is. The file is run in a process of its own. folder: of a study that may have been
    begun; what was found then is taken, where file and data are the same. Raises SpecError where the file or
    keras-tuner is missing, HypermodelError where the hypermodel is none that a study can search.
    """
    where = hypermodel_of(spec)
    if where is None or spec.model is None:
        return spec
    if not has_keras_tuner():
        raise _fault(spec, f"hypermodels need keras-tuner; install it: {INSTALL}")
    try:
        digest = digest_of(where.path)
    except OSError as error:
        raise _fault(spec, f"{where.path} cannot be read: {error.strerror or error}; name a file") from None
    parameters = _known(spec, digest, data, folder)
    if parameters is None:
        parameters = _run(spec, where, data)
    found = {"digest": digest, "parameters": parameters}
    return spec.model_copy(update={"model": spec.model.model_copy(update=found)})


def require_unchanged(spec: StudySpec) -> None:
    """Raise StudyChanged where the file of a known study's hypermodel is not the one it began with."""
    where = hypermodel_of(spec)
    if where is not None and (not where.path.exists() or digest_of(where.path) != where.digest):
        raise StudyChanged(
            f"{where.path} is not the file that '{spec.name}' began with; put it back, or start afresh with --new"
        )


def _known(spec: StudySpec, digest: str, data: Dataset, folder: StudyFolder | None) -> list[dict[str, Any]] | None:
    """Return what was found when the study began; None where that may not hold any more."""
    if folder is None or not folder.exists() or spec.model is None:
        return None
    file = folder.read()
    known = file.spec.get("model") or {}
    same = (known.get("hypermodel"), known.get("digest")) == (spec.model.hypermodel, digest)
    found: list[dict[str, Any]] | None = known.get("parameters") if same else None
    return found if file.info.data_digest == data.digest else None


def _run(spec: StudySpec, where: Hypermodel, data: Dataset) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="hpsearch-") as place:
        answer, log = Path(place) / "answer.json", Path(place) / "log"
        ending = _discover(where, data, answer, log)
        found: dict[str, Any] = json.loads(answer.read_text()) if answer.exists() else {}
        lines = log.read_text(errors="replace").strip().splitlines()
    if not found:
        last = f"; its last words: {lines[-1][:200]}" if lines else ""
        raise HypermodelError(f"{_name(spec)}: its process {ending} while it was asked for its parameters{last}")
    if "error" in found:
        raise HypermodelError(f"{_name(spec)}: {found['error']}")
    if faults := _layer_faults(found["layers"]):
        raise HypermodelError(
            f"{_name(spec)}: a package cannot hold {', '.join(faults)}; build the net of Keras's own layers for tables "
            "(no Lambda, no class or function of your own)"
        )
    parameters: list[dict[str, Any]] = found["parameters"]
    return parameters


def _discover(where: Hypermodel, data: Dataset, answer: Path, log: Path) -> str:
    """Run the child to its end; return how it ended."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    program = [sys.executable, "-P", "-m", "hpsearch.training.hypermodel.discover"]
    with log.open("wb") as output:
        child = subprocess.Popen(  # noqa: S603  no shell, and the program is ours
            [*program, str(where.path), where.name, str(data.folder), str(answer)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=environment,
        )  # fmt: skip
        try:
            status = child.wait(LIMIT)
        except subprocess.TimeoutExpired:
            return f"did not end within {LIMIT:.0f} s and was killed"
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    return f"died of {signal.Signals(-status).name}" if status < 0 else f"ended (exit code {status})"


def _layer_faults(layers: list[dict[str, Any]]) -> list[str]:
    own = {"function": "a function of your own", "__lambda__": "a lambda"}
    return [
        own.get(part["class_name"], part["class_name"]) + (f" (layer '{part['layer']}')" if part["layer"] else "")
        for part in layers
        if part_faults([part])
    ]


def _name(spec: StudySpec) -> str:
    assert spec.model is not None
    return f"hypermodel {spec.model.hypermodel}"


def _fault(spec: StudySpec, message: str) -> SpecError:
    return SpecError([Fault("model.hypermodel", message)], spec.name)
