"""One launch of a study, from the first trial to the delivered model, with MLflow hearing of it all.

search -> the finalists trained again and compared -> the winner packaged and evaluated -> pictures
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hpsearch.app.display import Display, Fallbacks
from hpsearch.app.divergence import DivergenceWatch
from hpsearch.app.finalists import (
    compare_finalists,
    expected_seconds,
    finalist_runs,
    planned_trainings,
    retrain,
    trainings_left,
)
from hpsearch.app.opened import OpenStudy
from hpsearch.app.pictures import log_study_pictures, log_trial_pictures
from hpsearch.app.repair import put_right
from hpsearch.app.report import log_report
from hpsearch.app.results import load
from hpsearch.app.signals import Signals
from hpsearch.app.winner import deliver, log_delivery, log_models
from hpsearch.data.faults import source_name
from hpsearch.fault_injection import crash_point
from hpsearch.records import TrialRecord
from hpsearch.report.text import duration, readable
from hpsearch.search.book import Book
from hpsearch.search.settings import worker_count
from hpsearch.search.study import Ending, Plan, Search
from hpsearch.tracking.database import sqlite_path
from hpsearch.tracking.location import artifact_root, is_server, tracking_uri
from hpsearch.tracking.mlflow import Tracker
from hpsearch.tracking.silence import import_mlflow
from hpsearch.tracking.ui import study_link, without_user
from hpsearch.training.select import make_trainer
from hpsearch.workers.inline import InlinePool
from hpsearch.workers.pool import Pool
from hpsearch.workers.processes import ProcessPool
from hpsearch.workers.protocol import Setup

_LONGEST = 200
"""Characters of what is said of MLflow's trouble."""


@dataclass(frozen=True)
class Launched:
    """How a launch ended."""

    ending: Ending
    link: str
    """where the MLflow UI shows its trials; '' where MLflow is away"""
    trouble: str
    """why MLflow could not be told all of it; '' where it was"""


def launch(
    study: OpenStudy,
    trials: int,
    timeout: float | None,
    workers: int | str,
    place: Path,
    owner: str,
    *,
    shown: Display,
    signals: Signals,
) -> Launched:
    """Search, name the winner, deliver it; return how the launch ended.

    trials: in all, over every launch. timeout: seconds the search may take now. owner: see `holder.py`.
    signals: may end the launch before its time.
    """
    plan = _plan(study, trials, timeout)
    right = put_right(study)
    for repair in right.repairs:
        shown.note(repair)
    book, asker = right.book, right.asker
    asker.enqueue_missing(study.settled.space.completed(given) for given in study.spec.search.start_with)
    uri = tracking_uri(place)
    tracker = Tracker(uri, study.info, artifact_root(place), owner, spool=study.folder.spool, tell=shown.note)
    with tracker, _pool(study, workers, _most_jobs(study, plan, book)) as pool:
        import_mlflow()  # here, not in the tracker's thread: importing and warnings.catch_warnings elsewhere do not mix
        _begin(tracker, study, plan, place)
        tracker.recall(list(book.records.values()))
        shown.begin(study.info, plan.trials, pool.places, list(book.records.values()))
        watch = DivergenceWatch(shown, study.settled.space, list(book.records.values()))
        search = Search(asker, pool, book, plan, [tracker, shown, Fallbacks(shown), watch])
        began = time.monotonic()
        try:
            with signals.calling(search.interrupt):
                ending = search.run()
        finally:
            shown.end()
        records = list(book.records.values())
        if _is_time_for_finalists(study, records, pool, ending, time.monotonic() - began, shown):
            ending = ending if retrain(study, records, pool, shown, signals.calling) else "interrupted"
        pool.close()
        _end(tracker, study, ending, records, place, shown)
        experiment = tracker.experiment_id
    base = without_user(uri) if is_server(uri) else "http://127.0.0.1:5000"
    link = study_link(base, experiment, "objective", study.info.direction) if experiment else ""
    return Launched(ending, link, readable(tracker.trouble, _LONGEST) if tracker.trouble else "")


def _plan(study: OpenStudy, trials: int, timeout: float | None) -> Plan:
    search = study.spec.search
    return Plan(
        seed=search.seed,
        objective=study.settled.objective,
        trials=trials,
        splits=study.info.splits,
        timeout=timeout,
        trial_timeout=search.trial_timeout,
        stop_at=search.stop_at,
    )


def _most_jobs(study: OpenStudy, plan: Plan, book: Book) -> int:
    """Return the most jobs that can run at once in any part of the launch."""
    trials = max(plan.trials - book.counted(), 0)
    section = study.spec.winner
    if trials and section is not None:
        return max(trials, section.finalists * section.seeds)
    return max(trials, trainings_left(study, list(book.records.values())))


def _begin(tracker: Tracker, study: OpenStudy, plan: Plan, place: Path) -> None:
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


def _is_time_for_finalists(
    study: OpenStudy, records: Sequence[TrialRecord], pool: Pool, ending: Ending, searched: float, shown: Display
) -> bool:
    """Tell whether the finalists are trained now; once the time is over, only if it takes no longer than the search."""
    if ending == "interrupted" or not planned_trainings(study, records):
        return False
    seconds = expected_seconds(study, records, pool.places)
    if ending != "timeout" or seconds <= searched:
        return True
    again = f"hpsearch verify {study.info.name}"
    shown.note(f"the time is over; training the best configurations again takes about {duration(seconds)}: {again}")
    return False


def _end(
    tracker: Tracker, study: OpenStudy, ending: Ending, records: Sequence[TrialRecord], place: Path, shown: Display
) -> None:
    tracker.finalists(finalist_runs(study, records))
    delivers = ending != "interrupted" and any(record.state == "completed" for record in records)
    if delivers:
        verdict = compare_finalists(study, records, shown)
        shown.note("packaging and evaluating the winner" if verdict else "packaging and evaluating the best trial")
        deliver(study, records, verdict)
        log_delivery(tracker, study, records, verdict)
    result = load(study.info.name, store=place)
    log_trial_pictures(tracker, study.info, records)
    log_study_pictures(tracker, study, result)
    if delivers:
        log_report(tracker, result)
    tracker.settle()
    if delivers:
        log_models(tracker, study)
        crash_point("delivery-logged")
    tracker.end_launch("KILLED" if ending == "interrupted" else "FINISHED", tags={"hpsearch.ending": ending})
    tracker.flush()
    if tracker.trouble:
        shown.note(mlflow_trouble(tracker.trouble, tracking_uri(place)))


def mlflow_trouble(trouble: str, uri: str) -> str:
    """Return what to say of an MLflow that could not be written, and what to do about it."""
    path = sqlite_path(uri)
    if path is not None and ("not a database" in trouble or "malformed" in trouble):
        return f"{path} is damaged; move it away, and the next launch writes it again from the study's history"
    return f"MLflow could not be written ({readable(trouble, _LONGEST)}); the next launch writes what is missing"


@contextlib.contextmanager
def _pool(study: OpenStudy, workers: int | str, jobs: int) -> Iterator[Pool]:
    """Open as many places as there are jobs at most."""
    settings, data = study.settled.settings, study.data
    pool: Pool
    if workers == "inline":
        pool = InlinePool(make_trainer(settings), data)
    else:
        memory = study.spec.search.worker_memory
        pool = ProcessPool(
            min(worker_count(workers), jobs), Setup(data.folder, settings), study.folder.logs,
            memory=None if isinstance(memory, str) else memory,
        )  # fmt: skip
    try:
        yield pool
    finally:
        pool.close()
