import hashlib
import json
from pathlib import Path

import pytest

from hpsearch.delivery.manifest import MANIFEST, manifest_faults, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.bin").write_bytes(bytes(range(256)))
    write_manifest(tmp_path)
    return tmp_path


def test_the_manifest_holds_the_sha256_of_every_file(folder: Path) -> None:
    files = json.loads((folder / MANIFEST).read_text())["files"]
    assert files == {
        "a.json": hashlib.sha256(b"{}").hexdigest(),
        "b.bin": hashlib.sha256(bytes(range(256))).hexdigest(),
    }


def test_an_unchanged_folder_has_no_faults(folder: Path) -> None:
    assert manifest_faults(folder) == []


@pytest.mark.parametrize("name", ["notes.txt", "evil.py", "sub/evil.pkl", "__pycache__/evil.cpython-311.pyc"])
def test_a_file_that_the_manifest_does_not_name_is_a_fault(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine")
    assert manifest_faults(folder) == [f"{name}: added, MANIFEST.json does not name it; move it out of the folder"]


def test_what_python_keeps_of_a_named_module_is_no_fault(folder: Path) -> None:
    (folder / "code.py").write_text("")
    write_manifest(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "code.cpython-311.pyc").write_bytes(b"")
    assert manifest_faults(folder) == []


def test_files_in_folders_are_named_and_checked(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "c.txt").write_text("c")
    write_manifest(folder)
    assert manifest_faults(folder) == []
    (folder / "sub" / "c.txt").write_text("d")
    assert [fault[:24] for fault in manifest_faults(folder)] == ["sub/c.txt: sha256 expect"]


@pytest.mark.parametrize("target", ["/etc/hostname", "."])
def test_a_link_is_a_fault(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)
    assert manifest_faults(folder) == ["link: a link, a pipe or the like, no plain file"]


def test_a_file_that_became_a_link_to_the_same_content_is_a_fault(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "a.json"
    (folder / "a.json").rename(elsewhere)
    (folder / "a.json").symlink_to(elsewhere)
    assert manifest_faults(folder) == ["a.json: a link, a pipe or the like, no plain file"]


@pytest.mark.parametrize("at", [0, 128, 255])
def test_one_flipped_bit_is_a_fault_with_both_digests(folder: Path, at: int) -> None:
    content = bytearray((folder / "b.bin").read_bytes())
    content[at] ^= 1
    (folder / "b.bin").write_bytes(content)
    (fault,) = manifest_faults(folder)
    assert fault.startswith("b.bin: sha256 expected ")
    assert hashlib.sha256(content).hexdigest()[:16] in fault


def test_every_fault_is_named_at_once(folder: Path) -> None:
    (folder / "a.json").unlink()
    (folder / "b.bin").write_bytes(b"")
    faults = manifest_faults(folder)
    assert [fault.split(":")[0] for fault in faults] == ["a.json", "b.bin"]
    assert faults[0] == "a.json: not there"


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', '{"files": ["a"]}', "\x00"])
def test_an_unreadable_manifest_is_a_fault(folder: Path, text: str) -> None:
    (folder / MANIFEST).write_text(text)
    assert manifest_faults(folder) == ["MANIFEST.json: unreadable"]


def test_a_missing_manifest_is_a_fault(tmp_path: Path) -> None:
    assert manifest_faults(tmp_path) == ["MANIFEST.json: not there"]


@pytest.mark.parametrize("name", ["../a.json", "/etc/passwd", "sub/../../a.json", "./a.json", "a\\b", ""])
def test_a_name_that_leads_out_of_the_folder_is_not_followed(folder: Path, name: str) -> None:
    files = json.loads((folder / MANIFEST).read_text())["files"]
    (folder / MANIFEST).write_text(json.dumps({"files": files | {name: "0"}}))
    assert manifest_faults(folder) == [f"{name}: no plain file name"]
