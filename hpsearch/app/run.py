"""`hpsearch run`: from a study file to a verified model. The study is opened or begun, held, and launched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml

from hpsearch.app.display import Display, Silent
from hpsearch.app.launch import driver_name, launch, utc_now
from hpsearch.app.opened import OpenStudy
from hpsearch.app.results import StudyResult, load
from hpsearch.app.store import store_folder
from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import prepare_dataset
from hpsearch.errors import NoTrialCompleted, StudyChanged
from hpsearch.records import StudyInfo
from hpsearch.search.book import Book
from hpsearch.search.folder import StudyFile, StudyFolder, new_uid
from hpsearch.search.history import read_history
from hpsearch.search.settings import Settled, settle
from hpsearch.spec import StudySpec, load_spec
from hpsearch.spec.compare import differences


def run(
    source: str | Path | StudySpec,
    *,
    trials: int | None = None,
    more: int | None = None,
    new: bool = False,
    timeout: float | None = None,
    workers: int | str | None = None,
    store: str | Path | None = None,
    display: Display | None = None,
) -> StudyResult:
    """Run a study, or go on with it, and return what it found.

    source: a study file or a `StudySpec`. trials: in all, over every launch (default: the file's). more: that many
    beyond what has been done. new: start afresh; an earlier study of this name is set aside. timeout: seconds that
    the search may take now. workers: a number, 'auto' or 'inline'. store: folder for everything that is made.

    Raises SpecError, DataError, StudyChanged, StudyLocked, StudyAborted, and NoTrialCompleted where the budget is spent
    without a completed trial. Ctrl-C ends the launch early; the result's `ending` says so, and the same call goes on.
    """
    spec = source if isinstance(source, StudySpec) else load_spec(source)
    text = _text(source, spec)
    place, shown = store_folder(store, create=True), display or Silent()
    folder = StudyFolder(place / "studies" / spec.name)
    owner = driver_name()
    with folder.locked(owner):
        data = prepare_dataset(spec, place / "cache")
        settled = settle(spec, data)
        file = _continue_or_begin(folder, spec, text, data, settled, new, shown)
        for note in data.notes:
            shown.note(note)
        file = _with_total(folder, file, spec, trials, more)
        study = OpenStudy(folder, file, spec, data, settled)
        count = spec.search.workers if workers is None else workers
        timeout = spec.search.timeout if timeout is None else timeout
        ending, link = launch(study, file.trials, timeout, count, place, owner, shown)
    result = replace(load(spec.name, store=place), ending=ending, link=link)
    if result.best is None and ending != "interrupted":
        raise NoTrialCompleted(f"no trial of '{spec.name}' completed: {result.failures()}")
    return result


def _continue_or_begin(
    folder: StudyFolder, spec: StudySpec, text: str, data: Dataset, settled: Settled, new: bool, shown: Display
) -> StudyFile:
    """Return the study on disk if it is the same one, else a new one."""
    now = spec.model_dump(mode="json")
    if folder.exists() and not new:
        known = folder.read()
        changed = differences(known.spec, now)
        if not changed and known.info.data_digest != data.digest:
            changed = [f"data: digest {known.info.data_digest[:12]} -> {data.digest[:12]} (the rows are not the same)"]
        if not changed:
            return known
        if read_history(folder.history):
            lines = "\n  ".join(changed)
            raise StudyChanged(
                f"study '{spec.name}' began with another study file:\n  {lines}\n"
                "undo the change, give the study another name, or start afresh with --new (the old one is set aside)"
            )
        folder.set_aside()  # no trial of it ever ended: there is nothing to lose
    elif folder.exists():
        shown.note(f"the earlier study '{spec.name}' is set aside in {folder.set_aside()}")
    info = StudyInfo(
        spec.name, new_uid(), settled.objective.name, settled.objective.direction, data.signature.task, data.digest,
        data.splits, spec.description,
    )  # fmt: skip
    return StudyFile(info, now, str(spec.folder), text, str(data.folder), spec.search.trials, utc_now())


def _with_total(
    folder: StudyFolder, file: StudyFile, spec: StudySpec, trials: int | None, more: int | None
) -> StudyFile:
    """Settle how many trials there are to be in all, and write the study down."""
    done = Book(folder, file.info.direction, 1).counted()
    total = max(file.trials, spec.search.trials)
    if more is not None:
        total = done + more
    if trials is not None:
        total = max(trials, done)
    # What may differ from launch to launch is remembered as it was last asked for.
    decided = replace(file, trials=total, spec=spec.model_dump(mode="json"))
    folder.write(decided)
    return decided


def _text(source: str | Path | StudySpec, spec: StudySpec) -> str:
    """Return the study file as it was written; of a spec made in Python, its YAML."""
    if isinstance(source, StudySpec):
        return yaml.safe_dump(spec.model_dump(mode="json", exclude_defaults=True), sort_keys=False)
    return Path(source).read_text("utf-8-sig")
