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
from hpsearch.space.hypermodel import OWN
from hpsearch.space.parse import DomainError
from hpsearch.space.space import Space
from hpsearch.spec import StudySpec
from hpsearch.spec.strategies import KERAS_TUNER
from hpsearch.training.hypermodel.load import INSTALL, has_keras_tuner
from hpsearch.training.trainer import Hypermodel, Settings


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
    if search.sampler.name.startswith(KERAS_TUNER) and not has_keras_tuner():
        faults.append(Fault("search.sampler", f"{search.sampler.name} needs keras-tuner; install it: {INSTALL}"))
    if faults:
        raise SpecError(faults, spec.name)
    stopping = search.early_stopping
    settings = Settings(
        objective.name, loss, search.class_weight, stopping.patience if stopping else None,
        stopping.min_delta if stopping else 0.0, search.trainer, hypermodel=hypermodel_of(spec),
    )  # fmt: skip
    space = _space(spec)
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


def hypermodel_of(spec: StudySpec) -> Hypermodel | None:
    """Return where the study's hypermodel is, None where the table makes its nets."""
    if spec.model is None:
        return None
    name = spec.model.hypermodel.rpartition(":")[2]
    asks = tuple(one["name"] for one in spec.model.parameters or () if one["name"] in OWN)
    return Hypermodel((spec.folder / spec.model.file).absolute(), name, spec.model.digest or "", asks)


def _space(spec: StudySpec) -> Space:
    try:
        space = spec.build_space()
    except DomainError as error:
        raise SpecError([Fault(f"model.space.{at}", message) for at, message in error.faults], spec.name) from None
    if spec.model is not None:  # of a table's study the file was checked when it was read
        faults = [
            Fault(f"search.start_with.{index}", text)
            for index, given in enumerate(spec.search.start_with)
            for text in space.faults(space.completed(given))
        ]
        if faults:
            raise SpecError(faults, spec.name)
    return space


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
