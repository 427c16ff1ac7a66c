"""What the weights of a `.keras` archive may be: plain float32 arrays that lie in it, of the shapes its net asks for.

HDF5 can point out of the file (external links and storage, virtual datasets: CVE-2026-1669 read any file that way), and
can promise arrays that are not there: a dataset, or a layer, of a few bytes that takes terabytes when it is loaded
(CVE-2026-0897). Nothing here follows a link or reads an array. To be asked after `archive.archive_faults`.
Only h5py is imported, which Keras brings: a package carries a copy of this file.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Shape = tuple[int, ...]

_MOST_OBJECTS = 10_000
"""Groups and datasets: a net of 20 layers has some 100."""


def weight_faults(path: Path) -> list[str]:
    """Say what keeps the weights of a `.keras` file from being loaded, a line each."""
    import h5py

    with zipfile.ZipFile(path) as archive:
        asked = _net_shapes(json.loads(archive.read("config.json")))
        content = io.BytesIO(archive.read("model.weights.h5"))
    if isinstance(asked, str):
        return [asked]
    try:
        with h5py.File(content, "r") as file:
            faults, found = _look(file, h5py)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        return [f"model.weights.h5 is no readable HDF5 file ({str(error).partition(chr(10))[0]})"]
    if faults:
        return faults
    if sorted(found) != sorted(asked):
        return [f"model.weights.h5 holds arrays of {_shown(found)}, the net of config.json asks for {_shown(asked)}"]
    return []


def _look(file: Any, h5py: Any) -> tuple[list[str], list[Shape]]:
    """Return what is wrong with a file, and the shapes of the arrays in it."""
    faults, shapes, seen, waiting = [], [], {h5py.h5o.get_info(file.id).addr}, [file]
    while waiting:
        group = waiting.pop()
        for name in group:
            where = f"model.weights.h5{group.name.rstrip('/')}/{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                faults.append(f"{where} is a link to somewhere else")
                continue
            one = group[name]
            address = h5py.h5o.get_info(one.id).addr
            if address in seen or len(seen) >= _MOST_OBJECTS:
                return [f"{where}: stands there twice, or is one of more than {_MOST_OBJECTS:,} objects"], []
            seen.add(address)
            if isinstance(one, h5py.Group):
                waiting.append(one)
            elif fault := _array_fault(one, h5py):
                faults.append(f"{where} {fault}")
            else:
                shapes.append(tuple(int(size) for size in one.shape))
    return faults, shapes


def _array_fault(array: Any, h5py: Any) -> str:
    if not isinstance(array, h5py.Dataset) or array.shape is None or str(array.dtype) != "float32":
        return "is no array of float32"
    if array.external or array.is_virtual:
        return "keeps its numbers in another file"
    if array.chunks is not None or array.compression is not None:
        return "is compressed or in chunks"
    if array.size and array.id.get_storage_size() != array.size * 4:
        return f"says it has {array.size * 4:,} bytes, and has {array.id.get_storage_size():,}"
    return ""


def _net_shapes(config: dict[str, Any]) -> list[Shape] | str:
    """Return the shapes of the arrays that a net asks for; a text where its config does not say."""
    try:
        layers = config["config"]["layers"]
        if config["class_name"] == "Sequential":
            return list(_sequential(config))
        nets = [layer for layer in layers if layer["class_name"] == "Sequential"]
        others = {layer["class_name"] for layer in layers} - {"Sequential", "InputLayer", "Average"}
        if others:
            return f"config.json: {', '.join(sorted(others))} stands beside the nets that are averaged"
        return [shape for net in nets for shape in _sequential(net)]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        return f"config.json: the layers' shapes cannot be told ({error})"


def _sequential(net: dict[str, Any]) -> Iterator[Shape]:
    first, *layers = net["config"]["layers"]
    if first["class_name"] != "InputLayer":
        raise ValueError("a net begins with its inputs")
    width = _width(first["config"]["batch_shape"])
    _agree(width, net["config"].get("build_input_shape"), (net.get("build_config") or {}).get("input_shape"))
    for layer in layers:
        if layer["class_name"] == "Dropout":
            continue
        if layer["class_name"] != "Dense":
            raise ValueError(f"{layer['class_name']} among the layers of a net")
        _agree(width, (layer.get("build_config") or {}).get("input_shape"))
        given = layer["config"]
        if given.get("lora_rank") or given.get("quantization_config"):
            raise ValueError("weights beside the kernel")
        units = int(given["units"])
        yield (width, units)
        if given.get("use_bias", True):
            yield (units,)
        width = units


def _width(shape: Any) -> int:
    batch, width = shape
    if batch is not None or type(width) is not int or width < 1:
        raise ValueError(f"inputs of shape {shape}")
    return width


def _agree(width: int, *shapes: Any) -> None:
    """Raise ValueError where a layer is to be built for other inputs than it gets."""
    for shape in shapes:
        if shape is not None and _width(shape) != width:
            raise ValueError(f"{width} inputs, and a shape of {shape}")


def _shown(shapes: list[Shape]) -> str:
    text = ", ".join("x".join(map(str, shape)) or "one number" for shape in sorted(shapes)[:8])
    return (text or "no shape") + (f" and {len(shapes) - 8} more" if len(shapes) > 8 else "")
