"""The model package: everything that turns raw rows into predictions, in one folder, without pickle.

model.keras            the net, for inference
preparation.json       how raw rows become its inputs
package.json           task, target, columns, classes, threshold, configuration, metadata, versions
configuration.yaml     the configuration, for a person
predictor.py ...       the code that uses them, without hpsearch (`predictor.CARRIED`)
MANIFEST.json          sha256 of each file, written last
"""

from __future__ import annotations

import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from hpsearch.data import formula, transform
from hpsearch.data.dataset import Signature
from hpsearch.delivery import archive, manifest, predictor, weights
from hpsearch.delivery.predictor import CARRIED, SCHEMA, Predictor, verify_package
from hpsearch.delivery.publish import built_aside
from hpsearch.errors import PackageError
from hpsearch.space.space import Configuration
from hpsearch.training import quiet

if TYPE_CHECKING:
    import keras

__all__ = ["FILES", "REQUIREMENTS", "verify_package", "with_own_code", "write_package"]

FILES = (
    "model.keras", "preparation.json", "package.json", "configuration.yaml", *(f"{name}.py" for name in CARRIED),
    manifest.MANIFEST,
)  # fmt: skip
"""What a package folder holds."""

REQUIREMENTS = ("keras", "tensorflow", "numpy", "pandas")
"""The distributions a package needs to predict."""


def write_package(
    folder: Path,
    *,
    model: keras.Model,
    preparation: dict[str, Any],
    signature: Signature,
    metadata: dict[str, Any],
    configuration: Configuration,
    threshold: float = 0.5,
) -> Path:
    """Write a package and return its folder, which appears whole or not at all.

    The package is built beside `folder`, loaded again, and its outputs compared with the model's, before it takes the
    place of an earlier package there. metadata: plain JSON values (study, uid, trial, objective, value, metrics,
    data_digest, ...). threshold: of two classes, the probability above which the second is predicted. Raises
    PackageError where the folder cannot be written, holds other things than a package, the net has parts that no
    package may hold, or the net that is read back is not the one given.
    """
    if faults := archive.net_faults(model.to_json()):
        raise PackageError(
            f"a package cannot hold the net: {'; '.join(faults)}. It holds Keras's own layers for tables; the trials "
            "and their results are kept"
        )
    about = {
        "schema": SCHEMA,
        "task": signature.task,
        "target": signature.target,
        "columns": [column["name"] for column in preparation["columns"]],
        "class_names": list(signature.class_names),
        "threshold": threshold if signature.task == "binary" else None,
        "inputs": signature.inputs,
        "configuration": dict(configuration),
        "metadata": metadata,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in REQUIREMENTS},
    }
    with built_aside(folder, FILES) as building:
        # The clone has no optimizer: its state would triple the file, and naming it would widen what may be loaded.
        clone = model.__class__.from_config(model.get_config())
        clone.set_weights(model.get_weights())
        clone.save(building / "model.keras")
        _write_json(building / "preparation.json", preparation)
        _write_json(building / "package.json", about)
        (building / "configuration.yaml").write_text(_yaml(configuration, metadata), encoding="utf-8")
        _write_code(building)
        manifest.write_manifest(building)
        _check(building, model, signature.inputs)
    return folder


def with_own_code(folder: Path, package: Path) -> Path:
    """Copy what a package knows into a new folder, with the code of this hpsearch in the place of its own.

    A manifest vouches for what was written, not for who wrote it: of a package from elsewhere no code is to run.
    """
    folder.mkdir()
    code = {f"{name}.py" for name in CARRIED}
    for name in (name for name in FILES if name not in {*code, manifest.MANIFEST}):
        shutil.copyfile(package / name, folder / name)
    _write_code(folder)
    manifest.write_manifest(folder)
    return folder


def _write_code(folder: Path) -> None:
    for module in (predictor, transform, archive, weights, manifest, quiet, formula):
        shutil.copyfile(str(module.__file__), folder / Path(str(module.__file__)).name)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _yaml(configuration: Configuration, metadata: dict[str, Any]) -> str:
    where = f"of trial {metadata['trial']}" if "trial" in metadata else ""
    head = f"# The configuration {where}: `start_with` of a study file takes it as it stands.\n"
    return head + yaml.safe_dump(dict(configuration), sort_keys=False)


def _check(folder: Path, model: Any, inputs: int) -> None:
    x = np.random.default_rng(0).standard_normal((64, inputs), dtype=np.float32)
    expected = np.asarray(model(x, training=False))
    got = Predictor.load(folder).outputs(x)
    if got.shape != expected.shape or not np.allclose(got, expected, rtol=1e-5, atol=1e-6):
        raise PackageError(
            "the net read back from the package predicts otherwise than the trained one, or not a number; "
            "no package was written; see whether the trial diverged"
        )
