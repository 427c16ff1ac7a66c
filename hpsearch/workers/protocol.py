"""What the driver and a worker process say to each other over their pipe.

driver -> worker    Setup, then Job | Stop | Exit, in any order
worker -> driver    Ready, then Epoch ... and one of Outcome (with Memory behind it), Stopped, Lost for each job
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hpsearch.training.trainer import Settings
from hpsearch.workers.pool import Token


@dataclass(frozen=True)
class Setup:
    """What a worker needs to know before its first job."""

    dataset: Path
    settings: Settings


@dataclass(frozen=True)
class Ready:
    """The worker has loaded TensorFlow and opened the data."""


@dataclass(frozen=True)
class Stop:
    """End the job with this token after its current epoch."""

    token: Token


@dataclass(frozen=True)
class Exit:
    """End the process."""


@dataclass(frozen=True)
class Memory:
    """What the worker holds of memory after a job, in bytes (see `memory.held`)."""

    held: int
