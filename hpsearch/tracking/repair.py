"""MLflow made equal to the records again: `reconcile.plan`, carried out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

from hpsearch.fault_injection import crash_point
from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.tracking.items import LAUNCH, Points, RunEnd, Tags, better, progress, trial_ended, trial_started
from hpsearch.tracking.reconcile import Action, Close, Create, Delete, plan
from hpsearch.tracking.store import MlflowStore


def repair(
    store: MlflowStore,
    info: StudyInfo,
    owner: str,
    records: Sequence[TrialRecord],
    at_work: Collection[str] = (),
    homes: Mapping[int, str] = MappingProxyType({}),
    ending: Collection[str] = (),
) -> Iterator[str]:
    """Carry out what the plan says, an action each step, and yield a line for each. Doing it again changes nothing.

    at_work: the runs of trials that this process is at work on; others that bear its name were begun without its
    knowing, as the answer was lost. homes: the launch of trials without a run. ending: launches that will be ended by
    what waits for them.
    """
    runs = store.runs()
    finished = {record.number for record in records}
    for run in runs:
        own = run.kind == "trial" and run.status == "RUNNING" and run.tags.get("hpsearch.owner") == owner
        if own and run.trial not in finished and run.run_id not in at_work:
            store.delete(run.run_id)
            yield f"trial {run.trial}: a run that was begun twice is removed"
    bests: dict[int, float | None] = {}
    best: float | None = None
    for record in sorted(records, key=lambda record: record.number):
        best = bests[record.number] = better(info, best, record.value)
    for action in plan(records, runs, owner, store.run_id(LAUNCH), homes):
        if not (isinstance(action, Close) and action.run_id in ending):
            yield _carry_out(store, info, owner, action, bests)


def _carry_out(
    store: MlflowStore, info: StudyInfo, owner: str, action: Action, bests: Mapping[int, float | None]
) -> str:
    if isinstance(action, Delete):
        store.delete(action.run_id)
        store.forget(action.trial)
        crash_point("repair-deleted")
        return f"trial {action.trial}: a run that was wrong or one too many is removed"
    if isinstance(action, Create):
        record = action.record
        store.write(trial_started(info, record, owner), action.parent)
        crash_point("repair-created")
        store.write(trial_ended(info, record))
        return f"trial {record.number}: {action.why}; it is written from the study's record"
    if isinstance(action, Close):
        key = LAUNCH if action.trial is None else action.trial
        tags = {"hpsearch.state": "interrupted", "hpsearch.reason": action.reason}
        store.write_to(action.run_id, Tags(key, tags))
        crash_point("repair-closed")
        store.write_to(action.run_id, RunEnd(key, "KILLED"))
        what = "a launch" if action.trial is None else f"trial {action.trial}"
        return f"{what}: {action.reason}; its run is closed as interrupted"
    points = [point for record in action.records for point in progress(record, bests[record.number])]
    store.write_to(action.run_id, Points(LAUNCH, tuple(points)))
    numbers = ", ".join(str(record.number) for record in action.records)
    return f"a launch: the objectives of trials {numbers} are added"
