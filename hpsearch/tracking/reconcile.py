"""What must be done to make MLflow equal to the records again, as a plan; `Tracker.reconcile` carries it out.

A plan of a projection that is right is empty, so carrying one out twice changes nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from hpsearch.records import TrialRecord
from hpsearch.tracking.items import STATUS, Status


@dataclass(frozen=True)
class RunFound:
    """A run that MLflow holds of this study, in the order in which they were started."""

    run_id: str
    kind: str
    trial: int | None
    status: Status
    tags: Mapping[str, str] = field(default_factory=dict)
    objective: float | None = None
    """the metric's last value"""
    steps: frozenset[int] | None = frozenset()
    """of a launch: the trials whose objective it shows; None where it is ended, which it is once it shows them all"""

    @property
    def parent(self) -> str | None:
        """The launch's run id."""
        return self.tags.get("mlflow.parentRunId")


@dataclass(frozen=True)
class Delete:
    """Remove a trial's run: wrong, or one too many."""

    run_id: str
    trial: int


@dataclass(frozen=True)
class Create:
    """Write a trial's run from its record, under a launch if there is one."""

    record: TrialRecord
    parent: str | None
    why: str


@dataclass(frozen=True)
class Close:
    """End a run that nobody is at work on as KILLED, interrupted."""

    run_id: str
    trial: int | None
    reason: str


@dataclass(frozen=True)
class Progress:
    """Add to a launch the objectives it does not show."""

    run_id: str
    records: tuple[TrialRecord, ...]


Action = Delete | Create | Close | Progress


def plan(
    records: Sequence[TrialRecord],
    runs: Sequence[RunFound],
    owner: str,
    launch: str | None = None,
    homes: Mapping[int, str] = MappingProxyType({}),
) -> list[Action]:
    """Return the actions, in the order to take them, after which each finished record has exactly one right run.

    Runs that are RUNNING under `owner` and whose trial has not ended are at work and left alone. Runs without a launch
    of their own go under the launch that `homes` has for their trial, else `launch`, else the latest there is.
    """
    launches = [run for run in runs if run.kind == "launch"]
    home = launch or (launches[-1].run_id if launches else None)
    by_trial: dict[int | None, list[RunFound]] = defaultdict(list)
    for run in runs:
        if run.kind == "trial":
            by_trial[run.trial].append(run)
    actions: list[Action] = []
    shown: dict[str, list[TrialRecord]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record.number):
        held = by_trial.pop(record.number, [])
        if record.state == "running":
            actions += _close(held, owner, "the process that ran it is gone")
            continue
        kept = next((run for run in held if _right(run, record)), None)
        actions += [Delete(run.run_id, record.number) for run in held if run is not kept]
        parent = (
            kept.parent if kept else next((run.parent for run in held if run.parent), homes.get(record.number, home))
        )
        if kept is None:
            actions.append(Create(record, parent, _fault(held)))
        if parent and record.state == "completed" and record.value is not None and math.isfinite(record.value):
            shown[parent].append(record)
    for orphans in by_trial.values():
        actions += _close(orphans, owner, "the study has no record of it")
    for run in launches:
        steps = run.steps
        missing = () if steps is None else tuple(r for r in shown[run.run_id] if r.number not in steps)
        if missing:
            actions.append(Progress(run.run_id, missing))
    return actions + list(_close(launches, owner, "the process that ran it is gone", running_only=True))


def _right(run: RunFound, record: TrialRecord) -> bool:
    """Metrics and tags are written before a run is ended, so a run that ended right holds them."""
    if run.status != STATUS[record.state] or run.tags.get("hpsearch.state") != record.state:
        return False
    if record.value is None or not math.isfinite(record.value):
        return True
    return run.objective is not None and math.isclose(run.objective, record.value, rel_tol=1e-9, abs_tol=1e-300)


def _fault(held: Sequence[RunFound]) -> str:
    if not held:
        return "had no run"
    return "its run was left running" if any(run.status == "RUNNING" for run in held) else "its run was out of date"


def _close(runs: Sequence[RunFound], owner: str, reason: str, running_only: bool = False) -> Iterator[Close]:
    for run in runs:
        at_work = run.status == "RUNNING" and run.tags.get("hpsearch.owner") == owner
        closed = run.status == "KILLED" and run.tags.get("hpsearch.state") == "interrupted"
        if not at_work and not closed and (run.status == "RUNNING" or not running_only):
            yield Close(run.run_id, run.trial, reason)
