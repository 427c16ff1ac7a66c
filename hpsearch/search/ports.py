"""The loop's ports besides `workers.pool.Pool`: who decides what is tried, and who hears of it."""

from __future__ import annotations

from typing import Protocol

from hpsearch.records import EpochRecord, TrialRecord
from hpsearch.space.space import Configuration


class Asked(Protocol):
    """A trial to run."""

    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def configuration(self) -> Configuration: ...  # noqa: D102
    @property
    def retry_of(self) -> int | None: ...  # noqa: D102


class Asker(Protocol):
    """Who decides what is tried next, and what is not worth going on with (`optuna_study.OptunaStudy`)."""

    def ask(self) -> Asked | None:
        """Return the next trial; None when there is nothing left to try."""
        ...

    def enqueue(self, configuration: Configuration, retry_of: int | None = None) -> None:
        """Have a configuration tried next."""
        ...

    def report(self, number: int, step: int, value: float) -> bool:
        """Note an intermediate value; return whether the trial should be pruned."""
        ...

    def tell(self, number: int, state: str, value: float | None) -> None:
        """End a trial."""
        ...


class Listener(Protocol):
    """Who wants to know: the progress display, MLflow."""

    def trial_started(self, record: TrialRecord) -> None:
        """Hear of a trial that begins."""
        ...

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        """Hear of an epoch of a running trial."""
        ...

    def trial_ended(self, record: TrialRecord) -> None:
        """Hear of a trial's end."""
        ...
