"""`hpsearch check`: whether the study file is right, the data readable, a net trains, and how long it will all take."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from hpsearch.app.discovered import discovered
from hpsearch.app.needs import StoreState, disk_need, look_at_store
from hpsearch.app.store import private_files, store_folder
from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import load_table, prepare_dataset
from hpsearch.data.profile import profile_table
from hpsearch.search.settings import Settled, settle, warnings_of, worker_count
from hpsearch.space.domain import Choices
from hpsearch.space.space import Space
from hpsearch.spec import StudySpec, load_spec
from hpsearch.spec.compare import read_values
from hpsearch.training.select import make_trainer
from hpsearch.training.trainer import Job

_TRIAL_START = {"keras": 2.0, "compiled": 0.7}
"""Seconds a trial takes besides its epochs (tracing or compiling the net), measured with Keras 3.15 on one core."""


@dataclass(frozen=True)
class Check:
    """What was found, and what the whole budget will take at most (no trial pruned or stopped early)."""

    study: str
    task: str
    objective: str
    rows: dict[str, int]
    inputs: int
    configurations: int | None
    trials: int
    workers: int
    step_seconds: float
    estimated_seconds: float
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    """what looks wrong with the data, the gravest first: leaks, repeated rows, identifiers (`data/suspicion.py`)"""
    read: dict[str, Any]
    """what the study file says, field by field, as it was read"""
    store: StoreState

    def to_json(self) -> dict[str, Any]:
        """Return what `check --json` prints."""
        return asdict(self)


@private_files()
def check(study: str | Path, *, store: str | Path | None = None) -> Check:
    """Check a study file end to end: read it, prepare its data, train one tiny trial, try the store.

    Raises what `run` would, and StoreError where the disk has too little room.
    """
    spec = load_spec(study)
    place = store_folder(store, create=True)
    data = prepare_dataset(spec, place / "cache")
    spec = discovered(spec, data)
    settled = settle(spec, data)
    seconds, metrics = _seconds_a_step(settled, data)
    workers = max(worker_count(spec.search.workers), 1)
    places, trials = min(workers, worker_count("auto")), _trials(spec, settled.space)
    notes = (*data.notes, *warnings_of(spec, settled.space, spec.search.trials, spec.search.workers))
    trainer = "keras" if spec.search.trainer == "keras" or spec.model is not None else "compiled"
    whole = trials * data.splits * (_TRIAL_START[trainer] + _steps(settled.space, data) * seconds) / places
    return Check(
        spec.name, data.signature.task, settled.objective.name, data.rows, data.signature.inputs,
        settled.space.count(), trials, workers, seconds, whole, notes,
        tuple(warning.message for warning in profile_table(*load_table(spec)).warnings), read_values(spec),
        look_at_store(place, disk_need(spec, settled.space, data, trials, metrics)),
    )  # fmt: skip


def with_model(spec: StudySpec, *, store: str | Path | None = None) -> StudySpec:
    """Return a spec with what its hypermodel searches; the data say how many inputs its nets have."""
    return discovered(spec, prepare_dataset(spec, store_folder(store, create=True) / "cache"))


def _seconds_a_step(settled: Settled, data: Dataset) -> tuple[float, int]:
    """Train the default configuration for three epochs; return seconds of a gradient step, and an epoch's metrics."""
    configuration = settled.space.defaults() | {"epochs": 3, "batch_size": 32}
    trainer = make_trainer(replace(settled.settings, patience=None))
    found = [(time.monotonic(), len(epoch.metrics)) for epoch in trainer.train(Job(0, 0, 0, 0, configuration), data)]
    batches = math.ceil(data.rows["train"] / 32)
    return (found[-1][0] - found[0][0]) / (max(len(found) - 1, 1) * batches), found[-1][1]


def _trials(spec: StudySpec, space: Space) -> int:
    count = space.count() if spec.search.sampler.name == "grid" else None
    return spec.search.trials if count is None else min(count, spec.search.trials)


def _steps(space: Space, data: Dataset) -> float:
    """Return the mean number of gradient steps of a configuration drawn from the space."""
    domains = {parameter.name: parameter.domain for parameter in space}
    sizes, epochs = _values(domains["batch_size"]), _values(domains["epochs"])
    return fmean(math.ceil(data.rows["train"] / size) for size in sizes) * fmean(epochs)


def _values(domain: Any) -> list[float]:
    return [float(v) for v in domain.choices] if isinstance(domain, Choices) else [domain.low, domain.high]
