"""Put Optuna's journal and the history in step again after a launch that did not end well."""

from __future__ import annotations

from optuna.trial import FrozenTrial, TrialState

from hpsearch.errors import StoreError
from hpsearch.fault_injection import crash_point
from hpsearch.records import TrialRecord
from hpsearch.search.book import Book
from hpsearch.search.optuna_study import OptunaStudy, started_at


def recover(study: OptunaStudy, book: Book) -> list[TrialRecord]:
    """End every trial that Optuna holds as running, and return those that are lost and will be run again.

    The driver holds the study's lock, so nobody is running them. A trial whose line is in the history had ended: Optuna
    is told. Any other is lost: its configuration is queued again, under the seed of its first try. Running this twice
    changes nothing. Raises StoreError where the journal lacks trials of the history, or has them end otherwise.
    """
    trials = study.trials()
    unknown = sorted(book.records.keys() - {trial.number for trial in trials})
    if unknown:
        numbers = ", ".join(map(str, unknown[:5])) + (", ..." if len(unknown) > 5 else "")
        raise StoreError(
            f"{study.journal} is damaged: it lacks trials that the history has ({numbers}); {study.way_on}"
        )
    for trial in trials:
        if trial.state is TrialState.COMPLETE and (known := book.records.get(trial.number)) is not None:
            _require_same(study, trial, known)
    lost = []
    for trial in trials:
        if trial.state is not TrialState.RUNNING:
            continue
        record = book.records.get(trial.number)
        if record is None:
            retry_of = trial.user_attrs.get("retry_of")
            reason = "lost: the launch that ran it ended without a word"
            record = TrialRecord(
                trial.number,
                study.configuration_of(trial),
                "interrupted",
                reason,
                started=started_at(trial),
                retry_of=retry_of,
            )
            book.add(record)
            lost.append(record)
            crash_point("recovery-recorded")
        study.tell(trial.number, record.state, record.value)
        crash_point("recovery-told")
    study.requeue(book.records.values())
    return lost


def _require_same(study: OptunaStudy, trial: FrozenTrial, record: TrialRecord) -> None:
    if record.state != "completed" or trial.value != record.value:
        raise StoreError(
            f"{study.journal} is damaged: trial {trial.number} completed there with {trial.value}, and is "
            f"{record.state} with {record.value} in the history; {study.way_on}"
        )
