"""What is logged of a launch and of its trials, as data: MLflow is a projection of the records, and this is the map.

launch_started, trial_started, trial_ended, whole_trial, progress: records -> items
items -> MLflow: `tracking/store.py`
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from hpsearch.records import EpochRecord, StudyInfo, TrialRecord, TrialState

FinalistKey = tuple[int, int, int]
"""A training of a finalist: trial, repeat, split."""
RunKey = int | FinalistKey | Literal["launch"]
"""A trial by its number, a training of a finalist, or the launch itself."""
LAUNCH: Literal["launch"] = "launch"

LAUNCH_TAG = "hpsearch.launch"
"""Tag of a launch's run: what tells it from every other, also where MLflow made it and its answer got lost."""

Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]
"""MLflow's words for how a run stands."""

STATUS: dict[TrialState, Status] = {
    "running": "RUNNING",
    "completed": "FINISHED",
    "pruned": "KILLED",
    "interrupted": "KILLED",
    "failed": "FAILED",
}


@dataclass(frozen=True)
class RunStart:
    """A run begins. `started` in milliseconds since 1970, None for now."""

    key: RunKey
    kind: Literal["launch", "trial", "finalist"]
    name: str
    tags: dict[str, str]
    params: dict[str, str] = field(default_factory=dict)
    parent: RunKey | None = None
    started: int | None = None


@dataclass(frozen=True)
class Point:
    """One value of a metric. `timestamp` in milliseconds since 1970, None for now."""

    key: str
    value: float
    step: int = 0
    timestamp: int | None = None


@dataclass(frozen=True)
class Points:
    """Values of metrics of one run, finite ones only."""

    key: RunKey
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Tags:
    """Tags of one run; an old value gives way."""

    key: RunKey
    tags: dict[str, str]


@dataclass(frozen=True)
class RunEnd:
    """A run ends. `ended` in milliseconds since 1970, None for now."""

    key: RunKey
    status: Status
    ended: int | None = None


@dataclass(frozen=True)
class Artifact:
    """A file of one run; `path` with forward slashes, under the run's artifacts."""

    key: RunKey
    path: str
    content: bytes


@dataclass(frozen=True)
class DatasetInput:
    """The data a launch trains on. `columns`: names of the raw columns it uses."""

    key: RunKey
    name: str
    digest: str
    rows: int
    columns: tuple[str, ...]
    source: str


Item = RunStart | Points | Tags | RunEnd | Artifact | DatasetInput


def launch_started(
    info: StudyInfo,
    spec_text: str,
    owner: str,
    started: datetime,
    *,
    token: str,
    tags: Mapping[str, str] | None = None,
    params: Mapping[str, object] | None = None,
) -> tuple[Item, ...]:
    """Return the items of a launch that begins: its run and the study file as `study.yaml`. token: see `LAUNCH_TAG`."""
    own = run_tags(info, "launch", owner) | {"hpsearch.state": "running", LAUNCH_TAG: token}
    start = RunStart(
        LAUNCH,
        "launch",
        f"launch {started.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        as_tags({**(tags or {}), **own}),
        as_params(params or {}),
        started=round(started.timestamp() * 1000),
    )
    return (start, Artifact(LAUNCH, "study.yaml", spec_text.encode()))


def launch_ended(status: Status, tags: Mapping[str, str] | None = None, ended: int | None = None) -> tuple[Item, ...]:
    """Return the items of a launch that ends. Its state is none of a trial's, so that no filter mixes them up."""
    state = {"FINISHED": "finished", "KILLED": "interrupted", "FAILED": "failed", "RUNNING": "running"}[status]
    return (Tags(LAUNCH, as_tags({"hpsearch.state": state, **(tags or {})})), RunEnd(LAUNCH, status, ended))


def trial_started(
    info: StudyInfo, record: TrialRecord, owner: str, parent: RunKey | None = LAUNCH
) -> tuple[RunStart, ...]:
    """Return the run of a trial that begins: the active configuration as params, what it is as tags."""
    tags = run_tags(info, "trial", owner) | {
        "hpsearch.trial": str(record.number),
        "hpsearch.state": "running",
        "hpsearch.seed": str(record.seed),
        "hpsearch.trainer": record.trainer,
        "hpsearch.copy_of": "" if record.copy_of is None else str(record.copy_of),
        "hpsearch.retry_of": "" if record.retry_of is None else str(record.retry_of),
    }
    return (
        RunStart(
            record.number,
            "trial",
            f"trial-{record.number:03d}",
            as_tags({key: value for key, value in tags.items() if value}),
            as_params(record.configuration),
            parent,
            _milliseconds(record),
        ),
    )


def trial_ended(info: StudyInfo, record: TrialRecord, heard: Sequence[int] = (), written: int = 0) -> tuple[Item, ...]:
    """Return the items of a trial that ended: every epoch's metrics, the best epoch's, its state, its status.

    heard: when each epoch ended, in milliseconds, where it is known. The first `written` epochs are left out: they were
    written while the trial ran.

    The best epoch's validation metrics are `best_rmse`, `best_loss`, ... With folds, an epoch's metrics are those of
    its fold (`fold_2/val_rmse`), the best ones means over folds.
    """
    tags = {"hpsearch.state": record.state, "hpsearch.reason": record.reason, "hpsearch.trainer": record.trainer}
    started = _milliseconds(record)
    return (
        Points(record.number, (*_late_epochs(info, record, heard, written), *_summary(record))),
        Tags(record.number, as_tags({key: value for key, value in tags.items() if value})),
        RunEnd(record.number, STATUS[record.state], None if started is None else started + _duration(record)),
    )


def whole_trial(
    info: StudyInfo, record: TrialRecord, owner: str, heard: Sequence[int] = (), parent: RunKey | None = LAUNCH
) -> tuple[Item, ...]:
    """Return the items of a trial that has no run yet and ended: as `trial_started` and `trial_ended`, in fewer."""
    (start,) = trial_started(info, record, owner, parent)
    points, tags, end = trial_ended(info, record, heard)
    assert isinstance(tags, Tags)
    return (replace(start, tags=start.tags | tags.tags), points, end)


def epoch_points(info: StudyInfo, epoch: EpochRecord, timestamp: int | None) -> tuple[Point, ...]:
    """Return the points of an epoch; with folds their keys begin with `fold_2/`."""
    fold = f"fold_{epoch.split + 1}/" if info.splits > 1 else ""
    return _finite([(fold + key, value) for key, value in epoch.metrics.items()], epoch.step, timestamp)


def progress(record: TrialRecord, best: float | None) -> tuple[Point, ...]:
    """Return what a completed trial adds to its launch: `objective` and `best_objective` at step = its number."""
    if record.state != "completed" or record.value is None:
        return ()
    started = _milliseconds(record)
    ended = None if started is None else started + _duration(record)
    return _finite([("objective", record.value), ("best_objective", best)], record.number, ended)


def better(info: StudyInfo, a: float | None, b: float | None) -> float | None:
    """Return the better of two objectives; a missing or non-finite one loses."""
    known = [value for value in (a, b) if value is not None and math.isfinite(value)]
    return (min if info.direction == "minimize" else max)(known, default=None)


def metric_points(metrics: Mapping[str, float], timestamp: int | None = None) -> tuple[Point, ...]:
    """Return the finite values as points at step 0, under keys that MLflow takes."""
    return _finite(metrics.items(), 0, timestamp)


def run_tags(info: StudyInfo, kind: str, owner: str) -> dict[str, str]:
    """Return the tags that say what a run is, of which study, and whose."""
    return {
        "hpsearch.kind": kind,
        "hpsearch.study": info.name,
        "hpsearch.study_uid": info.uid,
        "hpsearch.owner": owner,
    }


def as_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags within MLflow's limits (8,000 characters here, 5,000 on older servers)."""
    return {slug(key): str(value)[:5000] for key, value in tags.items()}


def as_params(params: Mapping[str, object]) -> dict[str, str]:
    """Return params as text within MLflow's limit of 6,000 characters; floats keep every digit."""
    return {slug(key): str(value)[:6000] for key, value in params.items()}


def slug(key: str) -> str:
    """Return a key that MLflow takes: letters, digits and `_ - . / space`, 250 at most, a relative path."""
    parts = (re.sub(r"[^\w.\- ]", "_", part) for part in key.split("/"))
    kept = "/".join(part if part.strip(".") else "_" for part in parts if part)[:250].rstrip("/")
    return kept or "_"


def _late_epochs(info: StudyInfo, record: TrialRecord, heard: Sequence[int], written: int) -> Iterable[Point]:
    """Spread epochs evenly over the trial's time where it is not known when each one ended."""
    started = _milliseconds(record)
    for index, epoch in enumerate(record.epochs[written:], start=written):
        if index < len(heard):
            at: int | None = heard[index]
        else:
            at = None if started is None else started + _duration(record) * (index + 1) // len(record.epochs)
        yield from epoch_points(info, epoch, at)


def _summary(record: TrialRecord) -> tuple[Point, ...]:
    values: list[tuple[str, float | None]] = [
        ("objective", record.value),
        ("best_epoch", record.best_epoch or None),
        *((f"best_{key[4:]}", value) for key, value in record.metrics.items() if key.startswith("val_")),
        ("trial_seconds", record.seconds),
        ("parameters", record.parameters or None),
    ]
    started = _milliseconds(record)
    return _finite(values, 0, None if started is None else started + _duration(record))


def _finite(values: Iterable[tuple[str, float | None]], step: int, timestamp: int | None) -> tuple[Point, ...]:
    """Drop what is not finite: MLflow stores inf as 1.8e308, which breaks the axis of its charts."""
    return tuple(
        Point(slug(key), float(value), step, timestamp)
        for key, value in values
        if value is not None and math.isfinite(value)
    )


def _milliseconds(record: TrialRecord) -> int | None:
    if not record.started:
        return None
    started = datetime.fromisoformat(record.started)
    return round((started if started.tzinfo else started.replace(tzinfo=UTC)).timestamp() * 1000)


def _duration(record: TrialRecord) -> int:
    return round(record.seconds * 1000)
