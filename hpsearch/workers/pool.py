"""The port between the search and whatever trains: jobs go in, events come out.

Two implementations: `inline.py` (this process, for debugging) and `processes.py` (this machine's cores). Both pass one
conformance suite, `tests/conformance/test_pools.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hpsearch.training.trainer import Epoch, Job, Outcome

Token = tuple[int, int, int]

OUT_OF_MEMORY = "out of memory"
"""How the reason of a job begins that needed more memory than there is: its configuration's fault, and so no retry."""


@dataclass(frozen=True)
class Started:
    """A job begins: its worker is warm and has read it. Time spent before is not the job's."""

    token: Token


@dataclass(frozen=True)
class Stopped:
    """A job ended between two epochs because it was asked to."""

    token: Token


@dataclass(frozen=True)
class Lost:
    """A job ended without an outcome: its worker died, hung or could not go on."""

    token: Token
    reason: str
    died: bool = False
    """the worker is at fault, not the job: it may well succeed when run again"""


End = Outcome | Stopped | Lost
Event = Started | Epoch | End


class Pool(Protocol):
    """A fixed number of places where jobs run.

    Of every job come Started and its epochs, if it got so far, and then one Outcome, Stopped or Lost. A trainer that
    raises, be it SystemExit, loses its job, never the driver.
    """

    @property
    def places(self) -> int:
        """How many jobs run at once."""
        ...

    def start(self, job: Job) -> int:
        """Start a job in a free place and return the place's number, from 1. There must be a free one."""
        ...

    def stop(self, token: Token, grace: float | None = None) -> None:
        """Ask a job to end after its current epoch; past `grace` seconds its worker is killed, and the job lost.

        Asking again changes nothing, but that the first grace given counts. A job that is not running is passed over.
        """
        ...

    def events(self, timeout: float) -> list[Event]:
        """Wait at most `timeout` seconds and return what happened, in order; possibly nothing."""
        ...

    def close(self) -> None:
        """End the workers. Jobs still running are gone."""
        ...
