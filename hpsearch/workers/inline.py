"""A pool of one, in this process: an epoch at a time, easy to debug, blind to crashes and hangs."""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass

from hpsearch.data.dataset import Dataset
from hpsearch.training.trainer import Epoch, Job, Outcome, Trainer
from hpsearch.workers.failure import epochs_of, lost_by, sound
from hpsearch.workers.pool import Event, Started, Stopped, Token

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Running:
    job: Job
    epochs: Generator[Epoch, None, Outcome]


class InlinePool:
    """Runs the one job by one epoch each time events are asked for."""

    places = 1

    def __init__(self, trainer: Trainer, data: Dataset) -> None:
        self._trainer = trainer
        self._data = data
        self._running: _Running | None = None
        self._waiting: list[Event] = []

    def start(self, job: Job) -> int:
        """Start a job."""
        if self._running is not None:
            raise RuntimeError("the one place of an inline pool is taken")
        self._running = _Running(job, epochs_of(self._trainer, job, self._data))
        self._waiting.append(Started(job.token))
        return 1

    def stop(self, token: Token, grace: float | None = None) -> None:
        """End the job, which stands between two epochs; the next call of `events` says so."""
        if self._running is not None and self._running.job.token == token:
            self._running.epochs.close()
            self._running = None
            self._waiting.append(Stopped(token))

    def events(self, timeout: float) -> list[Event]:
        """Return what waits to be told; else train one epoch, whatever the timeout, and return what came of it."""
        if self._waiting or self._running is None:
            waiting, self._waiting = self._waiting, []
            return waiting
        running = self._running
        try:
            said = sound(running.job, next(running.epochs))
        except StopIteration as end:
            said = sound(running.job, end.value)
        except (Exception, SystemExit) as error:  # noqa: BLE001  every failure of a job is told, as a worker tells it
            _log.debug("job %s failed", running.job.token, exc_info=True)
            said = lost_by(running.job, error, self._data.signature)
        if not isinstance(said, Epoch):
            self.close()
        return [said]

    def close(self) -> None:
        """Drop the running job."""
        if self._running is not None:
            self._running.epochs.close()
            self._running = None
