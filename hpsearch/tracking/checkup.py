"""Whether MLflow holds what the records say, asked without changing anything; `Tracker.reconcile` puts it right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hpsearch.diagnosis import Finding, listed
from hpsearch.errors import StoreError
from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.tracking.answer import mlflow_asked
from hpsearch.tracking.experiment import experiment_id
from hpsearch.tracking.finalists import FinalistRun, finalists_to_write
from hpsearch.tracking.reconcile import Action, Close, Create, Delete, Progress, RunFound, plan
from hpsearch.tracking.store import MlflowStore


def examine_runs(
    uri: str, info: StudyInfo, artifacts: Path | None, owner: str, records: Sequence[TrialRecord],
    finalists: Sequence[FinalistRun],
) -> list[Finding]:  # fmt: skip
    """Return where the runs of a study that no driver is running differ from its records.

    finalists: the trainings of finalists that have ended. Nothing is made where the study has no experiment yet.
    """
    try:
        with mlflow_asked(uri):
            known = experiment_id(uri, info.uid) is not None
            runs = MlflowStore(uri, info, artifacts).runs() if known else []
    except StoreError as error:
        what, _, remedy = str(error).partition("; ")
        return [Finding("runs", what, remedy, repairable=False)]
    missing, wrong = finalists_to_write(finalists, [run for run in runs if run.kind == "finalist"])
    return [
        *_of_trials(plan(records, runs, owner)),
        *_of_finalists(missing, "without a whole run in MLflow", "written"),
        *_of_finalists(wrong, "with a run in MLflow that is wrong, or one too many", "removed"),
    ]


_WRONG = "has a run in MLflow that is wrong, or one too many"


def examine_spool(path: Path) -> list[Finding]:
    """Return that something waits for MLflow, if it does."""
    count = path.read_bytes().count(b"\n") if path.exists() else 0
    if not count:
        return []
    return [Finding("runs", f"{count} write{'s' if count > 1 else ''} to MLflow wait in {path}", "sent, if it answers")]


def _of_trials(actions: Sequence[Action]) -> Iterator[Finding]:
    deleted = [action.trial for action in actions if isinstance(action, Delete)]
    created: defaultdict[str, list[int]] = defaultdict(list)
    closed: defaultdict[str, list[int]] = defaultdict(list)
    for action in actions:
        if isinstance(action, Create):
            created[f"{action.why} in MLflow"].append(action.record.number)
        elif isinstance(action, Close) and action.trial is not None:
            closed[f"a run is open in MLflow, and {action.reason}"].append(action.trial)
    yield from _grouped("trial", {_WRONG: deleted}, "removed")
    yield from _grouped("trial", created, "its run is written from the study's record")
    yield from _grouped("trial", closed, "closed as interrupted")
    for action in actions:
        if isinstance(action, Close) and action.trial is None:
            yield Finding("runs", f"the run of a launch is open in MLflow: {action.reason}", "closed as interrupted")
        elif isinstance(action, Progress):
            numbers = [record.number for record in action.records]
            yield Finding("runs", f"a launch's chart in MLflow lacks {listed('trial', numbers)}", "added")


def _grouped(noun: str, numbers: Mapping[str, Sequence[object]], remedy: str) -> Iterator[Finding]:
    for what, of in numbers.items():
        if of:
            yield Finding("runs", f"{listed(noun, of)}: {what}", remedy)


def _of_finalists(runs: Sequence[FinalistRun | RunFound], what: str, remedy: str) -> Iterator[Finding]:
    if runs:
        whose = listed("finalist", sorted({run.trial for run in runs if run.trial is not None}))
        yield Finding("runs", f"{whose}: {len(runs)} training{'s' if len(runs) > 1 else ''} {what}", remedy)
