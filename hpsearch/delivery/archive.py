"""What a `.keras` archive may hold: nets on tables made of Keras's own layers, checked before Keras opens it.

`load_model` builds whatever classes and functions the archive's config.json names; its safe mode forbids some of them,
and has been got round (CVE-2025-1550, CVE-2025-9906). A list of what is allowed has no such holes.
Only the standard library is imported: a package carries a copy of this file.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
ALLOWED: dict[str | None, frozenset[str]] = {
    "keras": frozenset({"Sequential", "DTypePolicy"}),
    "keras.src.models.functional": frozenset({"Functional"}),
    "keras.layers": frozenset(
        {
            "InputLayer", "Dense", "Dropout", "Average", "BatchNormalization", "LayerNormalization",
            "UnitNormalization", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "GaussianNoise",
            "GaussianDropout", "AlphaDropout", "ActivityRegularization", "Flatten", "Reshape", "Rescaling", "Identity",
            "Add", "Subtract", "Multiply", "Maximum", "Minimum", "Concatenate",
        }
    ),
    "keras.initializers": frozenset(
        {
            "GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal", "Zeros", "Ones",
            "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal", "Constant",
        }
    ),
    "keras.regularizers": frozenset({"L1", "L2", "L1L2"}),
    "keras.constraints": frozenset({"MaxNorm", "NonNeg", "UnitNorm", "MinMaxNorm"}),
    None: frozenset({"__keras_tensor__"}),
}  # fmt: skip
"""Class names by the module that config.json gives for them: arithmetic alone, nothing that runs a config's code or
reads a file. Functional and Average are what averages nets; what the table's nets lack, hypermodels may have."""

_LARGEST_TEXT = 16 * 2**20
"""Bytes of config.json or metadata.json; a net of 20 layers has some 20,000."""
_MOST_FAULTS = 10


def archive_faults(path: Path) -> list[str]:
    """Say what keeps a `.keras` file from being loaded, a line each."""
    try:
        with zipfile.ZipFile(path) as archive:
            faults = _member_faults(archive)
            config = None if faults else json.loads(archive.read("config.json"))
    except (OSError, zipfile.BadZipFile, ValueError, RecursionError, NotImplementedError) as error:
        return [f"{path.name}: no readable Keras archive ({error})"]
    if faults:
        return faults
    if not isinstance(config, dict) or config.get("class_name") not in ("Sequential", "Functional"):
        return ["config.json names no net"]
    return part_faults(_nodes(config))


def net_faults(text: str) -> list[str]:
    """Say which parts of a net no archive may hold. text: what `keras.Model.to_json` returns."""
    config = json.loads(text)
    config.pop("compile_config", None)  # a package holds nets for inference
    return part_faults(_nodes(config))


def part_faults(parts: Iterable[dict[str, Any]]) -> list[str]:
    """Say which parts of a net no archive may hold. parts: with "module", "class_name", "registered_name"."""
    return sorted({fault for part in parts if (fault := _node_fault(part))})[:_MOST_FAULTS]


def _member_faults(archive: zipfile.ZipFile) -> list[str]:
    members = archive.infolist()
    names = sorted(member.filename for member in members)
    if names != sorted(MEMBERS):
        shown = [repr(name)[1:-1][:60] for name in names[:_MOST_FAULTS]]
        return [f"holds {', '.join(shown)}; a Keras archive holds {', '.join(MEMBERS)}"]
    # Keras stores its members as they are; a compressed one could grow a thousandfold.
    faults = [f"{m.filename} is compressed" for m in members if m.compress_type != zipfile.ZIP_STORED]
    faults += [f"{m.filename} is encrypted" for m in members if m.flag_bits & 0x1]
    sizes = [(m.filename, m.file_size) for m in members if m.filename.endswith(".json")]
    return faults + [f"{name} has {size} bytes, over {_LARGEST_TEXT}" for name, size in sizes if size > _LARGEST_TEXT]


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each dict of a config that Keras would turn into an object."""
    if isinstance(value, dict):
        if not value.keys().isdisjoint({"class_name", "module", "registered_name"}):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item)


def _node_fault(node: dict[str, Any]) -> str:
    module, name, registered = node.get("module"), node.get("class_name"), node.get("registered_name")
    allowed = ALLOWED.get(module, frozenset()) if module is None or isinstance(module, str) else frozenset()
    if isinstance(name, str) and name in allowed and registered in (None, name):
        return ""
    return f"config.json names {module}.{name}" + (f" ({registered})" if registered else "")
