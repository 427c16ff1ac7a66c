"""What a study will take of the disk, at most, and whether the store has it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from hpsearch.data.dataset import Dataset
from hpsearch.disk import free_bytes, refusal, unwritable
from hpsearch.errors import StoreError
from hpsearch.space.domain import Choices, Domain
from hpsearch.space.space import Space
from hpsearch.spec import StudySpec

POINT, TRIAL = 350, 8_000
"""Bytes of a metric of an epoch (40 in the history, the rest in MLflow's database), and of a trial besides them.

Measured with 5,000 trials of 30 epochs of 8 metrics: 8.9 kB a trial in the history, 3.8 kB in the journal.
"""
BESIDE = 5_000_000
"""Bytes of pictures, page, logs and the package's text."""


@dataclass(frozen=True)
class StoreState:
    """What a store was found to be: it can be written, synced and locked, else there is no such object."""

    folder: str
    sync_seconds: float
    """to write and sync a file"""
    free: int
    """bytes"""
    needed: int
    """bytes, at most: no trial pruned or stopped early, nothing written before"""


def look_at_store(folder: Path, needed: int) -> StoreState:
    """Write, sync and lock a file in a store, and compare its room with the need. Raises StoreError."""
    began = time.monotonic()
    if (refused := unwritable(folder)) is not None:
        raise StoreError(refusal(folder, refused))
    seconds, free = time.monotonic() - began, free_bytes(folder)
    if free < needed:
        raise StoreError(
            f"{folder} has {megabytes(free)} free, and the study may need {megabytes(needed)}; free some space, give "
            "another folder with --store, or lower search.trials or search.keep_models"
        )
    return StoreState(str(folder), seconds, free, needed)


def disk_need(spec: StudySpec, space: Space, data: Dataset, trials: int, metrics: int) -> int:
    """Return how many bytes a study writes at most, roughly. metrics: how many an epoch has."""
    domains = {parameter.name: parameter.domain for parameter in space}
    points = trials * data.splits * _most(domains["epochs"]) * metrics
    winner = spec.winner
    trainings = winner.finalists * winner.seeds * data.splits if winner else 0
    nets = spec.search.keep_models + trainings + 4  # the package, and one that is being built
    return int(points * POINT + trials * TRIAL + nets * 4 * _largest_net(domains, data)) + BESIDE


def megabytes(count: int) -> str:
    """Return bytes as a person reads them: `3 MB`, `12.5 GB`."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 1):.0f} MB"


def _largest_net(domains: dict[str, Domain], data: Dataset) -> int:
    """Return the weights of the widest and deepest net of the space; 0 of a hypermodel's, which building it tells."""
    if "hidden_layers" not in domains:
        return 0
    depth = int(_most(domains["hidden_layers"]))
    shared = domains.get("neurons")
    widths = [int(_most(domains[f"neurons_{i}"] if shared is None else shared)) for i in range(1, depth + 1)]
    sizes = [data.signature.inputs, *widths, data.signature.outputs]
    return sum((a + 1) * b for a, b in pairwise(sizes))


def _most(domain: Any) -> float:
    return float(max(domain.choices) if isinstance(domain, Choices) else domain.high)
