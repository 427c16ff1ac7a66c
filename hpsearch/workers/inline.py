"""A pool of one, in this process: an epoch at a time, easy to debug, blind to crashes and hangs."""

from __future__ import annotations

from collections.abc import Generator

from hpsearch.data.dataset import Dataset
from hpsearch.training.trainer import Epoch, Job, Outcome, Trainer
from hpsearch.workers.pool import Event, Stopped, Token


class InlinePool:
    """Runs the one job by one epoch each time events are asked for."""

    places = 1

    def __init__(self, trainer: Trainer, data: Dataset) -> None:
        self._trainer = trainer
        self._data = data
        self._running: tuple[Token, Generator[Epoch, None, Outcome]] | None = None
        self._stopped: list[Event] = []

    def start(self, job: Job) -> int:
        """Start a job."""
        if self._running is not None:
            raise RuntimeError("the one place of an inline pool is taken")
        self._running = job.token, self._trainer.train(job, self._data)
        return 1

    def stop(self, token: Token, grace: float | None = None) -> None:
        """End the job, which stands between two epochs; the next call of `events` says so."""
        if self._running is not None and self._running[0] == token:
            self._running[1].close()
            self._running = None
            self._stopped.append(Stopped(token))

    def events(self, timeout: float) -> list[Event]:
        """Train one epoch, whatever the timeout, and return what came of it."""
        if self._running is None:
            stopped, self._stopped = self._stopped, []
            return stopped
        try:
            return [next(self._running[1])]
        except StopIteration as end:
            self._running = None
            return [end.value]

    def close(self) -> None:
        """Drop the running job."""
        if self._running is not None:
            self._running[1].close()
            self._running = None
