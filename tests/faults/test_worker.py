"""A worker dies; its trial is run again, and the study completes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import hpsearch

from .conftest import Driver, mlflow_runs, mlflow_states, optuna_states

pytestmark = pytest.mark.xdist_group("processes")


def test_the_trials_of_workers_that_are_killed_are_run_again(start: Callable[..., Driver], store: Path) -> None:
    driver = start()
    driver.read_until("[1/4] trial 0")
    for worker in driver.workers():
        worker.kill()
    code, printed = driver.finish()
    assert code == 0, printed
    assert "trial 1: interrupted (worker died: signal 9 (SIGKILL))" in printed
    assert driver.errors.read_text() == ""
    result = hpsearch.load("slow", store=store)
    lost = next(record for record in result.records if record.number == 1)
    again = next(record for record in result.records if record.retry_of == 1)
    assert (lost.state, again.state) == ("interrupted", "completed")
    assert (again.configuration, again.seed) == (lost.configuration, lost.seed)
    assert result.done() == 4
    assert (optuna_states(store)["COMPLETE"], optuna_states(store)["RUNNING"]) == (4, 0)
    assert mlflow_states(store)["completed"] == 4
    assert "RUNNING" not in {run.info.status for run in mlflow_runs(store)}
