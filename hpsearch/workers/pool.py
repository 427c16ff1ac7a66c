"""The port between the search and whatever trains: jobs go in, events come out.

Two implementations: `inline.py` (this process, for debugging) and `processes.py` (this machine's cores). Both pass one
conformance suite, `tests/conformance/test_pools.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hpsearch.training.trainer import Epoch, Job, Outcome

Token = tuple[int, int, int]


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


Event = Epoch | Outcome | Stopped | Lost


class Pool(Protocol):
    """A fixed number of places where jobs run. Every job started ends in one Outcome, Stopped or Lost."""

    @property
    def places(self) -> int:
        """How many jobs run at once."""
        ...

    def start(self, job: Job) -> int:
        """Start a job in a free place and return the place's number, from 1. There must be a free one."""
        ...

    def stop(self, token: Token, grace: float | None = None) -> None:
        """Ask a job to end after its current epoch; past `grace` seconds its worker is killed, and the job lost."""
        ...

    def events(self, timeout: float) -> list[Event]:
        """Wait at most `timeout` seconds and return what happened, in order; possibly nothing."""
        ...

    def close(self) -> None:
        """End the workers. Jobs still running are gone."""
        ...
