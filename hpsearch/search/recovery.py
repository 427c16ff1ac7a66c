"""Put Optuna's journal and the history in step again after a launch that did not end well."""

from __future__ import annotations

from optuna.trial import TrialState

from hpsearch.errors import StoreError
from hpsearch.fault_injection import crash_point
from hpsearch.records import TrialRecord
from hpsearch.records import TrialState as State
from hpsearch.search.book import Book
from hpsearch.search.checkup import without_line
from hpsearch.search.optuna_study import OptunaStudy, started_at

_ENDED: dict[TrialState, State] = {
    TrialState.COMPLETE: "completed",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


def recover(study: OptunaStudy, book: Book) -> list[TrialRecord]:
    """End every trial that Optuna holds as running, and return those that are lost and will be run again.

    The driver holds the study's lock, so nobody is running them. A trial whose line is in the history had ended: Optuna
    is told. Any other is lost: its configuration is queued again, under the seed of its first try. Running this twice
    changes nothing. Raises StoreError where the journal lacks trials of the history.
    """
    trials = study.trials()
    unknown = sorted(book.records.keys() - {trial.number for trial in trials})
    if unknown:
        numbers = ", ".join(map(str, unknown[:5])) + (", ..." if len(unknown) > 5 else "")
        raise StoreError(
            f"{study.journal} is damaged: it lacks trials that the history has ({numbers}); "
            "restore it, or start afresh with --new"
        )
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


def restore_lines(study: OptunaStudy, book: Book, objective: str) -> list[TrialRecord]:
    """Write the history's line of every trial that ended in Optuna and has none, from what Optuna knows of it.

    No crash leaves such a trial; a line taken out of a damaged history does. objective: the metric's name. What Optuna
    calls failed was interrupted if another trial runs it again, else it failed.
    """
    trials = {trial.number: trial for trial in study.trials()}
    retried = {trial.user_attrs.get("retry_of") for trial in trials.values()}
    restored = []
    for number in without_line(trials.values(), book.records):
        trial, reason = trials[number], "its line in the history was lost, and is written again from Optuna"
        state = _ENDED[trial.state]
        record = TrialRecord(
            number, study.configuration_of(trial), "interrupted" if state == "failed" and number in retried else state,
            reason, trial.value if state == "completed" else None,
            metrics={f"val_{objective}": trial.value} if state == "completed" and trial.value is not None else {},
            started=started_at(trial), retry_of=trial.user_attrs.get("retry_of"),
        )  # fmt: skip
        book.add(record)
        restored.append(record)
    return restored
