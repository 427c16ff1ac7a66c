"""Optuna's journal as a single driver keeps it: one write and one sync for a step of the search, nothing read twice.

Optuna's own backend syncs each fact of a trial (its start, each parameter, each report) and reads it back from the
file: 23 syncs for a trial of ten parameters and ten reports, where two are enough. What stands in the file is the same.
"""

from __future__ import annotations

import json
import os
from bisect import insort
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial, TrialState

from hpsearch.disk import refusal
from hpsearch.errors import StoreError
from hpsearch.search.history import append_bytes


class Journal(BaseJournalBackend):
    """A journal's file. What is appended counts at once, and is on disk after `flush`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unwritten: list[bytes] = []
        self._logs: Sequence[dict[str, Any]] = ()
        """the latest, those that Optuna has not read among them"""
        self._first = 0
        """number of the first of them"""
        with path.open("ab"):  # it is there from now on
            pass

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        """Return the logs from a number on: all that is in the file when Optuna asks first, then what was appended."""
        if log_number_from == 0 and not self._logs:
            self._logs = [json.loads(line) for line in self._path.read_bytes().splitlines()]
        self._logs = self._logs[log_number_from - self._first :]
        self._first = log_number_from
        return self._logs

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Take logs, to be written by the next flush."""
        lines = [json.dumps(log, separators=(",", ":")) for log in logs]
        self._unwritten += [line.encode() + b"\n" for line in lines]
        self._logs = [*self._logs, *map(json.loads, lines)]

    def flush(self) -> None:
        """Put on disk what was appended. What a full disk cuts short is taken back, so that the file stays readable.

        Raises StoreError where the disk refuses.
        """
        if not self._unwritten:
            return
        append_bytes(self._path, b"".join(self._unwritten))
        self._unwritten = []


def open_journal(path: Path) -> tuple[Journal, OneStudyStorage]:
    """Return a study's journal and Optuna's storage on it. Raises StoreError where the file cannot be read."""
    with _readable(path):
        journal = Journal(path.absolute())
        return journal, OneStudyStorage(journal)


def read_trials(path: Path) -> list[FrozenTrial]:
    """Return the trials in a journal, by number, and leave the file as it is; half a last line is passed over.

    Raises StoreError where the file cannot be read.
    """
    if not path.exists():
        return []
    with _readable(path):
        whole = path.read_bytes().rpartition(b"\n")[0]
        storage = OneStudyStorage(_Lines([json.loads(line) for line in whole.splitlines()]))
        studies = [storage.get_study_id_from_name(study.study_name) for study in storage.get_all_studies()]
        return [trial for study in studies for trial in storage.get_all_trials(study, deepcopy=False)]


def way_on(path: Path) -> str:
    """Return what can be done about a damaged journal."""
    aside = f"move it away (to {path.name}.damaged, say), and the next launch writes it again from history.jsonl"
    return f"restore it from a copy, or {aside}"


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(refusal(path, error)) from None
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        cause = f"{type(error).__name__}: {error}"
        raise StoreError(f"{path} is damaged ({cause}); {way_on(path)}") from None


class _Lines(BaseJournalBackend):
    """A journal that is only read."""

    def __init__(self, logs: list[dict[str, Any]]) -> None:
        self._logs = logs

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        """Return the logs from a number on."""
        return self._logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Refuse: who examines changes nothing."""
        raise NotImplementedError


def refuse_shared(path: Path) -> None:
    """Raise StoreError for a journal that anyone but this process's user can write.

    Optuna's CMA-ES keeps its state in the journal as a pickle, and runs what it finds there. Ours is a file of mode
    0600 on this machine; one that was copied in, or opened up, is not to be believed.
    """
    for place in (path, path.parent):
        if not place.exists():
            continue
        found = place.stat()
        if found.st_uid != os.geteuid():
            what = f"belongs to user {found.st_uid}, not to {os.geteuid()}"
        elif found.st_mode & 0o022:
            what = f"can be written by others (mode {found.st_mode & 0o777:o})"
        else:
            continue
        raise StoreError(
            f"{place} {what}, and the sampler cmaes runs what stands in the journal (a pickle of its state); if the "
            f"study is yours, chown and chmod go-w {place}; else choose another sampler"
        )


class OneStudyStorage(JournalStorage):
    """Optuna's storage of one study on a journal that nobody else writes, with the finished trials at hand by state.

    Optuna goes through all trials several times in each ask and each report; here it is given those it asks for, and
    while `narrowed` of the finished ones only those that are worth the time.
    """

    def __init__(self, journal: BaseJournalBackend) -> None:
        self._finished: dict[TrialState, list[FrozenTrial]] = {s: [] for s in TrialState if s.is_finished()}
        self._unfinished: set[int] = set()
        self._narrowed: Sequence[FrozenTrial] | None = None
        super().__init__(journal)
        for study in self.get_all_studies():
            study_id = self.get_study_id_from_name(study.study_name)
            for trial in super().get_all_trials(study_id, deepcopy=False):
                self._place(self.get_trial_id_from_study_id_trial_number(study_id, trial.number))

    @contextmanager
    def narrowed(self, finished: Sequence[FrozenTrial] | None) -> Iterator[None]:
        """Give out no finished trials but these for a while; None: all of them."""
        self._narrowed = finished
        try:
            yield
        finally:
            self._narrowed = None

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Begin a trial, or queue one, and return its id."""
        trial_id = super().create_new_trial(study_id, template_trial)
        self._place(trial_id)
        return trial_id

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Move a trial on to another state; False where it was to run and is running already."""
        moved = super().set_trial_state_values(trial_id, state, values)
        self._place(trial_id)
        return moved

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials in these states (default: in any), by number."""
        if deepcopy:
            return super().get_all_trials(study_id, deepcopy, states)
        parts = [part for state, part in self._finished.items() if states is None or state in states]
        if self._narrowed is not None:
            parts = [[trial for trial in self._narrowed if states is None or trial.state in states]]
        filled = [part for part in parts if part]
        found = list(*filled) if len(filled) < 2 else sorted(chain.from_iterable(filled), key=_number)
        for trial in map(self.get_trial, self._unfinished):
            if states is None or trial.state in states:
                insort(found, trial, key=_number)
        return found

    def _place(self, trial_id: int) -> None:
        trial = self.get_trial(trial_id)
        if not trial.state.is_finished():
            self._unfinished.add(trial_id)
            return
        self._unfinished.discard(trial_id)
        insort(self._finished[trial.state], trial, key=_number)


def _number(trial: FrozenTrial) -> int:
    return trial.number
