"""What a trainer's exception looks like to the driver: one line."""

from __future__ import annotations

from hpsearch.training.trainer import Job
from hpsearch.workers.pool import Lost


def lost_by(job: Job, error: BaseException) -> Lost:
    """Return the job as lost, with the class and the first line of what was raised."""
    lines = str(error).strip().splitlines()
    return Lost(job.token, f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__)
