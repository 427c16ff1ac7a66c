"""The driver is interrupted, killed, started twice or loses its terminal; the same command finishes its budget."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import hpsearch

from .conftest import Driver, gone, mlflow_runs, mlflow_states, optuna_states
from .scripted import PROGRAM, SPACE, Zygote, make_study

pytestmark = pytest.mark.xdist_group("processes")


def assert_finished(store: Path) -> None:
    """Hold Optuna and MLflow to four completed trials and nothing that runs."""
    optuna = optuna_states(store)
    assert (optuna["COMPLETE"], optuna["RUNNING"], optuna["WAITING"]) == (4, 0, 0)
    assert mlflow_states(store)["completed"] == 4
    assert {run.info.status for run in mlflow_runs(store)} <= {"FINISHED", "KILLED"}


def test_a_signal_prints_the_best_so_far_and_leaves_nothing_running_in_mlflow_either(
    start: Callable[..., Driver], store: Path
) -> None:
    driver = start()
    driver.read_until("[1/4]")
    workers = driver.workers()
    driver.process.terminate()
    code, printed = driver.finish()
    assert code == 128 + signal.SIGTERM, printed
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


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """While this file is there, a scripted trial of more than one epoch does not end."""
    path = tmp_path / "hold"
    path.touch()
    return path


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Six trials; the first has one epoch, the second never ends while `held` is there."""
    first = SPACE | {"learning_rate": 0.1, "epochs": 1}
    return make_study(tmp_path, space={"epochs": [1, 4]}, search={"start_with": [first, first | {"epochs": 4}]})


def assert_whole(place: Path, trials: int = 6, name: str = "many") -> None:
    """Hold a study to its exact budget, and Optuna to the history."""
    assert optuna_states(place, name) == {"COMPLETE": trials} | {
        state: count for state, count in optuna_states(place, name).items() if state == "FAIL"
    }
    result = hpsearch.load(name, store=place)
    assert (result.done(), result.states()["completed"]) == (trials, trials)
    assert len({record.number for record in result.records}) == len(result.records)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_the_trials_and_the_exit_code_names_it(
    tmp_path: Path, zygote: Zygote, study: Path, held: Path, number: signal.Signals
) -> None:
    place = tmp_path / "store"
    driver = zygote.start(tmp_path, "run", study, "--store", place, SCRIPTED_HOLD=str(held))
    driver.until("[1/6]")
    driver.signal(number)
    held.unlink()
    code, told, errors = driver.wait()
    assert (code, errors) == (128 + number, "")
    assert "interrupted; run the same command to go on" in told
    assert optuna_states(place, "many")["RUNNING"] == 0
    assert zygote.run(tmp_path, "run", study, "--store", place)[0] == 0
    assert_whole(place)


def test_a_second_signal_waits_for_no_trial_and_the_next_launch_puts_it_right(
    tmp_path: Path, zygote: Zygote, study: Path, held: Path
) -> None:
    place = tmp_path / "store"
    driver = zygote.start(tmp_path, "run", study, "--store", place, SCRIPTED_HOLD=str(held))
    driver.until("[1/6]")
    workers = driver.workers()
    driver.signal(signal.SIGINT)
    driver.signal(signal.SIGTERM)
    code, _, errors = driver.wait()
    assert code in (130, 143)  # the kernel hands out the lower number first if both have come
    assert errors == "interrupted; run the same command to go on\n"
    assert gone(workers)
    assert optuna_states(place, "many")["RUNNING"] == 1  # nobody waited for the trial
    held.unlink()
    code, told, _ = zygote.run(tmp_path, "run", study, "--store", place)
    assert (code, "1 trial that an earlier launch left unfinished will be run again" in told) == (0, True)
    assert_whole(place)


def test_a_signal_that_is_ignored_from_the_start_stays_ignored_as_under_nohup(
    tmp_path: Path, zygote: Zygote, study: Path, held: Path
) -> None:
    place = tmp_path / "store"
    options = {"ignores": signal.SIGHUP, "SCRIPTED_HOLD": str(held)}
    driver = zygote.start(tmp_path, "run", study, "--store", place, **options)  # type: ignore[arg-type]
    driver.until("[1/6]")
    driver.signal(signal.SIGHUP)
    held.unlink()
    assert driver.wait()[0] == 0
    assert_whole(place)


def test_a_pipe_that_is_closed_ends_no_study(tmp_path: Path, zygote: Zygote, study: Path, held: Path) -> None:
    place, pipe = tmp_path / "store", tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    driver = zygote.start(tmp_path, "run", study, "--store", place, out=pipe, SCRIPTED_HOLD=str(held))
    os.set_blocking(reader, True)
    told = b""
    while b"[1/6]" not in told:
        told += os.read(reader, 4096)
    os.close(reader)
    held.unlink()
    assert driver.wait() == (0, "", "")
    assert_whole(place)


def test_a_terminal_that_hangs_up_ends_the_study_as_sigterm_does(tmp_path: Path, study: Path, held: Path) -> None:
    place = tmp_path / "store"
    master, terminal = pty.openpty()
    code = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    driver = subprocess.Popen(
        [sys.executable, "-c", code, *PROGRAM, "run", str(study), "--store", str(place)],
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
        env=os.environ | {"SCRIPTED_HOLD": str(held), "TERM": "xterm"},
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    while b"new best" not in shown:
        shown += os.read(master, 4096)
    os.close(master)
    held.unlink()
    assert driver.wait(120) == 128 + signal.SIGHUP
    assert optuna_states(place, "many")["RUNNING"] == 0


def test_streams_that_are_closed_from_the_start_are_no_fault(tmp_path: Path, study: Path) -> None:
    place = tmp_path / "store"
    command = " ".join([*PROGRAM, "run", str(study), "--store", str(place)])
    assert subprocess.run(["sh", "-c", f"exec {command} <&- >&- 2>&-"], check=False).returncode == 0
    assert_whole(place)


@pytest.mark.parametrize("how", [["run"], ["run", "--new"], ["run", "--widen"], ["verify"]])
def test_a_study_that_is_run_is_refused_to_every_other_driver_with_its_holder(
    tmp_path: Path, zygote: Zygote, held: Path, how: list[str]
) -> None:
    place, study = tmp_path / "store", make_study(tmp_path)
    holder = zygote.start(tmp_path, "run", study, "--store", place, SCRIPTED_HOLD=str(held))
    holder.until("in 6 trials")
    what = "many" if how == ["verify"] else study
    code, told, errors = zygote.run(tmp_path, how[0], what, *how[1:], "--store", place)
    assert (code, told) == (2, "")
    who = rf"process {holder.pid} on {re.escape(socket.gethostname())} since \d{{4}}-\d\d-\d\dT[\d:]{{8}}\+00:00"
    assert re.fullmatch(rf"hpsearch: study 'many' is being run by {who}; wait for it, or stop it .*\n", errors)
    holder.signal(signal.SIGKILL)
    holder.wait()


def test_the_lock_of_a_driver_that_was_killed_is_in_nobodys_way(
    tmp_path: Path, zygote: Zygote, study: Path, held: Path
) -> None:
    place = tmp_path / "store"
    driver = zygote.start(tmp_path, "run", study, "--store", place, SCRIPTED_HOLD=str(held))
    driver.until("[1/6]")
    driver.signal(signal.SIGKILL)
    driver.wait()
    assert f"process {driver.pid}" in (place / "studies" / ".many.lock").read_text()
    held.unlink()
    assert zygote.run(tmp_path, "run", study, "--store", place)[0] == 0
    assert_whole(place)


def test_each_configuration_of_start_with_runs_exactly_once_however_often_the_driver_dies(
    tmp_path: Path, zygote: Zygote
) -> None:
    place = tmp_path / "store"
    rates = [round(0.001 * n, 4) for n in range(1, 13)]
    search = {"start_with": [SPACE | {"learning_rate": rate} for rate in rates], "trials": 12, "workers": 2}
    study = make_study(tmp_path, search=search)
    for point in ("trial-asked:4:kill", "trial-started:2:kill", "history-written:2:kill", "optuna-told:2"):
        code, _, _ = zygote.run(tmp_path, "run", study, "--store", place, HPSEARCH_CRASH_AT=point)
        assert code in (-signal.SIGKILL, 70)
    assert zygote.run(tmp_path, "run", study, "--store", place)[0] == 0
    assert_whole(place, 12)
    ran = Counter(r.configuration["learning_rate"] for r in hpsearch.load("many", store=place).records if r.value)
    assert ran == dict.fromkeys(rates, 1)


def test_two_studies_that_start_at_once_on_an_empty_store_both_finish(tmp_path: Path, zygote: Zygote) -> None:
    place = tmp_path / "store"
    studies = [make_study(tmp_path, name=name) for name in ("one", "two")]
    drivers = [zygote.start(tmp_path, "run", study, "--store", place) for study in studies]
    assert [driver.wait()[0] for driver in drivers] == [0, 0]
    for name in ("one", "two"):
        assert_whole(place, name=name)


def test_of_two_drivers_that_start_one_study_at_once_one_runs_it_and_one_is_refused(
    tmp_path: Path, zygote: Zygote, held: Path
) -> None:
    place, study = tmp_path / "store", make_study(tmp_path)
    drivers = [zygote.start(tmp_path, "run", study, "--store", place, SCRIPTED_HOLD=str(held)) for _ in range(2)]
    while all(driver.lives() for driver in drivers):
        psutil.wait_procs([], timeout=0.01)
    held.unlink()
    ended = sorted(driver.wait() for driver in drivers)
    assert [code for code, _, _ in ended] == [0, 2]
    assert ended[1][2].startswith("hpsearch: study 'many' is being run by process ")
    assert_whole(place)


def test_a_wall_clock_that_jumps_changes_no_duration_and_no_timeout(tmp_path: Path) -> None:
    place = tmp_path / "store"
    study = make_study(tmp_path, search={"trial_timeout": "30min"})
    environment = os.environ | {"SCRIPTED_JUMPS": "1"}
    arguments = [*PROGRAM, "run", str(study), "--store", str(place), "--timeout", "30min"]
    ended = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert_whole(place)
    records = hpsearch.load("many", store=place).records
    assert all(0 <= record.seconds < 600 for record in records)
    hours = {record.started[:13] for record in records}
    assert len(hours) > 1  # the clock did jump
    logs = [json.loads(line) for line in (place / "studies" / "many" / "optuna.journal").read_text().splitlines()]
    assert logs


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"space": {"epochs": 5}}, "space.epochs: 4 -> 5"),
        ({"search": {"objective": "r2"}}, "search.objective: None -> 'r2'"),
        ({"search": {"seed": 3}}, "search.seed: 0 -> 3"),
    ],
)
def test_a_study_file_that_changed_is_refused_field_by_field_and_the_trials_are_kept(
    tmp_path: Path, zygote: Zygote, change: dict[str, dict[str, object]], told: str
) -> None:
    place, study = tmp_path / "store", make_study(tmp_path)
    assert zygote.run(tmp_path, "run", study, "--store", place)[0] == 0
    before = (place / "studies" / "many" / "history.jsonl").read_bytes()
    code, _, errors = zygote.run(tmp_path, "run", make_study(tmp_path, **change), "--store", place)
    assert (code, f"began with another study file:\n  {told}\n" in errors) == (2, True)
    assert "undo the change, give the study another name, or start afresh with --new" in errors
    assert (place / "studies" / "many" / "history.jsonl").read_bytes() == before


def test_rows_that_changed_are_refused_and_the_trials_are_kept(tmp_path: Path, zygote: Zygote) -> None:
    place, study = tmp_path / "store", make_study(tmp_path)
    assert zygote.run(tmp_path, "run", study, "--store", place)[0] == 0
    table = tmp_path / "rentals.csv"
    table.write_text(table.read_text().replace("2024-01-01", "2024-01-02", 1))
    code, _, errors = zygote.run(tmp_path, "run", study, "--store", place)
    assert code == 2
    assert re.search(r"data: digest [0-9a-f]{12} -> [0-9a-f]{12} \(the rows are not the same\)", errors)
    assert hpsearch.load("many", store=place).done() == 6
    code, _, errors = zygote.run(tmp_path, "verify", "many", "--store", place)
    assert code == 2
    assert "the rows of 'many' are no longer those it was searched on" in errors
