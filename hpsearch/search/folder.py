"""A study's folder: what is in it, who holds it, and how it begins.

    <store>/studies/<name>/study.json        what the study is (written once, replaced whole)
    <store>/studies/<name>/optuna.journal    Optuna's storage, written by the driver alone
    <store>/studies/<name>/history.jsonl     a line for each finished trial, with every epoch
    <store>/studies/<name>/weights/          the best trials' weights
    <store>/studies/<name>/finalists.jsonl   a line for each training of a finalist on a new seed
    <store>/studies/<name>/verdict.json      what the finalists' comparison says
    <store>/studies/<name>/test_looks.json   which models have been scored on the test rows
    <store>/studies/<name>/mlflow.spool      what MLflow could not be told yet
    <store>/studies/<name>/logs/             what workers printed
    <store>/studies/.<name>.lock             held (flock) while a driver runs; outside, as the folder can be moved

One folder a study, rather than one journal for all: two studies can run at once, a damaged file costs one of them.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hpsearch.disk import refusal, unwritable, user
from hpsearch.errors import StoreError, StudyLocked, UnknownStudy, as_written, suggestion
from hpsearch.records import StudyInfo
from hpsearch.spec import StudySpec, make_spec
from hpsearch.spec.sections import SLUG


@dataclass(frozen=True)
class StudyFile:
    """What `study.json` holds."""

    info: StudyInfo
    spec: dict[str, Any]
    folder: str
    """what the spec's relative data paths start from"""
    text: str
    """the study file as it was written"""
    dataset: str
    """the folder of the prepared data"""
    trials: int
    """trials in all, as last asked for"""
    created: str
    """UTC, ISO 8601"""

    def load_spec(self) -> StudySpec:
        """Return the spec the study began with."""
        return make_spec(self.spec, source=self.info.name, folder=Path(self.folder))


@dataclass(frozen=True)
class StudyFolder:
    """The paths of one study."""

    path: Path

    @property
    def journal(self) -> Path:
        """Optuna's storage."""
        return self.path / "optuna.journal"

    @property
    def history(self) -> Path:
        """The finished trials, a JSON line each."""
        return self.path / "history.jsonl"

    @property
    def weights(self) -> Path:
        """Folder of the best trials' weights."""
        return self.path / "weights"

    @property
    def finalists(self) -> Path:
        """The finished trainings of finalists, a JSON line each."""
        return self.path / "finalists.jsonl"

    @property
    def verdict(self) -> Path:
        """What the finalists' comparison says."""
        return self.path / "verdict.json"

    @property
    def evaluation(self) -> Path:
        """What the test rows say of the delivered model."""
        return self.path / "evaluation.json"

    @property
    def looks(self) -> Path:
        """Which models have been scored on the test rows."""
        return self.path / "test_looks.json"

    @property
    def spool(self) -> Path:
        """What MLflow could not be told yet; there while something waits."""
        return self.path / "mlflow.spool"

    @property
    def logs(self) -> Path:
        """Folder of the workers' output."""
        return self.path / "logs"

    def exists(self) -> bool:
        """Tell whether a study lives here."""
        return (self.path / "study.json").exists()

    def read(self) -> StudyFile:
        """Return what the study is. Raises StoreError where the file is damaged."""
        file = self.path / "study.json"
        try:
            values = json.loads(file.read_text())
            return StudyFile(**values | {"info": StudyInfo(**values["info"])})
        except OSError as error:
            raise StoreError(f"{file} cannot be read: {error.strerror} (user {user()}); see to its rights") from None
        except (ValueError, TypeError, KeyError) as error:
            raise StoreError(f"{file} is damaged ({error}); restore it, or start afresh with --new") from None

    def write(self, study: StudyFile) -> None:
        """Replace what the study is, whole. Raises StoreError, also where another file of it cannot be written."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(refusal(self.path, error)) from None
        for folder in filter(Path.exists, (self.path, self.weights, self.logs)):
            if (refused := unwritable(folder)) is not None:
                raise StoreError(refusal(folder, refused))
        for file in filter(Path.exists, (self.journal, self.history, self.finalists)):
            if not os.access(file, os.R_OK | os.W_OK):
                raise StoreError(refusal(file, PermissionError(errno.EACCES, os.strerror(errno.EACCES))))
        write_whole(self.path / "study.json", json.dumps(asdict(study), indent=1).encode())

    def set_aside(self) -> Path:
        """Move the study out of the way of a new one of its name, and return where it is now."""
        try:
            uid = self.read().info.uid
        except StoreError:
            uid = new_uid()  # a damaged study must not be in the way of a new one
        aside = self.path.parent / f".{self.path.name}-{uid}"
        try:
            self.path.rename(aside)
        except OSError as error:
            raise StoreError(refusal(aside, error)) from None
        return aside

    @contextlib.contextmanager
    def locked(self, owner: str) -> Iterator[None]:
        """Hold the study for this process. Raises StudyLocked where another one does.

        The kernel drops the lock with the process, so a dead driver's lock is never in the way.
        """
        path = self.path.parent / f".{self.path.name}.lock"
        lock = _open_lock(path)
        try:
            _take(lock, path, self.path.name, owner)
            yield
        finally:
            os.close(lock)


def _open_lock(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(refusal(path.parent, error)) from None


def _take(lock: int, path: Path, name: str, owner: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.truncate(lock, 0)
        os.pwrite(lock, owner.encode(), 0)
    except BlockingIOError:
        holder = os.pread(lock, 1000, 0).decode(errors="replace").strip() or "another process"
        message = f"study '{name}' is being run by {holder}"
        raise StudyLocked(f"{message}; wait for it, or stop it with Ctrl-C there") from None
    except OSError as error:
        raise StoreError(refusal(path, error, len(owner))) from None


def find_study(store: Path, name: str) -> StudyFolder:
    """Return an existing study's folder. Raises UnknownStudy with the nearest name."""
    folder = StudyFolder(store / "studies" / name)
    if not re.fullmatch(SLUG, name) or not folder.exists():
        names = study_names(store)
        hint = suggestion(name, names) if names else "; there is none yet, start one with hpsearch run"
        raise UnknownStudy(f"no study {as_written(name)} in {store}{hint}")
    return folder


def study_names(store: Path) -> list[str]:
    """Return the names of the studies in a store, in order."""
    found = (store / "studies").glob("*/study.json")
    return sorted(path.parent.name for path in found if not path.parent.name.startswith("."))


def new_uid() -> str:
    """Return 16 random hex digits."""
    return secrets.token_hex(8)


def set_aside(path: Path) -> Path:
    """Move a damaged file or folder out of the way, under a name of its own beside it, and return that."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return path.rename(aside)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, never a part."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StoreError(refusal(path, error, len(content))) from None
