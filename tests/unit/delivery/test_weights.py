"""The arrays that a net asks for, layer by layer, against those that lie in its archive."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hpsearch.delivery.weights import weight_faults

Shapes = list[tuple[int, ...]]


def layer(kind: str, name: str = "", built: Any = None, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name or kind} | config, "build_config": {"input_shape": built}}


INPUTS = layer("InputLayer", "inputs", batch_shape=[None, 3])
DENSE = layer("Dense", "dense", [None, 3], units=4)


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "net", "layers": [INPUTS, *layers]}}


def called(one: dict[str, Any], *origins: str) -> dict[str, Any]:
    tensors = [{"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}} for name in origins]
    given = tensors[0] if len(tensors) == 1 else tensors
    return one | {"inbound_nodes": [{"args": [given], "kwargs": {"mask": None}}]}


def functional(*layers: dict[str, Any]) -> dict[str, Any]:
    inputs = INPUTS | {"inbound_nodes": []}
    last = layers[-1]["config"]["name"]
    return {
        "class_name": "Functional",
        "config": {"name": "net", "layers": [inputs, *layers], "output_layers": [last, 0, 0]},
    }


def faults(folder: Path, net: dict[str, Any], shapes: Shapes) -> list[str]:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for at, shape in enumerate(shapes):
            file.create_dataset(f"layers/{at}/vars/0", data=np.zeros(shape, np.float32))
    with zipfile.ZipFile(folder / "m.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(net))
        archive.writestr("model.weights.h5", buffer.getvalue())
    return weight_faults(folder / "m.keras")


NORMAL = {"axis": -1, "scale": True, "center": True}
NETS = [
    (sequential(DENSE), [(3, 4), (4,)]),
    (sequential(layer("BatchNormalization", built=[None, 3], **NORMAL)), [(3,)] * 4),
    (sequential(layer("BatchNormalization", **NORMAL | {"scale": False})), [(3,)] * 3),
    (sequential(layer("LayerNormalization", axis=[-1], scale=True, center=True)), [(3,)] * 2),
    (sequential(layer("PReLU", shared_axes=None)), [(3,)]),
    (sequential(layer("PReLU", shared_axes=[1])), [(1,)]),
    (sequential(layer("Reshape", target_shape=[1, -1]), layer("Flatten"), DENSE), [(3, 4), (4,)]),
    (sequential(layer("GaussianNoise"), layer("Activation"), DENSE), [(3, 4), (4,)]),
    (
        functional(
            called(DENSE, "inputs"),
            called(layer("Concatenate", "both", axis=-1), "inputs", "dense"),
            called(layer("Dense", "last", units=1), "both"),
        ),
        [(3, 4), (4,), (7, 1), (1,)],
    ),
    (functional(called(sequential(DENSE), "inputs")), [(3, 4), (4,)]),
]


@pytest.mark.parametrize(("net", "shapes"), NETS)
def test_a_net_with_its_own_arrays_is_sound_and_with_one_less_is_not(
    tmp_path: Path, net: dict[str, Any], shapes: Shapes
) -> None:
    assert faults(tmp_path, net, shapes) == []
    assert "the net of config.json asks for" in faults(tmp_path, net, shapes[1:])[0]


@pytest.mark.parametrize("net", [
    sequential(layer("Reshape", target_shape=[10**9])),
    sequential(layer("PReLU", built=[None, 10**9], shared_axes=None)),
    sequential(layer("BatchNormalization", renorm=True, **NORMAL)),
    sequential(layer("LayerNormalization", axis=[5], scale=True, center=True)),
    sequential(layer("EinsumDense")),
    sequential(layer("Add") | {"build_config": {"shapes_dict": {"input_shape": [None, 10**9]}}}),
    functional(called(DENSE, "inputs"), called(layer("Add"), "inputs", "dense")),
    functional(called(layer("Add", "one"), "two", "inputs"), called(layer("Add", "two"), "one", "inputs")),
])  # fmt: skip
def test_a_net_whose_shapes_do_not_follow_from_its_inputs_is_refused(tmp_path: Path, net: dict[str, Any]) -> None:
    assert faults(tmp_path, net, [(3,)])[0].startswith("config.json: the layers' shapes cannot be told")
