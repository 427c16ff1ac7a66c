"""`hpsearch run`: from a study file to a verified model. The study is held, opened or begun, and launched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml

from hpsearch.app.begin import open_or_begin, settle_total
from hpsearch.app.discovered import discovered
from hpsearch.app.display import Display, Silent
from hpsearch.app.holder import driver_name
from hpsearch.app.launch import launch
from hpsearch.app.opened import OpenStudy
from hpsearch.app.results import StudyResult, load
from hpsearch.app.signals import Signals
from hpsearch.app.store import private_files, store_folder
from hpsearch.data.prepared import prepare_dataset
from hpsearch.errors import NoTrialCompleted
from hpsearch.search.folder import StudyFolder
from hpsearch.search.settings import settle, warnings_of
from hpsearch.spec import StudySpec, load_spec
from hpsearch.tracking.location import tracking_uri


@private_files()
def run(
    source: str | Path | StudySpec,
    *,
    trials: int | None = None,
    more: int | None = None,
    new: bool = False,
    widen: bool = False,
    timeout: float | None = None,
    workers: int | str | None = None,
    store: str | Path | None = None,
    display: Display | None = None,
) -> StudyResult:
    """Run a study, or go on with it, and return what it found.

    source: a study file or a `StudySpec`. trials: in all, over every launch (default: the file's). more: that many
    beyond what has been done. new: start afresh; an earlier study of this name is set aside. widen: go on in a changed
    space, with the trials that still fit. timeout: seconds that the search may take now. workers: a number, 'auto' or
    'inline'. store: folder for everything that is made.

    Raises SpecError, DataError, StudyChanged, StudyLocked, StudyAborted, and NoTrialCompleted where the budget is spent
    without a completed trial. Ctrl-C ends the launch early, as SIGTERM
    and SIGHUP do; the result's `ending` says so, and the same call goes on.
    """
    spec = source if isinstance(source, StudySpec) else load_spec(source)
    text = _text(source, spec)
    place, shown = store_folder(store, create=True), display or Silent()
    tracking_uri(place)  # an address that MLflow cannot use is told before anything is made
    folder = StudyFolder(place / "studies" / spec.name)
    owner = driver_name()
    with Signals() as signals, folder.locked(owner):
        data = prepare_dataset(spec, place / "cache")
        spec = discovered(spec, data, None if new else folder)
        settled = settle(spec, data)
        file = open_or_begin(folder, spec, text, data, settled, "new" if new else "widen" if widen else None, shown)
        for note in data.notes:
            shown.note(note)
        file = settle_total(folder, file, spec, text, trials, more)
        study = OpenStudy(folder, file, spec, data, settled)
        count = spec.search.workers if workers is None else workers
        timeout = spec.search.timeout if timeout is None else timeout
        for warning in warnings_of(spec, settled.space, file.trials, count):
            shown.note(warning)
        launched = launch(study, file.trials, timeout, count, place, owner, shown=shown, signals=signals)
    result = replace(
        load(spec.name, store=place),
        ending=launched.ending,
        link=launched.link,
        trouble=launched.trouble,
        signal=signals.number,
    )
    if result.best is None and launched.ending != "interrupted":
        raise NoTrialCompleted(f"no trial of '{spec.name}' completed: {result.failures()}")
    return result


def _text(source: str | Path | StudySpec, spec: StudySpec) -> str:
    """Return the study file as it was written; of a spec made in Python, its YAML."""
    if isinstance(source, StudySpec):
        return yaml.safe_dump(spec.model_dump(mode="json", exclude_defaults=True), sort_keys=False)
    return Path(source).read_text("utf-8-sig")
