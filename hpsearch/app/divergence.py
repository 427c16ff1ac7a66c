"""Says once in a launch that half of its study's trials diverge, and where."""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.app.display import Display
from hpsearch.records import EpochRecord, TrialRecord
from hpsearch.search.divergence import divergence_warning
from hpsearch.search.failures import has_diverged
from hpsearch.space.space import Space


class DivergenceWatch:
    """A `search.study.Listener` that looks at each trial that diverged."""

    def __init__(self, shown: Display, space: Space, records: Sequence[TrialRecord]) -> None:
        """Take who is told, the space, and the trials of earlier launches."""
        self._shown = shown
        self._space = space
        self._records = list(records)
        self._said = False

    def trial_started(self, record: TrialRecord) -> None:
        """Pass over a trial's beginning."""

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        """Pass over an epoch."""

    def trial_ended(self, record: TrialRecord) -> None:
        """Say it, the first time that it is so."""
        self._records.append(record)
        if self._said or not has_diverged(record):
            return
        warning = divergence_warning(self._records, self._space)
        if warning is not None:
            self._said = True
            self._shown.note(warning)
