"""`hpsearch doctor`: are the studies of a store whole, and their runs in MLflow? What is not, `repair` puts right.

Each launch does the same by itself, first of all (`app/repair.py`, `Tracker.reconcile`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch.app.finalists import finalist_runs
from hpsearch.app.holder import driver_name
from hpsearch.app.opened import KnownStudy, open_study
from hpsearch.app.repair import put_right
from hpsearch.app.results import load
from hpsearch.app.store import private_files, store_folder
from hpsearch.app.winner import deliver
from hpsearch.delivery.predictor import verify_package
from hpsearch.delivery.publish import unfinished
from hpsearch.diagnosis import Finding
from hpsearch.errors import HpsearchError, PackageError, StudyLocked
from hpsearch.search.checkup import examine_files
from hpsearch.search.folder import StudyFolder, find_study, set_aside, study_names
from hpsearch.search.history import read_history
from hpsearch.search.widen import finish_widening, moving_names
from hpsearch.tracking.checkup import examine_runs, examine_spool
from hpsearch.tracking.location import artifact_root, tracking_uri
from hpsearch.tracking.mlflow import Tracker


@dataclass(frozen=True)
class Examined:
    """A study, and what is wrong with it."""

    name: str
    findings: tuple[Finding, ...] = ()
    """what is wrong now; after a repair what is left"""
    repaired: tuple[Finding, ...] = ()
    """what was wrong, and is no longer"""
    running: str = ""
    """who runs it, if it is being run: it is not examined then"""

    @property
    def well(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.findings

    def to_json(self) -> dict[str, Any]:
        """Return what `doctor --json` prints of a study; its keys are stable."""
        return {
            "study": self.name,
            "well": self.well,
            "running": self.running,
            "findings": [finding.to_json() for finding in self.findings],
            "repaired": [finding.to_json() for finding in self.repaired],
        }


@private_files()
def doctor(study: str | None = None, *, repair: bool = False, store: str | Path | None = None) -> list[Examined]:
    """Examine a study, or every one of a store, and return what is wrong with each.

    repair: put right what can be; doing it again changes nothing. A study that is being run is left alone.

    Raises UnknownStudy with the nearest name.
    """
    place = store_folder(store)
    names = sorted({*study_names(place), *moving_names(place)}) if study is None else [study]
    return [_examined(place, name, repair) for name in names]


def _examined(place: Path, name: str, repair: bool) -> Examined:
    folder, owner = StudyFolder(place / "studies" / name), driver_name()
    if name not in moving_names(place):
        find_study(place, name)
    try:
        with folder.locked(owner):
            found = _examine(folder, place, owner)
            if not repair or not any(finding.repairable for finding in found):
                return Examined(name, tuple(found))
            _repair(folder, place, owner)
            left = _examine(folder, place, owner)
    except StudyLocked as error:
        return Examined(name, running=str(error).partition("; ")[0])
    return Examined(name, tuple(left), tuple(finding for finding in found if finding not in left))


def _examine(folder: StudyFolder, place: Path, owner: str) -> list[Finding]:
    package = folder.path / "package"
    found = examine_files(folder)
    found += [
        Finding("package", f"{path} is half written", "removed, or put in its place") for path in unfinished(package)
    ]
    found += _package(package, folder.path.name)
    if any(finding.check == "files" and not finding.repairable for finding in found) or not folder.exists():
        return found  # without the records there is nothing to hold MLflow to
    study = _known(folder)
    records = list(read_history(folder.history).values())
    runs = finalist_runs(study, records)
    found += examine_spool(folder.spool)
    return found + examine_runs(tracking_uri(place), study.info, artifact_root(place), owner, records, runs)


def _package(package: Path, name: str) -> list[Finding]:
    if not package.exists():
        return []
    try:
        verify_package(package)
    except PackageError as error:
        what = str(error).partition(". ")[0].partition("; ")[0]
        return [Finding("package", what, f"set aside, and made again (as hpsearch best {name} does)")]
    return []


def _repair(folder: StudyFolder, place: Path, owner: str) -> None:
    """Put right what can be, in the order in which a launch writes; what fails is found by the next examination."""
    finish_widening(folder)
    study = _known(folder)
    records = list(put_right(study, rewrite=True).book.records.values())
    package = folder.path / "package"
    if _package(package, folder.path.name):
        set_aside(package)
        _made_again(study, place)
    with Tracker(tracking_uri(place), study.info, artifact_root(place), owner, spool=folder.spool) as tracker:
        tracker.reconcile(records)
        tracker.finalists(finalist_runs(study, records))


def _made_again(study: KnownStudy, place: Path) -> None:
    result = load(study.info.name, store=place)
    try:
        if result.best is not None:
            deliver(open_study(result), result.records, result.verdict)  # `package_of` would wait for our own lock
    except HpsearchError:
        return  # the data are gone, say; there is no package then, which `best` will say why


def _known(folder: StudyFolder) -> KnownStudy:
    file = folder.read()
    return KnownStudy(folder, file, file.load_spec())
