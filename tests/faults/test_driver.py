"""The driver is interrupted, killed or started twice; the same command again finishes the exact budget."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import hpsearch

from .conftest import Driver, gone, mlflow_runs, mlflow_states, optuna_states

pytestmark = pytest.mark.xdist_group("processes")


def assert_finished(store: Path) -> None:
    """Hold Optuna and MLflow to four completed trials and nothing that runs."""
    optuna = optuna_states(store)
    assert (optuna["COMPLETE"], optuna["RUNNING"], optuna["WAITING"]) == (4, 0, 0)
    assert mlflow_states(store)["completed"] == 4
    assert {run.info.status for run in mlflow_runs(store)} <= {"FINISHED", "KILLED"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_prints_the_best_so_far_and_leaves_nothing_running(
    start: Callable[..., Driver], store: Path, number: int
) -> None:
    driver = start()
    driver.read_until("[1/4]")
    workers = driver.workers()
    if number == signal.SIGINT:
        driver.interrupt()
    else:
        driver.process.terminate()
    code, printed = driver.finish()
    assert code == 130, printed
    assert "interrupted; run the same command to go on" in printed
    assert "the best of 'slow'" in printed
    assert driver.errors.read_text() == ""
    assert gone(workers)
    assert optuna_states(store)["RUNNING"] == 0
    assert "RUNNING" not in {run.info.status for run in mlflow_runs(store)}

    code, printed = start().finish()
    assert code == 0, printed
    assert_finished(store)


def test_a_driver_that_is_killed_takes_its_workers_along_and_the_same_command_finishes(
    start: Callable[..., Driver], store: Path
) -> None:
    driver = start()
    driver.read_until("[1/4]")
    workers = driver.workers()
    assert len(workers) == 2
    driver.process.kill()
    driver.finish()
    assert gone(workers)

    code, printed = start().finish()
    assert code == 0, printed
    assert "left unfinished will be run again" in printed
    assert "4 of 4 trials done" in printed
    assert_finished(store)
    lost = [run for run in mlflow_runs(store) if run.data.tags["hpsearch.state"] == "interrupted"]
    assert lost
    assert {run.info.status for run in lost} == {"KILLED"}


def test_a_second_driver_of_the_same_study_is_refused(start: Callable[..., Driver], store: Path) -> None:
    first = start()
    first.read_until("[1/4]")
    second = start("--quiet")
    code, printed = second.finish()
    assert (code, printed) == (2, "")
    assert f"study 'slow' is being run by process {first.process.pid}" in second.errors.read_text()
    assert first.finish()[0] == 0
    assert hpsearch.load("slow", store=store).done() == 4
