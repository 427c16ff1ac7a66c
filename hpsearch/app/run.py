"""`hpsearch run`: from a study file to tracked trials, the best one packaged and evaluated. Read it from the top."""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from hpsearch.app.best import deliver_best
from hpsearch.app.display import Display, Silent
from hpsearch.app.pictures import TrialPictures, log_study_pictures
from hpsearch.app.results import StudyResult, load
from hpsearch.app.store import store_folder
from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import prepare_dataset
from hpsearch.data.sources import describe_source
from hpsearch.errors import NoTrialCompleted, StudyChanged
from hpsearch.records import StudyInfo
from hpsearch.search.book import Book
from hpsearch.search.folder import StudyFile, StudyFolder, new_uid
from hpsearch.search.optuna_study import OptunaStudy
from hpsearch.search.recovery import recover
from hpsearch.search.settings import Settled, settle, worker_count
from hpsearch.search.study import Ending, Plan, Search
from hpsearch.spec import StudySpec, load_spec
from hpsearch.spec.compare import differences
from hpsearch.tracking.location import artifact_root, is_server, redact, tracking_uri
from hpsearch.tracking.mlflow import Tracker
from hpsearch.tracking.ui import study_link
from hpsearch.training.select import make_trainer
from hpsearch.workers.inline import InlinePool
from hpsearch.workers.pool import Pool
from hpsearch.workers.processes import ProcessPool
from hpsearch.workers.protocol import Setup


def run(
    study: str | Path | StudySpec,
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

    study: a study file or a `StudySpec`. trials: in all, over every launch (default: the file's). more: that many
    beyond what has been done. new: start afresh; an earlier study of this name is set aside. timeout: seconds, this
    launch. workers: a number, 'auto' or 'inline'. store: folder for everything that is made.

    Raises SpecError, DataError, StudyChanged, StudyLocked, StudyAborted, and NoTrialCompleted where the budget is spent
    without a completed trial. Ctrl-C ends the launch early; the result's `ending` says so, and the same call goes on.
    """
    spec = study if isinstance(study, StudySpec) else load_spec(study)
    text = _text(study, spec)
    place, shown = store_folder(store, create=True), display or Silent()
    folder = StudyFolder(place / "studies" / spec.name)
    owner = f"process {os.getpid()} on {socket.gethostname()} since {_now()}"
    with folder.locked(owner):
        data = prepare_dataset(spec, place / "cache")
        for note in data.notes:
            shown.note(note)
        settled = settle(spec, data)
        known = _continue_or_begin(folder, spec, text, data, settled, new, shown)
        known = _with_total(folder, known, spec, trials, more)
        plan = _plan(spec, known, settled, timeout)
        ending, link = _launch(folder, known, spec, data, settled, plan, workers, place, owner, shown)
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
        if changed:
            lines = "\n  ".join(changed)
            raise StudyChanged(
                f"study '{spec.name}' began with another study file:\n  {lines}\n"
                "undo the change, give the study another name, or start afresh with --new (the old one is set aside)"
            )
        return known
    if folder.exists():
        shown.note(f"the earlier study '{spec.name}' is set aside in {folder.set_aside()}")
    info = StudyInfo(
        spec.name, new_uid(), settled.objective.name, settled.objective.direction, data.signature.task, data.digest,
        data.splits, spec.description,
    )  # fmt: skip
    return StudyFile(info, now, str(spec.folder), text, str(data.folder), spec.search.trials, _now())


def _with_total(
    folder: StudyFolder, known: StudyFile, spec: StudySpec, trials: int | None, more: int | None
) -> StudyFile:
    """Settle how many trials there are to be in all, and write the study down."""
    total = max(known.trials, spec.search.trials)
    if more is not None:
        total = Book(folder, known.info.direction, 1).counted() + more
    if trials is not None:
        total = trials
    decided = replace(known, trials=total, dataset=known.dataset)
    folder.write(decided)
    return decided


def _plan(spec: StudySpec, known: StudyFile, settled: Settled, timeout: float | None) -> Plan:
    search = spec.search
    return Plan(
        search.seed, settled.objective, known.trials, known.info.splits,
        timeout if timeout is not None else search.timeout, search.trial_timeout, search.stop_at,
    )  # fmt: skip


def _launch(
    folder: StudyFolder, known: StudyFile, spec: StudySpec, data: Dataset, settled: Settled, plan: Plan,
    workers: int | str | None, place: Path, owner: str, shown: Display,
) -> tuple[Ending, str]:  # fmt: skip
    """Search, then package, evaluate and log; MLflow hears of everything as it happens."""
    book = Book(folder, known.info.direction, spec.search.keep_models)
    study = OptunaStudy(folder.journal, spec.search, settled.space, known.info.direction, settled.steps)
    lost = recover(study, book)
    study.enqueue_missing(spec.search.start_with)
    if lost:
        shown.note(f"{len(lost)} trials that an earlier launch left unfinished will be run again")
    count = min(worker_count(spec.search.workers if workers is None else workers), max(plan.trials - book.counted(), 0))
    uri = tracking_uri(place)
    tracker = Tracker(uri, known.info, artifact_root(place), owner)
    with tracker, _pool(count, workers or spec.search.workers, folder, data, settled) as pool:
        tracker.start_launch(known.text, tags={"hpsearch.store": str(place)}, params=_launch_params(spec, plan))
        source = describe_source(spec.data, spec.folder)
        tracker.log_dataset(spec.name, data.digest, data.rows["total"], data.signature.columns, source)
        if book.records:
            for line in tracker.reconcile(list(book.records.values())):
                shown.note(f"MLflow: {line}")
        shown.begin(known.info, plan.trials, pool.places, list(book.records.values()))
        search = Search(study, pool, book, plan, [tracker, TrialPictures(tracker, known.info), shown])
        try:
            with _signals(search.interrupt):
                ending = search.run()
        finally:
            shown.end()
            pool.close()
        records = list(book.records.values())
        if ending != "interrupted" and book.best() is not None:
            shown.note("packaging and evaluating the best trial")
            deliver_best(folder, known, spec, data, settled, records, tracker)
        log_study_pictures(tracker, folder, known.info, settled.space, records, spec, data)
        tracker.end_launch("KILLED" if ending == "interrupted" else "FINISHED", tags={"hpsearch.ending": ending})
        experiment = tracker.experiment_id
        if tracker.trouble:
            shown.note(f"MLflow could not be written ({tracker.trouble}); the next launch writes what is missing")
    base = uri if is_server(uri) else "http://127.0.0.1:5000"
    link = study_link(redact(base), experiment, "objective", known.info.direction) if experiment else ""
    return ending, link


@contextlib.contextmanager
def _pool(
    count: int, asked: int | str, folder: StudyFolder, data: Dataset, settled: Settled
) -> Iterator[Pool]:  # fmt: skip
    pool: Pool
    if asked == "inline":
        pool = InlinePool(make_trainer(settled.settings), data)
    else:
        pool = ProcessPool(count, Setup(data.folder, settled.settings), folder.logs)
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


def _launch_params(spec: StudySpec, plan: Plan) -> dict[str, object]:
    search = spec.search
    return {
        "objective": plan.objective.name, "trials": plan.trials, "sampler": search.sampler.name,
        "pruner": search.pruner.name, "seed": search.seed, "splits": plan.splits, "trainer": search.trainer,
    }  # fmt: skip


def _text(study: str | Path | StudySpec, spec: StudySpec) -> str:
    """Return the study file as it was written; of a spec made in Python, its YAML."""
    if isinstance(study, StudySpec):
        import yaml

        return yaml.safe_dump(spec.model_dump(mode="json", exclude_defaults=True), sort_keys=False)
    return Path(study).read_text("utf-8-sig")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
