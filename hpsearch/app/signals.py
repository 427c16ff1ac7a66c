"""How a signal ends a launch: the first one gently, the second as soon as what is open is closed, the third at once.

Ctrl-C (SIGINT), SIGTERM (Slurm, systemd, Kubernetes) and SIGHUP (a terminal that is gone) are the same to a launch but
for the exit code, 128 + the signal's number. One that was ignored from the start (nohup, a job in the background) stays
ignored.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal came where nothing can be ended gently, or a second one did. `number` is the signal's."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


class Signals:
    """Takes the signals while its context lasts; in a thread that is not the main one it does nothing."""

    def __init__(self) -> None:
        self.number = 0
        """of the first signal that came; 0: none did"""
        self._interrupt: Callable[[], None] | None = None
        self._raised = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            found = {number: signal.getsignal(number) for number in NUMBERS}
            self._before = {n: handler for n, handler in found.items() if handler not in (signal.SIG_IGN, None)}
            for number in self._before:
                signal.signal(number, self._came)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def calling(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Have the first signal call a function while this lasts, rather than be raised as `Interrupted`."""
        self._interrupt = interrupt
        try:
            yield
        finally:
            self._interrupt = None

    def _came(self, number: int, _frame: FrameType | None) -> None:
        first, self.number = self.number == 0, self.number or number
        if first and self._interrupt is not None:
            self._interrupt()
        elif self._raised:
            os._exit(128 + self.number)  # the workers die with this process; the next launch puts the rest right
        else:
            self._raised = True
            raise Interrupted(self.number)
