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


def test_a_file_that_the_manifest_does_not_name_is_no_fault(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    assert manifest_faults(folder) == []


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


def test_a_name_that_leads_out_of_the_folder_is_not_followed(folder: Path) -> None:
    (folder / MANIFEST).write_text(json.dumps({"files": {"../a.json": "0"}}))
    assert manifest_faults(folder) == ["../a.json: no plain file name"]
