"""The line to MLflow: one thread that writes to it, and keeps what it has to write while MLflow is away."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from hpsearch.tracking.answer import reason_of
from hpsearch.tracking.location import is_server, redact
from hpsearch.tracking.spool import Spool, Waiting
from hpsearch.tracking.store import failures

_T = TypeVar("_T")

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0
"""Seconds after which MLflow is tried again: at first, and when it has failed several times in a row."""


class Line:
    """Does what it is given in order, in a thread of its own.

    Where MLflow fails, what was to be written goes to the spool, and so does all that follows. The next thing to write,
    once a pause is over, tries again: all that waits is sent by `catch_up`, and the line is open again.
    """

    def __init__(
        self,
        uri: str,
        spool: Spool,
        catch_up: Callable[[], Iterator[str]],
        tell: Callable[[str], None],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what sends all that waits, a bit each step, yielding a line for each repair.

        tell: hears what a person should know, in the thread that calls this object. steady: a clock that never jumps.
        """
        self.trouble: str | None = None
        """why MLflow is away; None while it answers"""
        self.repairs: list[str] = []
        """what the last catching up put right"""
        self.closed = False
        self._uri = uri
        self._spool = spool
        self._catch_up = catch_up
        self._tell = tell
        self._steady = steady
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hpsearch-mlflow")
        self._queue: deque[Future[Any]] = deque()
        self._news: deque[str] = deque()
        self._behind = bool(spool)
        self._pause = 0.0
        self._due = math.inf  # what an earlier launch left is sent once the records are known: see `renew`
        self._deadline = math.inf
        self._told_of_spool = False

    def submit(self, action: Callable[[], _T], waits: Sequence[Waiting] = ()) -> Future[_T | None]:
        """Queue an action. waits: what is kept of it if MLflow is away; None is its result then.

        An error that is MLflow's becomes `trouble`, one that is ours is raised by a later call.
        """
        return self._queued(lambda: self._attempt(action, waits))

    def note(self, action: Callable[[], None]) -> None:
        """Queue an action that needs no MLflow."""
        self._queued(action)

    def renew(self) -> None:
        """Have all that waits sent, and MLflow made equal to the records, by the next action."""
        self.note(self._make_due)

    def failed(self, error: Exception) -> None:
        """Hear that MLflow failed somebody else."""
        self.note(lambda: self._go_away(error))

    def flush(self) -> None:
        """Wait until all is written, or kept."""
        while self._queue:
            self._queue.popleft().result()
        self._tell_news()

    def settle(self, patience: float) -> None:
        """Wait as `flush` does, at most so many seconds and a call; what is left then is kept. If it can, send it."""
        self.hurry(patience)
        self.flush()
        if self._behind and self._steady() < self._deadline:
            self.renew()
            self.submit(lambda: None)
            self.flush()
        self._deadline = math.inf

    def hurry(self, patience: float) -> None:
        """Have all that is not written so many seconds from now kept."""
        self._deadline = self._steady() + patience

    def close(self) -> None:
        """Flush, and end the thread."""
        self.closed = True
        try:
            self.flush()
        finally:
            self._thread.shutdown()

    def _queued(self, action: Callable[[], _T]) -> Future[_T]:
        while self._queue and self._queue[0].done():
            self._queue.popleft().result()
        self._tell_news()
        future = self._thread.submit(action)
        self._queue.append(future)
        return future

    def _tell_news(self) -> None:
        while self._news:
            self._tell(self._news.popleft())

    def _attempt(self, action: Callable[[], _T], waits: Sequence[Waiting]) -> _T | None:
        try:
            if not self._behind:
                self._be_in_time()
                return action()
            self._keep(waits)
            if self._steady() < self._due:
                return None
            self._send_all()
            return None if waits else action()
        except failures() as error:
            if not self._behind:
                self._keep(waits)
            self._go_away(error)
            return None

    def _send_all(self) -> None:
        self.repairs = []
        waited = len(self._spool.read())
        for line in self._catch_up():
            self.repairs.append(line)
            self._be_in_time()
        if self.trouble is not None:
            self._news.append(f"MLflow is back; what waited is sent: {_counted(waited, 'write')}")
        elif waited:
            self._news.append(f"MLflow: what waited since an earlier launch is sent: {_counted(waited, 'write')}")
        if self.trouble is None and self.repairs:
            self._news.append(f"MLflow: {_counted(len(self.repairs), 'repair')} made after an earlier launch")
        self.trouble, self._behind, self._pause = None, False, 0.0

    def _go_away(self, error: Exception) -> None:
        first, self.trouble = self.trouble is None, reason_of(self._uri, error)
        self._behind = True
        self._pause = min(max(2 * self._pause, FIRST_PAUSE), LONGEST_PAUSE)
        if self._due < math.inf:
            self._due = self._steady() + self._pause
        if first:
            at = f" at {redact(self._uri)}" if is_server(self._uri) else ""
            self._news.append(f"MLflow{at} is away ({self.trouble}); what is to be logged waits on disk")

    def _make_due(self) -> None:
        self._behind, self._due = True, -math.inf

    def _be_in_time(self) -> None:
        if self._steady() > self._deadline:
            raise TimeoutError("it is too slow for all there is to log")

    def _keep(self, waits: Sequence[Waiting]) -> None:
        self._spool.append(waits)
        if self._spool.trouble and not self._told_of_spool:
            self._told_of_spool = True
            self._news.append(f"{self._spool.trouble}; the trials are in the study's history all the same")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
