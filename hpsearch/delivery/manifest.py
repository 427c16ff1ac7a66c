"""The manifest of a package: the sha256 of every file, written last, checked before anything is loaded.

Only the standard library is imported: a package carries a copy of this file, to check itself without hpsearch.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

MANIFEST = "MANIFEST.json"


def write_manifest(folder: Path) -> Path:
    """Write the manifest of the files that stand in a folder now."""
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name != MANIFEST)
    files = {path.name: file_digest(path) for path in paths}
    path = folder / MANIFEST
    path.write_text(json.dumps({"files": files}, indent=1) + "\n", encoding="utf-8")
    return path


def manifest_faults(folder: Path) -> list[str]:
    """Say what differs from the manifest, a line each: no manifest, a file missing, a file changed.

    Files that the manifest does not name are no fault: it guards against damage, and a person may keep notes beside.
    """
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        expected = {str(name): str(digest) for name, digest in files.items()}
    except FileNotFoundError:
        return [f"{MANIFEST}: not there"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [f"{MANIFEST}: unreadable"]
    return [fault for name, digest in expected.items() if (fault := _fault(folder, name, digest))]


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fault(folder: Path, name: str, expected: str) -> str:
    if Path(name).name != name:
        return f"{name}: no plain file name"
    path = folder / name
    if not path.is_file():
        return f"{name}: not there"
    got = file_digest(path)
    return "" if got == expected else f"{name}: sha256 expected {expected[:16]}…, got {got[:16]}…"
