"""What a launch tells the person who watches it. The command line draws it; a notebook may stay silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hpsearch.records import EpochRecord, StudyInfo, TrialRecord


class Display(Protocol):
    """Hears of a launch as it happens (a `search.study.Listener` too)."""

    def note(self, text: str) -> None:
        """Hear a sentence a person should know: what was inferred, repaired, is under way."""
        ...

    def begin(self, info: StudyInfo, trials: int, workers: int, records: Sequence[TrialRecord]) -> None:
        """Hear that the search begins: the total asked for, and the trials that ended in earlier launches."""
        ...

    def trial_started(self, record: TrialRecord) -> None:
        """Hear of a trial that begins."""
        ...

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        """Hear of an epoch."""
        ...

    def trial_ended(self, record: TrialRecord) -> None:
        """Hear of a trial's end."""
        ...

    def end(self) -> None:
        """Hear that no more trials will run."""
        ...


class Silent:
    """Shows nothing."""

    def note(self, text: str) -> None:
        """Pass over a sentence."""

    def begin(self, info: StudyInfo, trials: int, workers: int, records: Sequence[TrialRecord]) -> None:
        """Pass over the beginning."""

    def trial_started(self, record: TrialRecord) -> None:
        """Pass over a trial's beginning."""

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        """Pass over an epoch."""

    def trial_ended(self, record: TrialRecord) -> None:
        """Pass over a trial's end."""

    def end(self) -> None:
        """Pass over the end."""


class Fallbacks:
    """Notes once why trials were trained by another trainer than the compiled one (a `search.study.Listener`)."""

    def __init__(self, shown: Display) -> None:
        self._shown = shown
        self._noted: set[str] = set()

    def trial_started(self, record: TrialRecord) -> None:
        """Pass over a trial's beginning."""

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        """Pass over an epoch."""

    def trial_ended(self, record: TrialRecord) -> None:
        """Note the reason that a completed trial gives, the first time."""
        if record.state == "completed" and record.reason and record.reason not in self._noted:
            self._noted.add(record.reason)
            self._shown.note(f"trial {record.number} was {record.reason}")
