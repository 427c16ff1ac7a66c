"""The manifest of a package: the sha256 of every file, written last, checked before anything is loaded.

Only the standard library is imported: a package carries a copy of this file, to check itself without hpsearch.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

MANIFEST = "MANIFEST.json"

_LARGEST = 2**20
"""Bytes of a manifest; ours have some 1,000."""
_BYTECODE = "__pycache__"


def write_manifest(folder: Path) -> Path:
    """Write the manifest of the files that stand in a folder now, and in folders of it."""
    names = sorted(name for name, _ in _entries(folder) if name != MANIFEST)
    files = {name: file_digest(folder / name) for name in names}
    path = folder / MANIFEST
    path.write_text(json.dumps({"files": files}, indent=1) + "\n", encoding="utf-8")
    return path


def manifest_files(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file that a manifest names. Raises ValueError where there is none to be read."""
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"{MANIFEST}: not there")
    try:
        with path.open("rb") as file:
            files = json.loads(file.read(_LARGEST))["files"]
        return {str(name): str(digest) for name, digest in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"{MANIFEST}: unreadable") from None


def manifest_faults(folder: Path) -> list[str]:
    """Say what differs from the manifest, a line each: no manifest, a file missing, changed, added, or a link.

    Python's own `__pycache__` of the files that the manifest names is no fault; nothing of hpsearch reads it.
    """
    try:
        expected = manifest_files(folder)
    except ValueError as error:
        return [str(error)]
    faults = [fault for name, digest in expected.items() if (fault := _fault(folder, name, digest))]
    known = {*expected, MANIFEST}
    for name, plain in sorted(_entries(folder)):
        if not plain:
            faults.append(f"{name}: a link, a pipe or the like, no plain file")
        elif name not in known and not _is_bytecode(name, known):
            faults.append(f"{name}: added, {MANIFEST} does not name it; move it out of the folder")
    return faults


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fault(folder: Path, name: str, expected: str) -> str:
    parts = PurePosixPath(name)
    if not name or parts.is_absolute() or ".." in parts.parts or str(parts) != name or "\\" in name:
        return f"{name}: no plain file name"
    path = folder / name
    if not path.is_file():
        return f"{name}: not there"
    got = file_digest(path)
    return "" if got == expected else f"{name}: sha256 expected {expected[:16]}…, got {got[:16]}…"


def _entries(folder: Path) -> Iterator[tuple[str, bool]]:
    """Yield the name of everything in a folder that is no folder, and whether it is a plain file; links stay links."""
    for at, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(at) / name).is_symlink()]
        for name in (*files, *links):
            path = Path(at) / name
            yield path.relative_to(folder).as_posix(), path.is_file() and not path.is_symlink()


def _is_bytecode(name: str, known: set[str]) -> bool:
    path = PurePosixPath(name)
    module = f"{path.name.partition('.')[0]}.py"
    return path.parent.name == _BYTECODE and path.suffix == ".pyc" and str(path.parent.parent / module) in known
