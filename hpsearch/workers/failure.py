"""What a trainer does that it should not, as the driver hears of it: one line, for a job that is lost."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from hpsearch.data.dataset import Dataset, Signature
from hpsearch.model import count_parameters
from hpsearch.training.trainer import Epoch, Job, Outcome, Trainer
from hpsearch.workers.pool import OUT_OF_MEMORY, Lost


def epochs_of(trainer: Trainer, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
    """Train a job; what the trainer raises before there is a generator comes out of the first `next` too."""
    return (yield from trainer.train(job, data))


def lost_by(job: Job, error: BaseException, signature: Signature) -> Lost:
    """Return the job as lost, with the class and the first line of what was raised; of memory, with the net's size."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        weights = count_parameters(job.configuration, signature)
        size = f"{weights:,} weights, " if weights else ""
        return Lost(job.token, f"{OUT_OF_MEMORY}: {size}batch {job.configuration['batch_size']}")
    lines = str(error).strip().splitlines()
    return Lost(job.token, f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__)


def sound(job: Job, said: Any) -> Epoch | Outcome | Lost:
    """Return what a trainer yielded or returned, its metrics as plain numbers; lost, if it is not of this job at all.

    Metrics that are no numbers are left out: whether the objective is among them is the driver's business.
    """
    name = type(said).__name__
    if not isinstance(said, Epoch | Outcome):
        return Lost(job.token, f"the trainer gave '{name}', which is neither an Epoch nor an Outcome")
    if said.token != job.token or not isinstance(said.metrics, Mapping) or not _is_whole(said):
        return Lost(job.token, f"the trainer gave an {name} that is not one of its job: {said!r}"[:300])
    return replace(said, metrics={str(n): float(v) for n, v in map(_item, said.metrics.items()) if _is_number(v)})


def _is_whole(said: Epoch | Outcome) -> bool:
    if isinstance(said, Epoch):
        return isinstance(said.step, int)
    arrays = said.weights is None or all(isinstance(array, np.ndarray) for array in said.weights)
    return arrays and said.state in ("completed", "failed") and isinstance(said.reason, str)


def _item(pair: tuple[Any, Any]) -> tuple[Any, Any]:
    name, value = pair
    return name, value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
