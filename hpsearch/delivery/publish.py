"""A folder, or a file, that appears whole or not at all."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from hpsearch.delivery.manifest import MANIFEST
from hpsearch.disk import refusal
from hpsearch.errors import DataError, PackageError
from hpsearch.fault_injection import crash_point


@contextmanager
def built_aside(folder: Path, contents: Collection[str]) -> Iterator[Path]:
    """Yield an empty sibling to fill; on leaving without an error it is synced to disk and takes the folder's place.

    A folder that is there already stays until then; it is only replaced if it holds a manifest and nothing but
    `contents` (names of files and folders), else PackageError. What a killed process left behind is put right first.
    One process at a time may publish a folder.
    """
    folder = folder.absolute()
    new, old = _beside(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        finish_publishing(folder)
        _refuse_foreign(folder, contents)
        new.mkdir()
        yield new
        _sync(new)
        crash_point("package-built")
        if folder.exists():
            folder.rename(old)
            crash_point("package-aside")
        new.rename(folder)
        crash_point("package-placed")
        _sync_entry(folder.parent)
    except OSError as error:
        raise PackageError(refusal(folder, error, instead="name another folder")) from error
    finally:
        # In this order: were the second rename refused, the old folder must come back.
        if not folder.exists() and old.exists():
            old.rename(folder)
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def unfinished(folder: Path) -> list[Path]:
    """Return what a process that died while it published a folder left beside it."""
    return [path for path in _beside(folder) if path.exists()]


def finish_publishing(folder: Path) -> list[Path]:
    """Put right what `unfinished` finds, and return it: an old folder without its new one takes its place again."""
    new, old = _beside(folder)
    found = unfinished(folder)
    if old.exists() and not folder.exists():
        old.rename(folder)
    for left in (new, old):
        if left.exists():
            shutil.rmtree(left)
    return found


@contextmanager
def written_aside(path: Path) -> Iterator[TextIO]:
    """Yield a text file to fill (gzipped if `path` ends in .gz); on leaving without an error it takes the path's place.

    A file that is there already stays until then. What is no plain file (a pipe, a terminal, /dev/null) is written to
    as it is. Raises DataError where it cannot be written.
    """
    path = path.resolve()
    plain = path.is_file() or not path.exists()
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp") if plain else path
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(aside, "wt", encoding="utf-8", newline="") as file:
            yield file
        if plain:
            _sync_entry(aside)
            aside.replace(path)
    except OSError as error:
        raise DataError(refusal(path, error, instead="name another file")) from error
    finally:
        if plain:
            aside.unlink(missing_ok=True)


def _beside(folder: Path) -> tuple[Path, Path]:
    new, old = (folder.with_name(f".{folder.name}.{state}") for state in ("new", "old"))
    return new, old


def _refuse_foreign(folder: Path, contents: Collection[str]) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise PackageError(f"{folder} is a file; name a folder that is new or empty")
    present = sorted(path.name for path in folder.iterdir())
    foreign = [name for name in present if name not in {*contents, MANIFEST, "__pycache__"}]
    if foreign or (present and MANIFEST not in present):
        shown = ", ".join((foreign or present)[:3])
        raise PackageError(f"{folder} holds files of others ({shown}); move them away or name a new or empty folder")


def _sync(folder: Path) -> None:
    """Bring every file and folder below to the disk: a rename may reach it before the content does."""
    for path in folder.rglob("*"):
        _sync_entry(path)
    _sync_entry(folder)


def _sync_entry(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
