"""`hpsearch run`: from a study file to tracked trials, the best one packaged and evaluated. Read it from the top."""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from hpsearch.app.best import deliver_best
from hpsearch.app.display import Display, Fallbacks, Silent
from hpsearch.app.opened import OpenStudy
from hpsearch.app.pictures import log_study_pictures, log_trial_pictures
from hpsearch.app.results import StudyResult, load
from hpsearch.app.store import store_folder
from hpsearch.data.dataset import Dataset
from hpsearch.data.faults import source_name
from hpsearch.data.prepared import prepare_dataset
from hpsearch.errors import NoTrialCompleted, StudyChanged
from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.report.text import readable
from hpsearch.search.book import Book
from hpsearch.search.folder import StudyFile, StudyFolder, new_uid
from hpsearch.search.history import read_history
from hpsearch.search.optuna_study import OptunaStudy
from hpsearch.search.recovery import recover
from hpsearch.search.settings import Settled, settle, worker_count
from hpsearch.search.study import Ending, Plan, Search
from hpsearch.spec import StudySpec, load_spec
from hpsearch.spec.compare import differences
from hpsearch.tracking.location import artifact_root, is_server, tracking_uri
from hpsearch.tracking.mlflow import Tracker
from hpsearch.tracking.silence import import_mlflow
from hpsearch.tracking.ui import study_link, without_user
from hpsearch.training.select import make_trainer
from hpsearch.workers.inline import InlinePool
from hpsearch.workers.pool import Pool
from hpsearch.workers.processes import ProcessPool
from hpsearch.workers.protocol import Setup


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
    beyond what has been done. new: start afresh; an earlier study of this name is set aside. timeout: seconds, this
    launch. workers: a number, 'auto' or 'inline'. store: folder for everything that is made.

    Raises SpecError, DataError, StudyChanged, StudyLocked, StudyAborted, and NoTrialCompleted where the budget is spent
    without a completed trial. Ctrl-C ends the launch early; the result's `ending` says so, and the same call goes on.
    """
    spec = source if isinstance(source, StudySpec) else load_spec(source)
    text = _text(source, spec)
    place, shown = store_folder(store, create=True), display or Silent()
    folder = StudyFolder(place / "studies" / spec.name)
    owner = f"process {os.getpid()} on {socket.gethostname()} since {_now()}"
    with folder.locked(owner):
        data = prepare_dataset(spec, place / "cache")
        settled = settle(spec, data)
        file = _continue_or_begin(folder, spec, text, data, settled, new, shown)
        for note in data.notes:
            shown.note(note)
        file = _with_total(folder, file, spec, trials, more)
        study = OpenStudy(folder, file, spec, data, settled)
        count = spec.search.workers if workers is None else workers
        ending, link = _launch(study, _plan(study, timeout), count, place, owner, shown)
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
    return StudyFile(info, now, str(spec.folder), text, str(data.folder), spec.search.trials, _now())


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
    decided = replace(file, trials=total)
    folder.write(decided)
    return decided


def _plan(study: OpenStudy, timeout: float | None) -> Plan:
    search = study.spec.search
    return Plan(
        seed=search.seed,
        objective=study.settled.objective,
        trials=study.file.trials,
        splits=study.info.splits,
        timeout=search.timeout if timeout is None else timeout,
        trial_timeout=search.trial_timeout,
        stop_at=search.stop_at,
    )


def _launch(
    study: OpenStudy, plan: Plan, workers: int | str, place: Path, owner: str, shown: Display
) -> tuple[Ending, str]:
    """Search, package, evaluate, with MLflow hearing of it all; return why it ended and the link to see it."""
    book = Book(study.folder, study.info.direction, study.spec.search.keep_models)
    asker = _asker(study, book, shown)
    left = max(plan.trials - book.counted(), 0)
    uri = tracking_uri(place)
    tracker = Tracker(uri, study.info, artifact_root(place), owner)
    with tracker, _pool(study, workers, left) as pool:
        import_mlflow()  # here, not in the tracker's thread: importing and warnings.catch_warnings elsewhere do not mix
        _begin_launch(tracker, study, plan, place)
        if book.records and (repaired := tracker.reconcile(list(book.records.values()))):
            shown.note(f"MLflow: {_counted(len(repaired), 'repair')} made after an earlier launch")
        shown.begin(study.info, plan.trials, pool.places, list(book.records.values()))
        search = Search(asker, pool, book, plan, [tracker, shown, Fallbacks(shown)])
        try:
            with _signals(search.interrupt):
                ending = search.run()
        finally:
            shown.end()
            pool.close()
        _end_launch(tracker, study, ending, list(book.records.values()), shown)
        experiment = tracker.experiment_id
    base = without_user(uri) if is_server(uri) else "http://127.0.0.1:5000"
    return ending, study_link(base, experiment, "objective", study.info.direction) if experiment else ""


def _asker(study: OpenStudy, book: Book, shown: Display) -> OptunaStudy:
    """Open Optuna's side, put right what an earlier launch left, and queue what is to be tried first."""
    settled = study.settled
    asker = OptunaStudy(study.folder.journal, study.spec.search, settled.space, study.info.direction, settled.steps)
    lost = recover(asker, book)
    asker.enqueue_missing(settled.space.completed(given) for given in study.spec.search.start_with)
    if lost:
        shown.note(f"{_counted(len(lost), 'trial')} that an earlier launch left unfinished will be run again")
    return asker


def _begin_launch(tracker: Tracker, study: OpenStudy, plan: Plan, place: Path) -> None:
    search, data = study.spec.search, study.data
    params = {
        "objective": plan.objective.name,
        "trials": plan.trials,
        "sampler": search.sampler.name,
        "pruner": search.pruner.name,
        "seed": search.seed,
        "splits": plan.splits,
        "trainer": search.trainer,
    }
    tracker.start_launch(study.file.text, tags={"hpsearch.store": str(place)}, params=params)
    source = source_name(study.spec.data)
    tracker.log_dataset(study.info.name, data.digest, data.rows["total"], data.signature.columns, source)


def _end_launch(
    tracker: Tracker, study: OpenStudy, ending: Ending, records: Sequence[TrialRecord], shown: Display
) -> None:
    if ending != "interrupted" and any(record.state == "completed" for record in records):
        shown.note("packaging and evaluating the best trial")
        deliver_best(study, records, tracker)
    log_trial_pictures(tracker, study.info, records)
    log_study_pictures(tracker, study, records)
    tracker.flush()
    if tracker.trouble:
        tracker.reconcile(records)
    tracker.end_launch("KILLED" if ending == "interrupted" else "FINISHED", tags={"hpsearch.ending": ending})
    tracker.flush()
    if tracker.trouble:
        trouble = readable(tracker.trouble, 160)
        shown.note(f"MLflow could not be written ({trouble}); the next launch writes what is missing")


@contextlib.contextmanager
def _pool(study: OpenStudy, workers: int | str, left: int) -> Iterator[Pool]:
    """Open as many places as there are trials left at most."""
    settings, data = study.settled.settings, study.data
    pool: Pool
    if workers == "inline":
        pool = InlinePool(make_trainer(settings), data)
    else:
        pool = ProcessPool(min(worker_count(workers), left), Setup(data.folder, settings), study.folder.logs)
    try:
        yield pool
    finally:
        pool.close()


@contextlib.contextmanager
def _signals(interrupt: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the launch gently, and a second Ctrl-C at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def gently(_number: int, _frame: Any) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interrupt()

    before = {number: signal.signal(number, gently) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _text(source: str | Path | StudySpec, spec: StudySpec) -> str:
    """Return the study file as it was written; of a spec made in Python, its YAML."""
    if isinstance(source, StudySpec):
        return yaml.safe_dump(spec.model_dump(mode="json", exclude_defaults=True), sort_keys=False)
    return Path(source).read_text("utf-8-sig")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
