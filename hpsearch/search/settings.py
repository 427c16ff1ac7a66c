"""What a study file leaves open, settled once the data are known: task, objective, loss, steps of a trial."""

from __future__ import annotations

import os
from dataclasses import dataclass

from hpsearch.data.dataset import Dataset
from hpsearch.errors import Fault, SpecError
from hpsearch.metrics import DEFAULT_OBJECTIVE, LOSSES, METRICS, Metric, metrics_of
from hpsearch.search.pruners import make_pruner
from hpsearch.search.samplers import grid, make_sampler
from hpsearch.space.domain import Choices
from hpsearch.space.space import Space
from hpsearch.spec import StudySpec
from hpsearch.training.trainer import Settings


@dataclass(frozen=True)
class Settled:
    """The study's objective and space, and the settings of its jobs."""

    objective: Metric
    space: Space
    settings: Settings
    steps: int
    """values a trial reports at most: its epochs, or its folds"""


def settle(spec: StudySpec, data: Dataset) -> Settled:
    """Return what the data decide.

    Raises SpecError where objective or loss do not fit the task, and where sampler or pruner refuse their options or
    the space: before anything of the study is written.
    """
    task, search = data.signature.task, spec.search
    objective = METRICS[search.objective or DEFAULT_OBJECTIVE[task]]
    loss = search.loss or LOSSES[task][0]
    faults = []
    if task not in objective.tasks:
        names = ", ".join(metric.name for metric in metrics_of(task))
        faults.append(Fault("search.objective", f"'{objective.name}' does not fit a {task} task; it takes {names}"))
    if loss not in LOSSES[task]:
        faults.append(Fault("search.loss", f"'{loss}' does not fit a {task} task; it takes {', '.join(LOSSES[task])}"))
    if search.class_weight == "balanced" and task == "regression":
        faults.append(Fault("search.class_weight", "a regression task has no classes; remove class_weight"))
    if faults:
        raise SpecError(faults, spec.name)
    stopping = search.early_stopping
    settings = Settings(
        objective.name, loss, search.class_weight, stopping.patience if stopping else None,
        stopping.min_delta if stopping else 0.0, search.trainer,
    )  # fmt: skip
    space = spec.space.build()
    steps = reported_steps(space, data.splits)
    make_sampler(search.sampler, search.seed, 0)
    make_pruner(search.pruner, steps)
    if search.sampler.name == "grid":
        next(grid(space, search.seed))
    return Settled(objective, space, settings, steps)


def warnings_of(spec: StudySpec, space: Space, trials: int, workers: int | str) -> list[str]:
    """Return what a person should know before the search: how a grid fits the budget, and workers the cores.

    trials: in all. workers: as asked for.
    """
    told, cores, places = [], worker_count("auto"), worker_count(workers)
    count = space.count() if spec.search.sampler.name == "grid" else None
    if count is not None and count < trials:
        told.append(f"the grid has {count:,} configurations; the search ends with the last, before {trials:,} trials")
    if count is not None and count > trials:
        told.append(f"the grid has {count:,} configurations; {trials:,} trials try so many of them, spread evenly")
    if places > 2 * cores:
        have = f"{cores} core{'s' if cores != 1 else ''}"
        told.append(
            f"{places:,} workers on {have} take turns, each with 0.7 GB of memory; workers: auto starts {cores}"
        )
    return told


def worker_count(asked: int | str) -> int:
    """Return how many worker processes to start; 0 means inline, 'auto' one for each core this process may use."""
    if asked == "inline":
        return 0
    if asked != "auto":
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def reported_steps(space: Space, splits: int) -> int:
    """Return how many values a trial reports at most: its epochs, or with folds its folds."""
    return splits if splits > 1 else _longest(space)


def _longest(space: Space) -> int:
    epochs = next(parameter.domain for parameter in space if parameter.name == "epochs")
    return int(max(epochs.choices) if isinstance(epochs, Choices) else epochs.high)
