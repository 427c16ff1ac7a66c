"""A display that keeps what a launch says."""

from __future__ import annotations

import os
import signal
from typing import Any

from hpsearch.app.display import Silent
from hpsearch.records import EpochRecord, StudyInfo


class Notes(Silent):
    """Keeps what a launch says; sends this process Ctrl-C when a note begins with `interrupt_at`."""

    def __init__(self, interrupt_at: str | None = None) -> None:
        self.notes: list[str] = []
        self.began: list[tuple[int, int]] = []
        self.epochs = 0
        self._interrupt_at = interrupt_at

    def note(self, text: str) -> None:
        self.notes.append(text)
        if self._interrupt_at is not None and text.startswith(self._interrupt_at):
            os.kill(os.getpid(), signal.SIGINT)

    def begin(self, info: StudyInfo, trials: int, workers: int, records: Any) -> None:
        self.began.append((trials, len(records)))

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        self.epochs += 1
