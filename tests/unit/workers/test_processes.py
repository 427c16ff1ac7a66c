"""Faults are injected for real: children are killed, stopped and made to crash; only the training is a script."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from fakes import job, write_dataset
from worker_pools import PROGRAM, scripted_pool

import hpsearch
from hpsearch.errors import StudyAborted
from hpsearch.training.trainer import Epoch, Job, Outcome, Settings
from hpsearch.workers import child, processes
from hpsearch.workers.memory import held
from hpsearch.workers.pool import End, Event, Lost, Started
from hpsearch.workers.processes import WORKER, ProcessPool
from hpsearch.workers.protocol import Setup


@pytest.fixture
def open_pool(tmp_path: Path) -> Iterator[Callable[[int], ProcessPool]]:
    data = write_dataset(tmp_path / "data")
    with ExitStack() as stack:

        def make(places: int = 1, memory: int | None = None) -> ProcessPool:
            pool = scripted_pool(places, data, tmp_path / "logs", memory)
            stack.callback(pool.close)
            return pool

        yield make


def run(pool: ProcessPool, *jobs: Job) -> dict[int, Event]:
    """Return how each job ended, by its trial."""
    for one in jobs:
        pool.start(one)
    ends: dict[int, Event] = {}
    while len(ends) < len(jobs):
        ends |= {event.token[0]: event for event in pool.events(timeout=30) if isinstance(event, End)}
    return ends


def start_and_hang(pool: ProcessPool, one: Job) -> None:
    """Start a job that hangs in its second epoch, and come back when it does."""
    pool.start(one)
    while "here it hangs" not in (pool._logs / "worker-1.log").read_text():
        pool.events(timeout=0.02)


def listen_for_ever(pool: ProcessPool) -> None:
    while True:
        pool.events(timeout=30)


def pids(pool: ProcessPool) -> list[int]:
    return [worker.process.pid for worker in pool._workers]


@pytest.mark.parametrize(
    ("script", "reason"),
    [("kill", "worker died: signal 9 (SIGKILL)"), ("abort", "worker died: signal 6 (SIGABRT)")],
)
def test_a_worker_that_dies_loses_its_job_and_is_replaced(
    open_pool: Callable[..., ProcessPool], script: str, reason: str
) -> None:
    pool = open_pool()
    before = pids(pool)
    assert run(pool, job(0, script))[0] == Lost((0, 0, 0), reason, died=True)
    assert pids(pool) != before
    assert isinstance(run(pool, job(1))[1], Outcome)


def test_a_worker_killed_from_outside_is_told_and_the_other_goes_on(open_pool: Callable[..., ProcessPool]) -> None:
    pool = open_pool(2)
    long = job(0, epochs=10**9)
    place = pool.start(long)
    pool.start(job(1, epochs=10**9))
    heard: list[Event] = []
    while {event.token[0] for event in heard if isinstance(event, Epoch)} != {0, 1}:
        heard = heard[-500:] + pool.events(timeout=30)
    os.kill(pids(pool)[place - 1], signal.SIGKILL)
    ends: list[Event] = []
    while not ends:
        ends = [event for event in pool.events(timeout=30) if isinstance(event, End)]
    assert ends == [Lost(long.token, "worker died: signal 9 (SIGKILL)", died=True)]
    assert any(event.token[0] == 1 for event in pool.events(timeout=30))


@pytest.mark.parametrize("script", ["hang", "spin", "suspend", "deaf"])
def test_a_worker_that_hangs_or_is_suspended_is_ended_past_the_grace(
    open_pool: Callable[..., ProcessPool], monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(child, "TERM_GRACE", 0.1)
    pool = open_pool()
    one = job(0, script)
    start_and_hang(pool, one)
    pool.stop(one.token, grace=0.05)
    heard: list[Event] = []
    while not heard:
        heard += pool.events(timeout=0.1)
    assert heard[-1] == Lost(one.token, "timeout: the worker did not stop and was killed", died=False)
    assert isinstance(run(pool, job(1))[1], Outcome)


def test_sigterm_is_enough_for_a_worker_that_is_busy(open_pool: Callable[..., ProcessPool]) -> None:
    pool = open_pool()
    one = job(0, "spin")
    start_and_hang(pool, one)
    process = pool._workers[0].process
    pool.stop(one.token, grace=0.05)
    while not any(isinstance(event, End) for event in pool.events(timeout=0.1)):
        pass
    assert process.returncode == -signal.SIGTERM


def test_what_a_worker_says_once_it_is_given_up_is_dropped(open_pool: Callable[..., ProcessPool]) -> None:
    pool = open_pool()
    one = job(0, "suspend", epochs=10**9)
    start_and_hang(pool, one)
    pool._workers[0].kill_at = time.monotonic() + 1e9  # taken for dead, and not killed yet
    pool._workers[0].doom = "timeout: the worker did not stop and was killed"
    (pid,) = pids(pool)
    os.kill(pid, signal.SIGCONT)
    for _ in range(20):  # it trains on, and tells of thousands of epochs
        assert pool.events(timeout=0.05) == []
    os.kill(pid, signal.SIGKILL)
    heard: list[Event] = []
    while not heard:
        heard = pool.events(timeout=30)
    assert heard == [Lost(one.token, "timeout: the worker did not stop and was killed")]
    assert isinstance(run(pool, job(1))[1], Outcome)


def test_a_worker_that_is_suspended_past_its_time_and_wakes_up_again_is_gone_for_good(
    open_pool: Callable[..., ProcessPool],
) -> None:
    pool = open_pool()
    one = job(0, "suspend")
    start_and_hang(pool, one)
    pool.stop(one.token, grace=0.0)
    while pool._workers[0].kill_at is None:
        pool.events(timeout=0.02)
    os.kill(pids(pool)[0], signal.SIGCONT)
    heard: list[Event] = []
    while not heard:
        heard = pool.events(timeout=30)
    assert heard == [Lost(one.token, "timeout: the worker did not stop and was killed")]
    assert isinstance(run(pool, job(1))[1], Outcome)


@pytest.mark.parametrize("is_ready", [False, True])
def test_a_worker_that_never_begins_is_replaced_and_its_job_goes_to_the_next(
    open_pool: Callable[..., ProcessPool], monkeypatch: pytest.MonkeyPatch, is_ready: bool
) -> None:
    monkeypatch.setattr(child, "TERM_GRACE", 0.1)
    pool = open_pool()
    while is_ready and not pool._workers[0].ready:
        pool.events(timeout=30)
    (pid,) = pids(pool)
    os.kill(pid, signal.SIGSTOP)
    one = job(0)
    pool.start(one)
    assert pool._workers[0].answer_by is not None
    pool._workers[0].answer_by = time.monotonic()
    ends: list[Event] = []
    while not ends:
        ends = [event for event in pool.events(timeout=0.1) if isinstance(event, End)]
    assert isinstance(ends[0], Outcome)
    assert not psutil.pid_exists(pid)


def test_a_worker_that_says_what_cannot_be_read_is_a_dead_worker(tmp_path: Path) -> None:
    program = tmp_path / "odd.py"
    program.write_text(
        "import sys\n"
        "from dataclasses import dataclass\n"
        "from multiprocessing.connection import Connection\n"
        "from hpsearch.training.trainer import Epoch\n"
        "from hpsearch.workers.pool import Started\n"
        "from hpsearch.workers.protocol import Ready\n"
        "class Mine(Epoch): pass\n"
        "pipe = Connection(int(sys.argv[1]))\n"
        "pipe.recv(); pipe.send(Ready()); token = pipe.recv().token\n"
        "pipe.send(Started(token)); pipe.send(Mine(token, 1, {})); pipe.recv()\n"
    )
    setup = Setup(write_dataset(tmp_path / "data").folder, Settings("rmse", "mse"))
    pool = ProcessPool(1, setup, tmp_path / "logs", (sys.executable, str(program)))
    try:
        pool.start(job(0))
        heard: list[Event] = []
        while not any(isinstance(event, End) for event in heard):
            heard += pool.events(timeout=30)
    finally:
        pool.close()
    assert heard == [Started((0, 0, 0)), Lost((0, 0, 0), "worker died: signal 9 (SIGKILL)", died=True)]


def test_a_worker_that_is_suspended_in_the_middle_of_a_message_does_not_hold_the_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "MID_MESSAGE", 1)
    program = tmp_path / "half.py"
    program.write_text(
        "import os, signal, sys\n"
        "from multiprocessing.connection import Connection\n"
        "from hpsearch.workers.pool import Started\n"
        "from hpsearch.workers.protocol import Ready\n"
        "pipe = Connection(int(sys.argv[1]))\n"
        "pipe.recv(); pipe.send(Ready()); pipe.send(Started(pipe.recv().token))\n"
        "os.write(pipe.fileno(), b'\\x00\\x00\\x10\\x00half')\n"
        "os.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    setup = Setup(write_dataset(tmp_path / "data").folder, Settings("rmse", "mse"))
    pool = ProcessPool(1, setup, tmp_path / "logs", (sys.executable, str(program)))
    try:
        pool.start(job(0))
        heard: list[Event] = []
        while not any(isinstance(event, End) for event in heard):
            heard += pool.events(timeout=30)
    finally:
        pool.close()
    assert heard[-1] == Lost((0, 0, 0), "worker died: signal 9 (SIGKILL)", died=True)


def test_a_stop_without_a_grace_can_be_given_one_and_the_first_counts(open_pool: Callable[..., ProcessPool]) -> None:
    pool = open_pool()
    one = job(0, "hang")
    start_and_hang(pool, one)
    pool.stop(one.token)
    pool.stop(one.token, grace=0.05)
    pool.stop(one.token, grace=1e9)
    ends: list[Event] = []
    while not ends:
        ends = [event for event in pool.events(timeout=0.1) if isinstance(event, End)]
    assert isinstance(ends[0], Lost)


def test_a_worker_that_dies_in_the_middle_of_a_message_is_only_a_dead_worker(tmp_path: Path) -> None:
    program = tmp_path / "half.py"
    program.write_text(
        "import os, sys\n"
        "from multiprocessing.connection import Connection\n"
        "from hpsearch.workers.protocol import Ready\n"
        "pipe = Connection(int(sys.argv[1]))\n"
        "pipe.recv(); pipe.send(Ready()); pipe.recv()\n"
        "os.write(pipe.fileno(), b'\\x00\\x00\\x10\\x00half')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    setup = Setup(write_dataset(tmp_path / "data").folder, Settings("rmse", "mse"))
    pool = ProcessPool(1, setup, tmp_path / "logs", (sys.executable, str(program)))
    try:
        pool.start(job(0))
        first = pids(pool)
        while pids(pool) == first:  # it had not said that it began, so the next worker takes the job
            assert pool.events(timeout=30) == []
    finally:
        pool.close()


def test_a_job_that_had_not_begun_goes_to_the_next_worker(open_pool: Callable[..., ProcessPool]) -> None:
    pool = open_pool()
    (pid,) = pids(pool)
    os.kill(pid, signal.SIGKILL)
    one = job(0)
    pool.start(one)
    ends: list[Event] = []
    while not ends:
        ends = [event for event in pool.events(timeout=30) if isinstance(event, End)]
    assert isinstance(ends[0], Outcome)


def test_a_job_that_was_stopped_before_its_worker_died_is_not_begun_again(
    open_pool: Callable[..., ProcessPool],
) -> None:
    pool = open_pool()
    one = job(0)
    os.kill(pids(pool)[0], signal.SIGSTOP)
    pool.start(one)
    pool.stop(one.token)
    os.kill(pids(pool)[0], signal.SIGKILL)
    ends: list[Event] = []
    while not ends:
        ends = [event for event in pool.events(timeout=30) if isinstance(event, End)]
    assert ends == [Lost(one.token, "worker died: signal 9 (SIGKILL)", died=True)]


def test_an_idle_worker_that_died_is_replaced_without_a_word(open_pool: Callable[..., ProcessPool]) -> None:
    pool = open_pool()
    run(pool, job(0))
    (pid,) = pids(pool)
    os.kill(pid, signal.SIGKILL)
    while pids(pool) == [pid]:
        assert pool.events(timeout=30) == []
    assert isinstance(run(pool, job(1))[1], Outcome)


def test_workers_that_die_before_they_are_ready_end_the_study(
    open_pool: Callable[..., ProcessPool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCRIPTED_WORKER", "fails to start")
    pool = open_pool()
    pool.start(job(0))
    with pytest.raises(StudyAborted) as raised:
        listen_for_ever(pool)
    log = tmp_path / "logs" / "worker-1.log"
    assert str(raised.value) == (
        "3 worker processes in a row died before they were ready (exit code 1); "
        f"see {log} for what they printed"
    )  # fmt: skip
    assert log.read_text().count("no trainer to be found") == 3


def test_a_worker_that_outgrows_its_limit_is_replaced_between_two_jobs(
    open_pool: Callable[..., ProcessPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GROWTH_LIMIT", -1)
    pool = open_pool()
    run(pool, job(0))
    first = pids(pool)
    while pool.events(timeout=0.05) or not pool._workers[0].outgrown:
        pass
    assert isinstance(run(pool, job(1))[1], Outcome)
    assert pids(pool) != first
    while psutil.pid_exists(first[0]):
        pool.events(timeout=0.05)  # it is reaped, not left a zombie


def test_memory_that_leaks_from_job_to_job_stays_within_bounds(
    open_pool: Callable[..., ProcessPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GROWTH_LIMIT", 30_000_000)
    pool = open_pool()
    seen, largest = set(), 0
    for trial in range(9):  # each keeps 20 MB for ever
        assert isinstance(run(pool, job(trial, "leak"))[trial], Outcome)
        seen |= set(pids(pool))
        largest = max(largest, held(pids(pool)[0]))
        while pool.events(timeout=0.05):
            pass
    assert len(seen) > 1
    assert largest < 160_000_000  # all nine in one worker would be 200


@pytest.mark.parametrize(("places", "limit", "told"), [(1, 150_000_000, "150 MB"), (2, 200_000_000, "200 MB")])
def test_a_worker_that_takes_more_memory_than_it_may_is_ended_and_the_other_goes_on(
    open_pool: Callable[..., ProcessPool], places: int, limit: int, told: str
) -> None:
    pool = open_pool(places, limit)
    greedy = job(0, "greedy")
    pool.start(greedy)
    others = [job(number, epochs=10**9) for number in range(1, places)]
    for other in others:
        pool.start(other)
    ends: list[Event] = []
    while not ends:
        ends = [event for event in pool.events(timeout=0.2) if isinstance(event, End)]
    (lost,) = ends
    assert isinstance(lost, Lost)
    assert not lost.died
    found = re.fullmatch(
        rf"out of memory: the worker held ([\d.]+) (MB|GB) of {told} allowed; the net has 3 parameters", lost.reason
    )
    assert found is not None, lost.reason
    assert isinstance(run(pool, job(9))[9], Outcome)
    assert others == [worker.job for worker in pool._workers if worker.job is not None]


def test_a_job_that_ran_out_of_memory_costs_its_worker_its_place(open_pool: Callable[..., ProcessPool]) -> None:
    pool = open_pool()
    lost = run(pool, job(0, "memory"))[0]
    assert lost == Lost((0, 0, 0), "out of memory: 3 weights, batch 16", died=False)
    first = pids(pool)
    assert isinstance(run(pool, job(1))[1], Outcome)
    assert pids(pool) != first


def test_a_limit_that_no_worker_keeps_before_it_trains_ends_the_study(open_pool: Callable[..., ProcessPool]) -> None:
    pool = open_pool(1, 3_000_000)
    with pytest.raises(StudyAborted) as raised:
        listen_for_ever(pool)
    assert re.fullmatch(
        r"a worker holds [\d.]+ MB before it trains anything, and may hold 3 MB; "
        r"set search.worker_memory to 1 GB or more",
        str(raised.value),
    )


def test_the_kernel_takes_a_worker_before_the_driver(open_pool: Callable[..., ProcessPool]) -> None:
    pool = open_pool()
    run(pool, job(0))
    assert Path(f"/proc/{pids(pool)[0]}/oom_score_adj").read_text() == "700\n"
    assert int(Path("/proc/self/oom_score_adj").read_text()) < 700


def test_a_worker_is_a_program_even_where_python_was_told_to_fork(open_pool: Callable[..., ProcessPool]) -> None:
    method = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("fork", force=True)
    try:
        pool = open_pool()
        run(pool, job(0))
        worker = psutil.Process(pids(pool)[0])
        assert worker.cmdline()[:-1] == list(PROGRAM)
        assert "pytest" not in "".join(worker.cmdline())
    finally:
        multiprocessing.set_start_method(method, force=True)


def test_nothing_of_hpsearch_forks() -> None:
    code = {path: path.read_text() for path in Path(hpsearch.__file__).parent.rglob("*.py")}
    forking = (
        r"os\.fork|set_start_method|get_context|ProcessPoolExecutor|multiprocessing import (?!connection)|\.Pool\("
    )
    assert [path.name for path, text in code.items() if re.search(forking, text)] == []


def test_a_warm_worker_is_taken_before_one_that_is_loading(open_pool: Callable[..., ProcessPool]) -> None:
    pool = open_pool(2)
    os.kill(pids(pool)[0], signal.SIGSTOP)
    while not pool._workers[1].ready:
        pool.events(timeout=30)
    assert pool.start(job(0)) == 2
    os.kill(pids(pool)[0], signal.SIGCONT)


def test_closing_ends_every_process_busy_idle_or_loading(open_pool: Callable[..., ProcessPool]) -> None:
    pool = open_pool(3)
    run(pool, job(0))
    pool.start(job(1, "hang"))
    children = pids(pool)
    pool.close()
    assert not any(psutil.pid_exists(pid) for pid in children)
    assert pool.places == 0


def test_what_a_worker_prints_goes_to_its_log(open_pool: Callable[..., ProcessPool], tmp_path: Path) -> None:
    pool = open_pool()
    run(pool, job(0, "raise"))
    text = (tmp_path / "logs" / "worker-1.log").read_text()
    assert "Traceback" in text
    assert "ValueError: the second epoch" in text


def test_a_worker_has_its_own_session_so_that_ctrl_c_reaches_the_driver_alone(
    open_pool: Callable[..., ProcessPool],
) -> None:
    pool = open_pool()
    run(pool, job(0))
    (pid,) = pids(pool)
    assert os.getsid(pid) == pid != os.getsid(0)
    os.kill(pid, signal.SIGINT)
    assert isinstance(run(pool, job(1))[1], Outcome)
    assert pids(pool) == [pid]


DRIVER = """
import signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from fakes import job, write_dataset
from worker_pools import scripted_pool
pool = scripted_pool(2, write_dataset(Path(sys.argv[2]) / "data"), Path(sys.argv[2]) / "logs")
pool.start(job(0, epochs=10**9))
pool.start(job(1, "hang"))
while not all(w.began for w in pool._workers):
    pool.events(timeout=30)
print(*(w.process.pid for w in pool._workers), flush=True)
signal.pause()
"""


def test_workers_die_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    tests = str(Path(PROGRAM[1]).parent)
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, tests, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    workers = [psutil.Process(int(pid)) for pid in driver.stdout.readline().split()]
    driver.kill()
    driver.communicate()
    gone, alive = psutil.wait_procs(workers, timeout=10)
    assert len(gone) == 2
    assert alive == []


def test_the_program_of_a_worker_is_a_module_that_no_file_of_the_user_can_shadow() -> None:
    assert WORKER[1:] == ("-P", "-m", "hpsearch.workers.process")


def test_messages_of_another_job_are_passed_over(open_pool: Callable[..., ProcessPool]) -> None:
    pool = open_pool()
    pool.start(job(0, attempt=1))
    events: list[Event] = []
    pool._hear(pool._workers[0], Started((0, 0, 0)), events)
    pool._hear(pool._workers[0], Outcome((0, 0, 0), "completed"), events)
    assert events == []
    assert pool._workers[0].job is not None
