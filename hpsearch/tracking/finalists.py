"""The trainings of finalists as MLflow runs of their own kind, each written whole once it has ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hpsearch.records import StudyInfo
from hpsearch.space.space import Configuration
from hpsearch.tracking.items import (
    LAUNCH,
    STATUS,
    FinalistKey,
    Item,
    Points,
    RunEnd,
    RunStart,
    as_params,
    as_tags,
    metric_points,
    run_tags,
)
from hpsearch.tracking.reconcile import RunFound

PREFIX = "finalist/"
"""What the metrics of a finalist's run begin with, so that no chart of trials shows them."""


@dataclass(frozen=True)
class FinalistRun:
    """One training of a finalist on a new seed. `repeat` counts seeds from 0, `split` folds."""

    trial: int
    repeat: int
    split: int
    seed: int
    state: Literal["completed", "failed"]
    reason: str
    best_epoch: int
    """0 where it failed before it had one"""
    metrics: Mapping[str, float]
    """the best epoch's (`val_rmse`, `train_loss`, ...)"""
    parameters: int
    seconds: float
    configuration: Configuration

    @property
    def key(self) -> FinalistKey:
        """What it is known by."""
        return (self.trial, self.repeat, self.split)


def finalist_written(info: StudyInfo, run: FinalistRun, owner: str, ended: int) -> tuple[Item, ...]:
    """Return the items of a training that ended: its run under the launch, its metrics, its end.

    ended: milliseconds since 1970. The name counts seeds and folds from 1, the tags from 0 as `FinalistRun` does.
    """
    fold = f"-fold-{run.split + 1}" if info.splits > 1 else ""
    tags = run_tags(info, "finalist", owner) | {
        "hpsearch.trial": str(run.trial),
        "hpsearch.repeat": str(run.repeat),
        "hpsearch.split": str(run.split),
        "hpsearch.seed": str(run.seed),
        "hpsearch.state": run.state,
        "hpsearch.reason": run.reason,
    }
    values = {
        **run.metrics,
        "seconds": run.seconds,
        **({"parameters": run.parameters} if run.parameters else {}),
        **({"best_epoch": run.best_epoch} if run.best_epoch else {}),
    }
    points = metric_points({PREFIX + name: value for name, value in values.items()})
    return (
        RunStart(
            run.key,
            "finalist",
            f"finalist-{run.trial:03d}-seed-{run.repeat + 1}{fold}",
            as_tags({key: value for key, value in tags.items() if value}),
            as_params(run.configuration),
            LAUNCH,
            ended - round(run.seconds * 1000),
        ),
        Points(run.key, points),
        RunEnd(run.key, STATUS[run.state], ended),
    )


def finalists_to_write(
    runs: Iterable[FinalistRun], found: Sequence[RunFound]
) -> tuple[list[FinalistRun], list[RunFound]]:
    """Return the trainings that have no right run yet, and runs of theirs that are torn, wrong or one too many.

    found: the runs of finalists that MLflow holds. Those of trainings that are not given are left alone.
    """
    held: defaultdict[FinalistKey | None, list[RunFound]] = defaultdict(list)
    for one in found:
        held[finalist_key(one)].append(one)
    missing, wrong = [], []
    for run in runs:
        # A run is ended last, so one that is still open was torn by a crash, and one that ended right is whole.
        kept = next((one for one in held[run.key] if one.status == STATUS[run.state]), None)
        wrong += [one for one in held[run.key] if one is not kept]
        if kept is None:
            missing.append(run)
    return missing, wrong


def finalist_key(found: RunFound) -> FinalistKey | None:
    """Return which training a finalist's run is of; None where its tags do not say."""
    repeat, split = (found.tags.get(f"hpsearch.{name}", "") for name in ("repeat", "split"))
    if found.trial is None or not (repeat.isdecimal() and split.isdecimal()):
        return None
    return (found.trial, int(repeat), int(split))
