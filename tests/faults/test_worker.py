"""Workers die, hang or take too much memory, trainers misbehave: it costs the trial; the study goes on or says why.

Drivers, workers, Optuna and MLflow are real; but for the first two tests the trainer follows a script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sample_studies import new_store, write_study

import hpsearch

from .conftest import SCRIPTED, SLOW, Driver, mlflow_runs, mlflow_states, optuna_states, scripted_study, write_scripted
from .invariants import hold_invariants

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


def test_a_limit_that_tensorflow_alone_exceeds_is_refused_with_what_is_needed(
    start: Callable[..., Driver], slow_study: Path, store: Path
) -> None:
    write_study(slow_study.parent, SLOW | {"search": SLOW["search"] | {"worker_memory": "100MB", "workers": 1}})
    driver = start("--quiet")
    code, printed = driver.finish()
    assert (code, printed) == (2, "")
    told = driver.errors.read_text()
    assert told.count("\n") == 1
    assert "MB before it trains anything, and may hold 100 MB; set search.worker_memory to 1 GB or more" in told
    assert hold_invariants(store, "slow").states()["interrupted"] == 1


# --- one study in which trials go wrong in every way there is

FAULTS = {
    1: "kill@trial1:epoch1", 3: "abort@trial3:epoch1", 5: "exit@trial5:epoch1", 6: "error@trial6:epoch1",
    7: "stop@trial7:epoch2", 8: "hang@trial8:epoch1", 9: "out-of-memory@trial9:epoch1", 10: "grow@trial10:epoch1",
}  # fmt: skip
SCRIPTS = ["train"] * 11 + ["nothing", "text", "nan", "pipe", "spin"]


@pytest.fixture(scope="module")
def mishaps(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path) -> Iterator[tuple[Driver, str, Path]]:
    """A study that was run to its end: its driver, what that printed, and the store. Look, but do not run it on."""
    folder = tmp_path_factory.mktemp("mishaps")
    store = new_store(folder / "store", mlflow_database)
    study = scripted_study(SCRIPTS, trial_timeout=4, worker_memory="300MB")
    arguments = ["run", str(write_scripted(folder, study)), "--store", str(store)]
    with Driver(arguments, folder / "errors.txt", SCRIPTED, ",".join(FAULTS.values())) as driver:
        code, printed = driver.finish()
        assert code == 0, driver.errors.read_text()
        yield driver, printed, store


def test_a_study_in_which_trials_go_wrong_in_every_way_comes_to_its_end_and_adds_up(
    mishaps: tuple[Driver, str, Path],
) -> None:
    driver, printed, store = mishaps
    result = hold_invariants(store, "scripted")
    assert driver.errors.read_text() == ""
    assert result.states() == {"completed": 5, "pruned": 0, "failed": 11, "interrupted": 2}
    assert "16 of 16 trials done: 5 completed, 11 failed, 2 interrupted\n" in printed


@pytest.mark.parametrize(
    ("trial", "state", "reason"),
    [
        (1, "interrupted", "worker died: signal 9 (SIGKILL)"),
        (3, "interrupted", "worker died: signal 6 (SIGABRT)"),
        (5, "failed", "SystemExit: 1"),
        (6, "failed", "ValueError: the fault that was asked for"),
        (7, "failed", "timeout after 4 s"),  # suspended: it hears SIGKILL alone
        (8, "failed", "timeout after 4 s"),
        (9, "failed", "out of memory: 11 weights, batch 64"),
        (11, "failed", "the trainer gave 'NoneType', which is neither an Epoch nor an Outcome"),
        (12, "failed", "val_rmse is no finite number at epoch 2"),
        (13, "failed", "val_rmse is no finite number at epoch 2"),
        (14, "failed", "EOFError: a file of the trainer's own ended"),
        (15, "failed", "timeout after 4 s"),
    ],
)
def test_each_mishap_ends_its_own_trial_with_its_reason(
    mishaps: tuple[Driver, str, Path], trial: int, state: str, reason: str
) -> None:
    _, printed, store = mishaps
    record = next(r for r in hpsearch.load("scripted", store=store).records if r.number == trial)
    assert (record.state, record.reason, record.value) == (state, reason, None)
    assert f"trial {trial}: {state} ({reason})" in printed


def test_a_worker_that_takes_more_memory_than_it_may_is_told_with_its_size_and_its_nets(
    mishaps: tuple[Driver, str, Path],
) -> None:
    record = next(r for r in hpsearch.load("scripted", store=mishaps[2]).records if r.number == 10)
    assert record.state == "failed"
    assert record.reason.startswith("out of memory: the worker held ")
    assert record.reason.endswith(" of 300 MB allowed; the net has 11 parameters")


def test_only_the_trials_whose_workers_died_are_run_again_and_from_their_seed(
    mishaps: tuple[Driver, str, Path],
) -> None:
    records = {r.number: r for r in hpsearch.load("scripted", store=mishaps[2]).records}
    again = {r.retry_of: r for r in records.values() if r.retry_of is not None}
    assert set(again) == {1, 3}
    for number, retry in again.items():
        assert (retry.state, retry.seed) == ("completed", records[number].seed)
        assert retry.configuration == records[number].configuration


def test_of_a_trial_that_met_nan_the_finite_points_are_kept_and_no_other_is_anywhere(
    mishaps: tuple[Driver, str, Path],
) -> None:
    store = mishaps[2]
    record = next(r for r in hpsearch.load("scripted", store=store).records if r.number == 13)
    assert [epoch.metrics for epoch in record.epochs] == [{"val_rmse": 22.0, "train_loss": 1.0}, {}]
    (run,) = [run for run in mlflow_runs(store, "scripted") if run.data.tags.get("hpsearch.trial") == "13"]
    assert run.info.status == "FAILED"
    assert run.data.metrics["val_rmse"] == 22.0
    assert all(abs(value) < 1e300 for value in run.data.metrics.values())


def test_the_end_of_a_launch_and_its_json_group_failures_by_their_kind(mishaps: tuple[Driver, str, Path]) -> None:
    _, printed, store = mishaps
    assert "failed: timeout after 4 s (3 trials)\n" in printed
    assert "failed: val_rmse is no finite number at epoch 2 (2 trials)\n" in printed
    groups = hpsearch.load("scripted", store=store).to_json()["failures"]
    assert groups[0] == {"reason": "timeout after 4 s", "count": 3}
    assert sum(group["count"] for group in groups) == 11


# --- when the study is wrong


def test_workers_that_die_in_a_row_stop_the_study_which_goes_on_once_the_cause_is_put_right(
    start_scripted: Callable[..., Driver], store: Path
) -> None:
    study = scripted_study(["train"] * 4)
    driver = start_scripted(study, ",".join(f"kill@trial{n}:epoch1" for n in range(9)))
    code, printed = driver.finish()
    assert code == 2, printed
    assert "3 workers in a row died (worker died: signal 9 (SIGKILL)); what was found is kept" in (
        driver.errors.read_text()
    )
    assert set(hold_invariants(store, "scripted").states().values()) <= {0, 3, 4}
    code, printed = start_scripted(study).finish()
    assert code == 0, printed
    assert hold_invariants(store, "scripted").states()["completed"] == 4


def test_the_same_error_again_and_again_stops_the_study_with_one_message(
    start_scripted: Callable[..., Driver], store: Path
) -> None:
    driver = start_scripted(scripted_study(["raise"] * 9))
    code, printed = driver.finish()
    assert code == 2, printed
    told = driver.errors.read_text()
    assert told.count("\n") == 1
    assert "3 trainings failed with the same error and none went well between (ValueError: the second epoch)" in told
    assert hold_invariants(store, "scripted").states()["failed"] == 3


def test_a_launch_says_once_that_half_of_its_trials_diverge_and_where(
    start_scripted: Callable[..., Driver], store: Path
) -> None:
    rates = [0.06, 0.001, 0.07, 0.08, 0.002, 0.09, 0.003, 0.0601, 0.004, 0.0701, 0.0801, 0.005]
    code, printed = start_scripted(scripted_study(["steep"] * 12, rates, workers=1)).finish()
    assert code == 0, printed
    assert printed.count("trials diverged") == 1
    assert "6 of 10 trials diverged, all with learning_rate 0.06 or above; consider a narrower range\n" in printed
    assert "failed: diverged at epoch 1 to 3 (7 trials)\n" in printed
    assert hold_invariants(store, "scripted").states() == {"completed": 5, "pruned": 0, "failed": 7, "interrupted": 0}
