"""Archives are forged by hand here: none of them may reach Keras."""

import copy
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hpsearch.delivery.archive import MEMBERS, archive_faults

DENSE = {
    "module": "keras.layers",
    "class_name": "Dense",
    "registered_name": None,
    "config": {
        "units": 1,
        "activation": "relu",
        "kernel_initializer": {"module": "keras.initializers", "class_name": "Zeros", "config": {}},
    },
}
NET: dict[str, Any] = {
    "module": "keras",
    "class_name": "Sequential",
    "registered_name": None,
    "config": {"name": "net", "layers": [DENSE]},
}


def write(path: Path, config: Any, compression: int = zipfile.ZIP_STORED, names: tuple[str, ...] = MEMBERS) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name in names:
            archive.writestr(name, json.dumps(config) if name == "config.json" else b"{}")
    return path


def with_layer(layer: dict[str, Any]) -> dict[str, Any]:
    net = copy.deepcopy(NET)
    net["config"]["layers"].append(layer)
    return net


def test_a_dense_net_is_allowed(tmp_path: Path) -> None:
    assert archive_faults(write(tmp_path / "m.keras", NET)) == []


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        ({"module": "keras.layers", "class_name": "Lambda", "config": {}}, "keras.layers.Lambda"),
        ({"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/x"}}, "keras.layers.TFSMLayer"),
        ({"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {}}, "TorchModuleWrapper"),
        ({"module": "os", "class_name": "system", "config": "touch x"}, "os.system"),
        ({"module": "builtins", "class_name": "function", "config": "exec"}, "builtins.function"),
        ({"module": "keras.layers", "class_name": "Dense", "registered_name": "evil>Dense"}, "evil>Dense"),
        ({"class_name": "__lambda__", "config": {"value": "eA=="}}, "None.__lambda__"),
        ({"module": ["keras.layers"], "class_name": "Dense"}, "Dense"),
        ({"module": "keras.layers", "class_name": ["Dense"]}, "Dense"),
        ({"module": "keras.utils", "config": {}}, "keras.utils.None"),
    ],
)  # fmt: skip
def test_anything_but_the_layers_of_a_dense_net_is_refused_by_name(tmp_path: Path, layer: Any, named: str) -> None:
    (fault,) = archive_faults(write(tmp_path / "m.keras", with_layer(layer)))
    assert named in fault


def test_what_hides_deep_in_a_config_is_found(tmp_path: Path) -> None:
    layer = copy.deepcopy(DENSE)
    hidden = {"module": "builtins", "class_name": "eval", "config": "1"}
    layer["config"]["kernel_constraint"] = {"a": [[{"b": hidden}]]}
    assert archive_faults(write(tmp_path / "m.keras", with_layer(layer))) == ["config.json names builtins.eval"]


def test_each_net_of_an_average_is_looked_at(tmp_path: Path) -> None:
    layers = [
        {"module": "keras.layers", "class_name": "InputLayer", "config": {}, "name": "inputs"},
        copy.deepcopy(NET),
        with_layer({"module": "keras.layers", "class_name": "Lambda", "config": {}}),
        {"module": "keras.layers", "class_name": "Average", "config": {}, "name": "mean"},
    ]
    functional = {"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional"}
    path = write(tmp_path / "m.keras", functional | {"config": {"name": "ensemble", "layers": layers}})
    assert archive_faults(path) == ["config.json names keras.layers.Lambda"]
    del layers[2]
    assert archive_faults(write(path, functional | {"config": {"name": "ensemble", "layers": layers}})) == []


@pytest.mark.parametrize(
    "names",
    [MEMBERS[:2], (*MEMBERS, "assets/x"), (*MEMBERS[1:], "../metadata.json"), (*MEMBERS, "/etc/passwd")],
)
def test_an_archive_with_other_members_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    (fault,) = archive_faults(write(tmp_path / "m.keras", NET, names=names))
    assert fault.startswith("holds ")


def test_a_member_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.keras", NET)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("config.json", b"{}")
    (fault,) = archive_faults(path)
    assert fault.startswith("holds config.json, config.json, metadata.json")


def test_a_compressed_member_is_refused_before_it_is_read(tmp_path: Path) -> None:
    bomb = NET | {"config": {"name": " " * 2**22}}
    path = write(tmp_path / "m.keras", bomb, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**16
    assert "config.json is compressed" in archive_faults(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n" + b"0" * 100])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.keras").write_bytes(content)
    (fault,) = archive_faults(tmp_path / "m.keras")
    assert fault.startswith("m.keras: no readable Keras archive")


def test_a_config_that_is_no_json_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name in MEMBERS:
            archive.writestr(name, b"{")
    (fault,) = archive_faults(tmp_path / "m.keras")
    assert "no readable Keras archive" in fault


def test_a_config_with_nothing_in_it_is_refused(tmp_path: Path) -> None:
    assert archive_faults(write(tmp_path / "m.keras", {})) == ["config.json names no net"]
