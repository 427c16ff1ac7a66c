"""What is wrong with a study's own files, found without changing any. `recovery` puts right what can be.

The invariants: no file is half written; each trial has one number and one line in the history; none is running; Optuna
and the history agree on how each ended; what was interrupted waits to be run again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from hpsearch.diagnosis import Finding, listed
from hpsearch.errors import StoreError
from hpsearch.records import TrialRecord
from hpsearch.search.finalists import read_results, read_verdict
from hpsearch.search.folder import StudyFolder
from hpsearch.search.history import read_history
from hpsearch.search.journal import read_trials
from hpsearch.search.looks import looks
from hpsearch.search.optuna_study import STATES, unqueued
from hpsearch.search.widen import widening_of

_REWRITTEN = "optuna.journal is set aside, and written again from the history"


def examine_files(folder: StudyFolder) -> list[Finding]:
    """Return what is wrong with the files of a study that no driver is running."""
    found = [*_partial(folder), *_torn(folder)]
    found += [_damage(fault) for fault in _damaged(folder)]
    try:
        records, trials = read_history(folder.history), read_trials(folder.journal)
    except StoreError as error:
        return [*found, _damage(error)]
    return [*found, *_twice(folder.history), *disagreements(trials, records)]


def disagreements(trials: Sequence[FrozenTrial], records: Mapping[int, TrialRecord]) -> list[Finding]:
    """Return where Optuna's trials and the history's records differ."""
    known = {trial.number: trial for trial in trials}
    running = [number for number, trial in known.items() if trial.state is TrialState.RUNNING]
    found = [
        *_told(running, records),
        *_numbers("Optuna's journal lacks {} that the history has", _unknown(trials, records), _REWRITTEN),
        *_numbers("the history lacks the line of {}, ended in Optuna", _without_line(trials, records), _REWRITTEN),
        *_numbers("Optuna and the history do not agree on how {} ended", _differing(trials, records), _REWRITTEN),
    ]
    waiting = unqueued(records.values(), trials)
    # A trial that is lost or untold is queued again when that is put right.
    waiting = [(root, record) for root, record in waiting if record.number not in running]
    return [*found, *_numbers("{}: interrupted, and not queued again", [r.number for _, r in waiting], "queued again")]


def contradicted(trials: Sequence[FrozenTrial], records: Mapping[int, TrialRecord]) -> bool:
    """Tell whether Optuna's journal says what no crash explains; the history is believed then."""
    return any(check(trials, records) for check in (_unknown, _without_line, _differing))


def _unknown(trials: Sequence[FrozenTrial], records: Mapping[int, TrialRecord]) -> list[int]:
    return sorted(records.keys() - {trial.number for trial in trials})


def _differing(trials: Sequence[FrozenTrial], records: Mapping[int, TrialRecord]) -> list[int]:
    return [trial.number for trial in trials if trial.number in records and _differs(trial, records[trial.number])]


def _without_line(trials: Sequence[FrozenTrial], records: Mapping[int, TrialRecord]) -> list[int]:
    """Return the numbers of trials that ended in Optuna and have no line; one without parameters never was a trial."""
    return [t.number for t in trials if t.state.is_finished() and t.params and t.number not in records]


def leftovers(folder: StudyFolder) -> list[Path]:
    """Return the files that a driver had not finished writing when it died."""
    return sorted(folder.path.rglob(".*.tmp"))


def _partial(folder: StudyFolder) -> Iterator[Finding]:
    for path in leftovers(folder):
        yield Finding("files", f"{path} is half written, by a process that is gone", "removed")
    moving = widening_of(folder)
    if moving.path.exists():
        remedy = "the unfinished one is removed" if folder.exists() else "the move is brought to its end"
        yield Finding("files", f"{moving.path} was moving into a changed space when its process died", remedy)


def _torn(folder: StudyFolder) -> Iterator[Finding]:
    for path in (folder.journal, folder.history, folder.finalists):
        if path.exists() and (content := path.read_bytes()) and not content.endswith(b"\n"):
            yield Finding("files", f"{path} ends in half a line", "the half line is cut off and kept as .torn")


def _damaged(folder: StudyFolder) -> Iterator[StoreError]:
    """Try every file that is replaced whole."""
    for read in (
        folder.read,
        lambda: read_results(folder.finalists),
        lambda: read_verdict(folder),
        lambda: looks(folder),
    ):
        try:
            read()
        except StoreError as error:
            yield error


def _damage(error: StoreError) -> Finding:
    what, _, remedy = str(error).partition("; ")
    return Finding("files", what, remedy or "restore it", repairable=False)


def _twice(history: Path) -> list[Finding]:
    lines = history.read_bytes().split(b"\n")[:-1] if history.exists() else []
    seen = Counter(json.loads(line)["number"] for line in lines)
    twice = sorted(number for number, count in seen.items() if count > 1)
    return _numbers("the history has {} more than once", twice, "the last line of each is kept, the file as it was too")


def _told(running: Sequence[int], records: Mapping[int, TrialRecord]) -> list[Finding]:
    ended = [number for number in running if number in records]
    lost = [number for number in running if number not in records]
    return [
        *_numbers("{}: ended, and still running in Optuna", ended, "Optuna is told how it ended"),
        *_numbers("{}: left running by a driver that is gone", lost, "interrupted, and queued again"),
    ]


def _differs(trial: FrozenTrial, record: TrialRecord) -> bool:
    if not trial.state.is_finished():
        return trial.state is TrialState.WAITING
    state = STATES.get(record.state, TrialState.FAIL)
    return trial.state is not state or (state is TrialState.COMPLETE and trial.value != record.value)


def _numbers(what: str, numbers: Sequence[int], remedy: str, *, repairable: bool = True) -> list[Finding]:
    if not numbers:
        return []
    return [Finding("trials", what.format(listed("trial", numbers)), remedy, repairable)]
