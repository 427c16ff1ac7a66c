"""Packages forged after known holes are refused before anything of them runs: no canary, no Keras."""

from __future__ import annotations

import importlib.util
import io
import json
import marshal
import pickle
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hpsearch
from hpsearch.delivery.manifest import MANIFEST, write_manifest
from hpsearch.delivery.mlflow_model import save_model
from hpsearch.delivery.package import with_own_code
from hpsearch.delivery.predictor import Predictor, verify_package
from hpsearch.errors import PackageError

from .conftest import Attacked, Said
from .hostile_study import CANARY

pytestmark = pytest.mark.xdist_group("security")

Call = Callable[..., Said]


@pytest.fixture(autouse=True)
def _canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Watch the folder in which every payload would leave a file."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.rglob(CANARY))


@pytest.fixture
def package(attacked: Attacked, tmp_path: Path) -> Path:
    """A copy of a package, to be forged."""
    return Path(shutil.copytree(attacked.package, tmp_path / "package"))


def payload(folder: Path) -> str:
    """Return Python that leaves the canary."""
    return f"open({str(folder / CANARY)!r}, 'w').close()\n"


def members(package: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(package / "model.keras") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forge(package: Path, *, manifest: bool = True, **changed: bytes) -> None:
    """Write an archive with members changed, and a manifest that vouches for it."""
    held = members(package) | {name.replace("__", "."): content for name, content in changed.items()}
    with zipfile.ZipFile(package / "model.keras", "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)
    if manifest:
        write_manifest(package)


def forge_config(package: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    config = json.loads(members(package)["config.json"])
    forge(package, config__json=json.dumps(change(config) or config).encode())


def refused(package: Path, message: str) -> None:
    with pytest.raises(PackageError, match=message):
        verify_package(package)
    with pytest.raises(PackageError, match=message):
        Predictor.load(package)


def layer(package: Path, module: Any, name: Any, **config: Any) -> None:
    def change(net: dict[str, Any]) -> None:
        net["config"]["layers"].append(
            {"module": module, "class_name": name, "config": config, "registered_name": name}
        )

    forge_config(package, change)


def test_an_unforged_package_is_loaded(package: Path) -> None:
    verify_package(package)


def test_the_canary_would_be_seen(tmp_path: Path) -> None:
    exec(payload(tmp_path))
    assert (tmp_path / CANARY).exists()
    (tmp_path / CANARY).unlink()


# Lambda: its code is marshalled into the config.
# CVE-2025-1550: module and class_name name any function of any module. CVE-2025-9906: config.json turns safe mode off.
# CVE-2025-9905: a Lambda in .h5, where safe mode is not heeded. CVE-2025-12058, -12060: StringLookup, get_file.
@pytest.mark.parametrize(("module", "name", "config"), [
    ("keras.layers", "Lambda", {"function": {"class_name": "__lambda__", "config": {"code": "4wE="}}}),
    ("keras.layers", "TFSMLayer", {"filepath": "/tmp/saved"}),
    ("keras.layers", "TorchModuleWrapper", {"pickled": "gASVAAAA"}),
    ("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"}),
    ("keras.layers", "JaxLayer", {"call_fn": "x"}),
    ("builtins", "exec", {}), ("os", "system", {"args": [f"touch {CANARY}"]}),
    ("keras.config", "enable_unsafe_deserialization", {}), ("keras.utils", "get_file", {"origin": "file:///etc/passwd"}),
    ("keras.src.models.functional", "Model", {}), ("numpy", "load", {"allow_pickle": True}),
    ("keras.layers\x00", "Dense", {}), (["keras.layers"], "Dense", {}), (None, "Dense", {}),
    ("hpsearch.cli", "main", {}),
])  # fmt: skip
def test_a_class_or_a_function_that_no_dense_net_has_is_refused_by_name(
    package: Path, module: Any, name: Any, config: Any
) -> None:
    layer(package, module, name, **config)
    refused(package, r"config\.json names ")


@pytest.mark.parametrize("where", ["activation", "kernel_constraint", "bias_initializer", "name"])
def test_what_hides_in_a_layer_is_found(package: Path, where: str, tmp_path: Path) -> None:
    code = compile(payload(tmp_path), "x", "exec")
    hidden = {"class_name": "__lambda__", "config": {"code": marshal.dumps(code).hex()}}

    def change(net: dict[str, Any]) -> None:
        net["config"]["layers"][1]["config"][where] = [{"a": hidden}]

    forge_config(package, change)
    refused(package, r"config\.json names None\.__lambda__")


def test_a_compile_config_is_looked_at_too(package: Path) -> None:
    forge_config(package, lambda net: net | {"compile_config": {"loss": {"module": "os", "class_name": "system"}}})
    refused(package, r"config\.json names os\.system")


@pytest.mark.parametrize("extra", ["../../x", "/etc/cron.d/x", "assets/x", "model.weights.h5/../x", "config.json "])
def test_an_archive_with_another_member_is_refused(package: Path, extra: str) -> None:
    with zipfile.ZipFile(package / "model.keras", "a") as archive:
        archive.writestr(extra, b"x")
    write_manifest(package)
    refused(package, "holds .* a Keras archive holds metadata.json, config.json, model.weights.h5")


@pytest.mark.parametrize("gone", ["metadata.json", "config.json", "model.weights.h5"])
def test_an_archive_without_a_member_is_refused(package: Path, gone: str) -> None:
    held = members(package)
    with zipfile.ZipFile(package / "model.keras", "w") as archive:
        for name in held.keys() - {gone}:
            archive.writestr(name, held[name])
    write_manifest(package)
    refused(package, "holds ")


def test_a_member_that_is_a_link_or_stands_twice_is_refused(package: Path) -> None:
    held = members(package)
    with zipfile.ZipFile(package / "model.keras", "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    write_manifest(package)
    refused(package, "holds config.json, link")
    with zipfile.ZipFile(package / "model.keras", "w") as archive:
        for name, content in [*held.items()]:
            archive.writestr(name, content)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("config.json", b"{}")
    write_manifest(package)
    refused(package, "holds config.json, config.json")


def test_a_bomb_is_refused_before_it_is_unpacked(package: Path) -> None:
    held = members(package)
    with zipfile.ZipFile(package / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (held | {"config.json": b" " * 2**28}).items():
            archive.writestr(name, content)
    assert (package / "model.keras").stat().st_size < 2**20
    write_manifest(package)
    refused(package, "config.json is compressed")


@pytest.mark.parametrize("member", ["config.json", "metadata.json"])
def test_a_text_of_an_archive_has_a_largest_size(package: Path, member: str) -> None:
    forge(package, **{member.replace(".", "__"): b" " * (2**24 + 1)})
    refused(package, f"{member} has 16777217 bytes")


def test_a_config_that_nests_without_end_is_refused(package: Path) -> None:
    forge(package, config__json=b"[" * 100_000)
    refused(package, "no readable Keras archive")


def weights(write: Callable[[h5py.File], None]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write(file)
    return buffer.getvalue()


def external_link(file: h5py.File) -> None:
    file["layers"] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(file: h5py.File) -> None:
    file["layers"] = h5py.SoftLink("/vars")


def external_storage(file: h5py.File) -> None:
    file.create_dataset("x", (4, 4), "f4", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("x", layout)


def shape_bomb(file: h5py.File) -> None:
    file.create_dataset("x", (2**20, 2**20), "f4", chunks=(1, 1))


def contiguous_bomb(file: h5py.File) -> None:
    file.create_dataset("x", (2**20, 2**20), "f4")


def compressed(file: h5py.File) -> None:
    file.create_dataset("x", data=np.zeros((1000, 1000), np.float32), compression="gzip")


def strings(file: h5py.File) -> None:
    file["x"] = ["text"]


def cycle(file: h5py.File) -> None:
    file.create_group("a")["b"] = file["/"]


@pytest.mark.parametrize(("write", "message"), [
    (external_link, "is a link to somewhere else"), (soft_link, "is a link to somewhere else"),
    (external_storage, "keeps its numbers in another file"), (virtual, "keeps its numbers in another file"),
    (shape_bomb, "is compressed or in chunks"), (contiguous_bomb, "says it has 4,398,046,511,104 bytes, and has 0"),
    (compressed, "is compressed or in chunks"), (strings, "is no array of float32"), (cycle, "stands there twice"),
    (lambda file: None, "holds arrays of no shape, the net of config.json asks for"),
])  # fmt: skip
def test_weights_that_are_not_plain_arrays_of_their_net_are_refused(package: Path, write: Any, message: str) -> None:
    forge(package, **{"model__weights__h5": weights(write)})
    refused(package, message)


def test_weights_that_are_no_hdf5_are_refused(package: Path) -> None:
    forge(package, **{"model__weights__h5": pickle.dumps({"a": 1})})
    refused(package, "is no readable HDF5 file")


@pytest.mark.parametrize("change", [
    lambda net: net["config"]["layers"][1]["config"].update(units=10**9),
    lambda net: net["config"]["layers"][1]["build_config"].update(input_shape=[None, 10**9]),
    lambda net: net["config"]["layers"][1].update(build_config={"shapes_dict": {"input_shape": [None, 10**9]}}),
    lambda net: net["config"]["layers"][0]["config"].update(batch_shape=[None, 10**9]),
    lambda net: net["config"]["layers"][0]["config"].update(batch_shape=[10**9, 24]),
    lambda net: net["config"]["layers"][1]["config"].update(lora_rank=10**9),
    lambda net: net["config"].update(build_input_shape=[None, 10**9]),
    lambda net: net["config"]["layers"].pop(0),
    lambda net: net["config"]["layers"].append(net["config"]["layers"][1]),
    lambda net: net["config"].pop("layers"),
])  # fmt: skip
def test_a_net_that_asks_for_other_weights_than_lie_there_is_refused(package: Path, change: Any) -> None:
    """A layer of 10^9 units is a bomb of a few bytes."""

    def changed(net: dict[str, Any]) -> None:
        change(net)

    forge_config(package, changed)
    refused(package, r"config\.json")


def names(package: Path) -> list[str]:
    return sorted(path.name for path in package.iterdir())


def test_a_flipped_bit_in_any_file_is_refused_with_its_name(package: Path) -> None:
    for name in names(package):
        content = (package / name).read_bytes()
        flipped = bytearray(content)
        flipped[len(flipped) // 2] ^= 1
        (package / name).write_bytes(flipped)
        with pytest.raises(PackageError) as told:
            verify_package(package)
        assert name in str(told.value) or name == MANIFEST
        (package / name).write_bytes(content)
    verify_package(package)


def test_a_missing_file_is_refused_with_its_name(package: Path) -> None:
    for name in names(package):
        (package / name).rename(package.parent / "aside")
        with pytest.raises(PackageError, match=f"{name}: not there"):
            verify_package(package)
        (package.parent / "aside").rename(package / name)


@pytest.mark.parametrize("name", ["model.keras", "preparation.json", "package.json"])
def test_a_manifest_that_says_nothing_of_a_file_does_not_do(package: Path, name: str) -> None:
    files = json.loads((package / MANIFEST).read_text())["files"]
    del files[name]
    (package / MANIFEST).write_text(json.dumps({"files": files}))
    refused(package, f"{name}: (added|not there)")
    (package / name).unlink()
    refused(package, f"{name}: not there")


@pytest.mark.parametrize(
    "name", ["evil.py", "evil.pkl", "numpy.py", "model.h5", "notes.txt", "sub/x", "__pycache__/evil.cpython-311.pyc"]
)
def test_an_added_file_is_refused(package: Path, name: str) -> None:
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_bytes(b"")
    refused(package, f"{name}: added")


def test_a_link_in_the_place_of_a_file_is_refused(package: Path) -> None:
    (package / "model.keras").rename(package.parent / "model.keras")
    (package / "model.keras").symlink_to(package.parent / "model.keras")
    refused(package, "model.keras: a link")


def about(package: Path, **changed: Any) -> None:
    values = json.loads((package / "package.json").read_text()) | changed
    (package / "package.json").write_text(json.dumps(values))
    write_manifest(package)


@pytest.mark.parametrize(("schema", "fix"), [(0, "export it again"), (2, "install a newer hpsearch"), (None, "export")])
def test_another_schema_is_refused_with_what_to_do(package: Path, schema: Any, fix: str) -> None:
    about(package, schema=schema)
    refused(package, f"package schema {schema}, this code reads 1; .*{fix}")


@pytest.mark.parametrize("keras", ["2.15.0", "4.0.0"])
def test_another_major_version_of_keras_is_refused_with_the_command(package: Path, keras: str) -> None:
    about(package, versions={"keras": keras})
    refused(package, rf"made with Keras {keras}, and Keras 3.* pip install 'keras=={keras[0]}\.\*'")


@pytest.mark.parametrize(
    "wrong", [{"columns": "a"}, {"task": 1}, {"metadata": []}, {"versions": {}}, {"threshold": "x"}]
)
def test_a_description_of_another_shape_is_refused(package: Path, wrong: Any) -> None:
    about(package, **wrong)
    refused(package, r"package\.json has no ")


@pytest.mark.parametrize("text", ["{}", "[]", "[" * 100_000, '{"features": [], "columns": {}}'])
def test_a_preparation_of_another_shape_is_refused(package: Path, text: str) -> None:
    (package / "preparation.json").write_text(text)
    write_manifest(package)
    refused(package, r"preparation\.json ")


class Evil:
    def __reduce__(self) -> Any:
        return exec, (payload(Path.cwd()),)


@pytest.mark.parametrize("name", ["model.h5", "model.pkl", "model.keras"])
def test_a_pickle_or_an_h5_file_is_no_model(call: Call, attacked: Attacked, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(pickle.dumps(Evil()))
    for given in (name, f"./{name}", str(path)):
        said = call("predict", given, attacked.rows, "--store", attacked.store)
        assert said.code == 2, given
        assert said.err.count("\n") == 1


def test_a_pickle_in_the_place_of_the_net_is_refused(package: Path) -> None:
    (package / "model.keras").write_bytes(pickle.dumps(Evil()))
    write_manifest(package)
    refused(package, "no readable Keras archive")


# From here on, the ways by which a package reaches hpsearch.


def sabotage(package: Path, folder: Path) -> None:
    """Put the payload where it would run as soon as the package's own code does, without a word in the manifest."""
    (package / "predictor.py").write_text(with_payload(package / "predictor.py", folder))


def with_payload(module: Path, folder: Path) -> str:
    first = "from __future__ import annotations\n"
    assert first in module.read_text()
    return module.read_text().replace(first, first + payload(folder))


def poison_bytecode(package: Path, folder: Path) -> None:
    """Leave a compiled file that Python believes without a look at the source (PEP 552, unchecked hash)."""
    (package / "__pycache__").mkdir(exist_ok=True)
    for module in ("predictor", "transform"):
        code = marshal.dumps(compile(with_payload(package / f"{module}.py", folder), f"{module}.py", "exec"))
        cached = package / "__pycache__" / f"{module}.{sys.implementation.cache_tag}.pyc"
        cached.write_bytes(importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8) + code)


def own_store(attacked: Attacked, tmp_path: Path) -> Path:
    """Copy the study and MLflow's database into a store of its own."""
    place = tmp_path / "store"
    shutil.copytree(attacked.store / "studies", place / "studies")
    for file in attacked.store.glob("mlflow.db*"):
        shutil.copy(file, place)
    return place


@pytest.mark.parametrize("command", ["predict", "serve", "promote", "export"])
def test_every_command_refuses_a_package_that_was_changed(
    call: Call, attacked: Attacked, tmp_path: Path, command: str
) -> None:
    place = own_store(attacked, tmp_path)
    sabotage(place / "studies" / "hostile" / "package", tmp_path)
    more = {"predict": [attacked.rows], "export": [tmp_path / "out"]}.get(command, [])
    said = call(command, "hostile", *more, "--store", place)
    assert said.code == 2
    assert "predictor.py: sha256 expected" in said.err
    assert not (tmp_path / "out").exists()


def test_what_serves_is_our_code_whatever_a_package_brings_along(package: Path, tmp_path: Path) -> None:
    """A forged manifest vouches for forged code: of a package from elsewhere none is to run."""
    sabotage(package, tmp_path)
    write_manifest(package)
    verify_package(package)
    ours = with_own_code(tmp_path / "ours", package)
    verify_package(ours)
    assert CANARY not in (ours / "predictor.py").read_text()
    assert (ours / "model.keras").read_bytes() == (package / "model.keras").read_bytes()


def test_predicting_runs_no_code_of_the_package(call: Call, attacked: Attacked, package: Path, tmp_path: Path) -> None:
    sabotage(package, tmp_path)
    write_manifest(package)
    poison_bytecode(package, tmp_path)
    said = call("predict", package, attacked.rows, "-o", tmp_path / "out.csv", "--store", attacked.store)
    assert said.code == 0, said.err


def test_a_model_of_mlflow_that_was_changed_is_refused_by_its_address(
    call: Call, attacked: Attacked, tmp_path: Path
) -> None:
    (model,) = attacked.store.rglob("MLmodel")
    inside = model.parent / "artifacts" / "package"
    address = f"models:/{next(part for part in model.parts if part.startswith('m-'))}"
    said = call("predict", address, attacked.rows, "-o", tmp_path / "out.csv", "--store", attacked.store)
    assert said.code == 0, said.err
    before = (inside / "predictor.py").read_text()
    try:
        sabotage(inside, tmp_path)
        for command in (["predict", address, attacked.rows], ["serve", address]):
            said = call(*command, "--store", attacked.store)
            assert said.code == 2
            assert "predictor.py: sha256 expected" in said.err
    finally:
        (inside / "predictor.py").write_text(before)


@pytest.mark.filterwarnings("ignore::UserWarning:mlflow", "ignore::FutureWarning:mlflow")
@pytest.mark.parametrize("attack", ["code", "code and manifest", "bytecode", "added", "removed", "net and manifest"])
def test_mlflows_pyfunc_runs_nothing_of_a_package_that_is_not_the_one_logged(
    package: Path, tmp_path: Path, attack: str
) -> None:
    import mlflow.pyfunc

    model = save_model(tmp_path / "model", package)
    inside = model / "artifacts" / "package"
    if attack.startswith("code"):
        sabotage(inside, tmp_path)
    elif attack == "bytecode":
        poison_bytecode(inside, tmp_path)
        assert mlflow.pyfunc.load_model(str(model)) is not None  # what it runs is the source
        return
    elif attack == "added":
        (inside / "evil.py").write_text(payload(tmp_path))
    elif attack == "removed":
        (inside / "quiet.py").unlink()
    else:
        layer(inside, "keras.layers", "Lambda")
    if attack.endswith("manifest"):
        write_manifest(inside)
    with pytest.raises(ValueError, match=r"is not the package that was logged|no whole model package"):
        mlflow.pyfunc.load_model(str(model))


def test_poisoned_bytecode_would_run_if_it_were_read(package: Path, tmp_path: Path) -> None:
    """The control of the tests above: Python's own loader obeys it."""
    poison_bytecode(package, tmp_path)
    spec = importlib.util.spec_from_file_location("poisoned", package / "transform.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert (tmp_path / CANARY).exists()
    (tmp_path / CANARY).unlink()


def test_a_study_of_a_healthy_store_still_loads(attacked: Attacked) -> None:
    assert hpsearch.load("hostile", store=attacked.store).predictor().about["task"] == "multiclass"
