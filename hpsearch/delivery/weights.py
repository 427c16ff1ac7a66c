"""What the weights of a `.keras` archive may be: plain float32 arrays that lie in it, of the shapes its net asks for.

HDF5 can point out of the file (external links and storage, virtual datasets: CVE-2026-1669 read any file that way), and
can promise arrays that are not there: a dataset, or a layer, of a few bytes that takes terabytes when it is loaded
(CVE-2026-0897). Nothing here follows a link or reads an array. To be asked after `archive.archive_faults`.
Only h5py is imported, which Keras brings: a package carries a copy of this file.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
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


_AS_THEY_ARE = frozenset(
    {
        "Dropout", "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "GaussianNoise", "GaussianDropout",
        "AlphaDropout", "ActivityRegularization", "Rescaling", "Identity", "UnitNormalization",
    }
)  # fmt: skip
"""Layers without weights that give what has the shape of their inputs."""
_OF_SEVERAL = frozenset({"Average", "Add", "Subtract", "Multiply", "Maximum", "Minimum"})
"""Layers without weights that make one of several inputs of one shape."""
_ROUNDS = 100
"""Times that a net's layers are gone through for those whose inputs were not known yet; Keras writes them in order."""


def _net_shapes(config: dict[str, Any]) -> list[Shape] | str:
    """Return the shapes of the arrays that a net asks for; a text where its config does not say."""
    try:
        return _net(config, None)[0]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        return f"config.json: the layers' shapes cannot be told ({error})"


def _net(net: dict[str, Any], given: Shape | None) -> tuple[list[Shape], Shape]:
    """Return the shapes of a net's arrays, and that of its outputs, without the rows.

    given: shape of the inputs, of a net in a net. Raises ValueError for what no such net has.
    """
    return (_sequential if net["class_name"] == "Sequential" else _functional)(net, given)


def _sequential(net: dict[str, Any], given: Shape | None) -> tuple[list[Shape], Shape]:
    first, *layers = net["config"]["layers"]
    shape = _input(first, given)
    _agree([shape], net["config"].get("build_input_shape"))
    _agree([shape], *_built_for(net))
    arrays: list[Shape] = []
    for layer in layers:
        own, shape = _layer(layer, [shape])
        arrays += own
    return arrays, shape


def _functional(net: dict[str, Any], given: Shape | None) -> tuple[list[Shape], Shape]:
    arrays: list[Shape] = []
    known: dict[tuple[str, int], Shape] = {}
    waiting = list(net["config"]["layers"])
    for _ in range(_ROUNDS):
        later = []
        for layer in waiting:
            if layer["class_name"] == "InputLayer":
                known[layer["config"]["name"], 0] = _input(layer, given)
                continue
            calls = [_origins(node) for node in layer["inbound_nodes"]]
            if not all(origin in known for call in calls for origin in call):
                later.append(layer)
                continue
            found = [_layer(layer, [known[origin] for origin in call]) for call in calls]
            if not found or any(one != found[0] for one in found):
                raise ValueError(f"{layer['class_name']} is called on inputs of several shapes, or on none")
            arrays += found[0][0]
            known |= {(layer["config"]["name"], at): shape for at, (_, shape) in enumerate(found)}
        if not later:
            break
        waiting = later
    else:
        raise ValueError("layers wait for each other")
    outputs = net["config"]["output_layers"]
    name, node, _ = outputs if isinstance(outputs[0], str) else outputs[0]
    return arrays, known[name, node]


def _origins(node: dict[str, Any]) -> list[tuple[str, int]]:
    """Return the (layer, call) that each input of a call comes from."""
    (given,) = node["args"]
    if not all(value is None or isinstance(value, bool) for value in node["kwargs"].values()):
        raise ValueError("a layer is called with more than its inputs")
    histories = [one["config"]["keras_history"] for one in (given if isinstance(given, list) else [given])]
    return [(str(name), int(call)) for name, call, _ in histories]


def _layer(layer: dict[str, Any], inputs: list[Shape]) -> tuple[list[Shape], Shape]:
    """Return the shapes of a layer's arrays, and that of its outputs."""
    kind, given, shape = layer["class_name"], layer["config"], inputs[0]
    if kind in ("Sequential", "Functional"):
        return _net(layer, *inputs)
    _agree(inputs, *_built_for(layer))
    if kind in _OF_SEVERAL:
        if any(other != shape for other in inputs):
            raise ValueError(f"{kind} of inputs of several shapes")
        return [], shape
    if kind == "Concatenate":
        at = _axis(given["axis"], shape)
        if any(other[:at] + other[at + 1 :] != shape[:at] + shape[at + 1 :] for other in inputs):
            raise ValueError("Concatenate of inputs that do not fit")
        return [], (*shape[:at], sum(other[at] for other in inputs), *shape[at + 1 :])
    if len(inputs) != 1:
        raise ValueError(f"{kind} of {len(inputs)} inputs")
    if kind in _AS_THEY_ARE:
        return [], shape
    if kind in ("Flatten", "Reshape"):
        return [], (math.prod(shape),) if kind == "Flatten" else _reshaped(shape, given["target_shape"])
    if kind == "Dense":
        return _dense(given, shape)
    return _own_numbers(kind, given, shape), shape


def _reshaped(shape: Shape, target: Any) -> Shape:
    """Return a target shape, in which one size may be -1: what is left."""
    sizes, whole = list(target), math.prod(shape)
    if sizes.count(-1) == 1:
        at = sizes.index(-1)
        sizes[at] = whole // math.prod(map(_size, sizes[:at] + sizes[at + 1 :]))
    found = tuple(map(_size, sizes))
    if math.prod(found) != whole:
        raise ValueError(f"Reshape of {shape} to {target}")
    return found


def _dense(given: dict[str, Any], shape: Shape) -> tuple[list[Shape], Shape]:
    if given.get("lora_rank") or given.get("quantization_config"):
        raise ValueError("weights beside the kernel")
    units = _size(given["units"])
    return [(shape[-1], units), *([(units,)] if given.get("use_bias", True) else [])], (*shape[:-1], units)


def _own_numbers(kind: str, given: dict[str, Any], shape: Shape) -> list[Shape]:
    """Return the arrays of a layer that has numbers for each of its inputs."""
    if kind == "PReLU":
        shared = {_axis(axis, shape) for axis in given.get("shared_axes") or ()}
        return [tuple(1 if at in shared else size for at, size in enumerate(shape))]
    if kind == "BatchNormalization" and not given.get("renorm"):
        each: Shape = (shape[_axis(given["axis"], shape)],)
        return [each] * (2 + bool(given["scale"]) + bool(given["center"]))
    if kind == "LayerNormalization":
        axes = given["axis"] if isinstance(given["axis"], list) else [given["axis"]]
        each = tuple(shape[_axis(axis, shape)] for axis in axes)
        scale = bool(given["scale"]) or bool(given.get("rms_scaling"))
        return [each] * (scale + (bool(given["center"]) and not given.get("rms_scaling")))
    raise ValueError(f"{kind} among the layers of a net")


def _input(layer: dict[str, Any], given: Shape | None) -> Shape:
    if layer["class_name"] != "InputLayer":
        raise ValueError("a net begins with its inputs")
    shape = _without_rows(layer["config"]["batch_shape"])
    if given is not None and shape != given:
        raise ValueError(f"a net for inputs of {shape} is given {given}")
    return shape


def _without_rows(shape: Any) -> Shape:
    rows, *sizes = shape
    if rows is not None or not sizes:
        raise ValueError(f"inputs of shape {shape}")
    return tuple(map(_size, sizes))


def _size(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"a size of {value!r}")
    return value


def _axis(axis: Any, shape: Shape) -> int:
    """Return the place in a shape without rows of an axis that counts them, or counts from the end."""
    at = axis + len(shape) if type(axis) is int and axis < 0 else axis - 1
    if not 0 <= at < len(shape):
        raise ValueError(f"axis {axis} of {shape}")
    return int(at)


def _built_for(layer: dict[str, Any]) -> list[Any]:
    """Return the shapes that a layer is built for before it is called, if its config says so."""
    built = layer.get("build_config") or {}
    if set(built) - {"input_shape"}:  # Keras would build it for any other shapes that stand there
        raise ValueError(f"a layer built for {', '.join(map(str, built))}")
    return [built.get("input_shape")]


def _agree(inputs: list[Shape], *stated: Any) -> None:
    """Raise ValueError where a layer is to be built for other inputs than it gets."""
    for one in stated:
        if one is not None:
            several = bool(one) and isinstance(one[0], list)
            shapes = [_without_rows(shape) for shape in (one if several else [one])]
            if shapes != inputs:
                raise ValueError(f"inputs of {inputs}, and a shape of {one}")


def _shown(shapes: list[Shape]) -> str:
    text = ", ".join("x".join(map(str, shape)) or "one number" for shape in sorted(shapes)[:8])
    return (text or "no shape") + (f" and {len(shapes) - 8} more" if len(shapes) > 8 else "")
