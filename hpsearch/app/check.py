"""`hpsearch check`: whether the study file is right, the data readable, a net trains, and how long it will all take."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from hpsearch.app.discovered import discovered
from hpsearch.app.store import store_folder
from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import prepare_dataset
from hpsearch.search.settings import Settled, settle, worker_count
from hpsearch.space.domain import Choices
from hpsearch.space.space import Space
from hpsearch.spec import StudySpec, load_spec
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

    def to_json(self) -> dict[str, Any]:
        """Return what `check --json` prints."""
        return asdict(self)


def check(study: str | Path, *, store: str | Path | None = None) -> Check:
    """Check a study file end to end: read it, prepare its data, train one tiny trial. Raises what `run` would."""
    spec = load_spec(study)
    data = prepare_dataset(spec, store_folder(store, create=True) / "cache")
    spec = discovered(spec, data)
    settled = settle(spec, data)
    seconds = _seconds_a_step(settled, data)
    workers = max(worker_count(spec.search.workers), 1)
    trials = _trials(spec, settled.space)
    trainer = "keras" if spec.search.trainer == "keras" or spec.model is not None else "compiled"
    whole = trials * data.splits * (_TRIAL_START[trainer] + _steps(settled.space, data) * seconds) / workers
    return Check(
        spec.name, data.signature.task, settled.objective.name, data.rows, data.signature.inputs,
        settled.space.count(), trials, workers, seconds, whole, data.notes,
    )  # fmt: skip


def with_model(spec: StudySpec, *, store: str | Path | None = None) -> StudySpec:
    """Return a spec with what its hypermodel searches; the data say how many inputs its nets have."""
    return discovered(spec, prepare_dataset(spec, store_folder(store, create=True) / "cache"))


def _seconds_a_step(settled: Settled, data: Dataset) -> float:
    """Train the default configuration for three epochs and time a gradient step of the last ones."""
    configuration = settled.space.defaults() | {"epochs": 3, "batch_size": 32}
    trainer = make_trainer(replace(settled.settings, patience=None))
    ends = [time.monotonic() for _ in trainer.train(Job(0, 0, 0, 0, configuration), data)]
    batches = math.ceil(data.rows["train"] / 32)
    return (ends[-1] - ends[0]) / (max(len(ends) - 1, 1) * batches)


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
