"""What holds of a study on disk whatever happened to it, once no driver runs it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import optuna
from mlflow import MlflowClient

import hpsearch

ENDS = {"completed": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL", "interrupted": "FAIL"}


def hold_invariants(store: Path, name: str) -> hpsearch.StudyResult:
    """Hold history, Optuna and MLflow to each other; return the study.

    Trial numbers are unique; nothing runs; each trial has one run, with its state and value; the budget adds up.
    """
    result = hpsearch.load(name, store=store)
    lines = result.folder.history.read_text().splitlines()
    assert len(lines) == len({record.number for record in result.records}) == len(result.records)
    trials = {trial.number: trial for trial in optuna_trials(store, name)}
    assert "RUNNING" not in {trial.state.name for trial in trials.values()}
    runs = mlflow_runs(store, name)
    assert "RUNNING" not in {run.info.status for run in runs}
    of_trials = [run for run in runs if run.data.tags["hpsearch.kind"] == "trial"]
    assert Counter(int(run.data.tags["hpsearch.trial"]) for run in of_trials) == Counter(
        r.number for r in result.records
    )
    by_number = {int(run.data.tags["hpsearch.trial"]): run for run in of_trials}
    for record in result.records:
        run, trial = by_number[record.number], trials[record.number]
        assert trial.state.name == ENDS[record.state], record
        assert run.data.tags["hpsearch.state"] == record.state, record
        assert (run.info.status == "FINISHED") == (record.state == "completed"), record
        assert run.data.metrics.get("objective") == record.value, record
        assert (trial.value if record.state == "completed" else None) == record.value, record
    counted = sum(record.state != "interrupted" for record in result.records)
    assert counted == result.done() <= result.file.trials
    return result


def optuna_trials(store: Path, name: str) -> list[Any]:
    """Return every trial that Optuna itself reads."""
    journal = store / "studies" / name / "optuna.journal"
    lock = optuna.storages.journal.JournalFileOpenLock(str(journal))
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal), lock_obj=lock))
    return list(optuna.load_study(study_name=None, storage=storage).trials)


def mlflow_runs(store: Path, name: str) -> list[Any]:
    """Return every run of the study that MLflow has, trials and launches."""
    client: Any = MlflowClient(f"sqlite:///{store}/mlflow.db")
    return list(client.search_runs([client.get_experiment_by_name(name).experiment_id]))
