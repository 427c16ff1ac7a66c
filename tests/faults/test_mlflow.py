"""MLflow is away, silent, restarted, locked or full: no trial waits, and in the end everything is there, once."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from sample_studies import new_store

from hpsearch.records import EpochRecord, StudyInfo, TrialRecord
from hpsearch.tracking.finalists import FinalistRun
from hpsearch.tracking.items import LAUNCH
from hpsearch.tracking.mlflow import Tracker

from .tracking_server import Door, MlflowServer

pytestmark = pytest.mark.xdist_group("mlflow server")

EPOCHS = 3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path) -> Iterator[MlflowServer]:
    place = tmp_path_factory.mktemp("server")
    made = MlflowServer(new_store(place / "store", mlflow_database), place / "server.log")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def door(server: MlflowServer) -> Iterator[Door]:
    made = Door(server.port)
    yield made
    made.shut()


@pytest.fixture
def info() -> StudyInfo:
    name = uuid.uuid4().hex[:16]
    return StudyInfo(name, name, "rmse", "minimize", "regression", "d" * 64)


class Clock:
    """A steady clock that is set by hand, so that MLflow is tried again when a test wants it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def trial(number: int) -> TrialRecord:
    epochs = tuple(EpochRecord(0, step, {"val_rmse": 10.0 + number - step}) for step in range(1, EPOCHS + 1))
    return TrialRecord(
        number, {"learning_rate": 0.1}, "completed", value=epochs[-1].metrics["val_rmse"], best_epoch=EPOCHS,
        metrics=epochs[-1].metrics, epochs=epochs, parameters=3, started=f"2026-01-02T03:{number:02d}:00+00:00",
        seconds=9.0, seed=number, trainer="scripted",
    )  # fmt: skip


def finalist(repeat: int) -> FinalistRun:
    return FinalistRun(0, repeat, 0, repeat, "completed", "", 2, {"val_rmse": 9.0}, 3, 1.0, {"learning_rate": 0.1})


class Launch:
    """A launch of four trials, a step at a time, as the driver tells of it."""

    def __init__(self, uri: str, info: StudyInfo, folder: Path, owner: str = "a test", told: bool = False) -> None:
        self.notes: list[str] = []
        self.clock = Clock()
        self.tracker = Tracker(
            uri, info, None, owner, spool=folder / "mlflow.spool", tell=self.notes.append, steady=self.clock
        )

    def steps(self, earlier: tuple[TrialRecord, ...] = (), first: int = 0) -> list[Callable[[], None]]:
        """Return what is told, in order: a call each. Trials 0 and 1 run together, then 2 and 3."""
        tracker = self.tracker
        made: list[Callable[[], None]] = [
            lambda: tracker.start_launch("data: {}", {"version": "1"}, {"trials": 4}),
            lambda: tracker.log_dataset("bike", "d1gest", 10, ["temp"], "bike.csv"),
            lambda: tracker.recall(earlier),
        ]
        for pair in ((first, first + 1), (first + 2, first + 3)):
            made += [self._started(number) for number in pair]
            made += [self._epoch(number, epoch) for epoch in range(EPOCHS) for number in pair]
            made += [self._ended(number) for number in pair]
        return [
            *made,
            lambda: tracker.finalists([finalist(0), finalist(1)]),
            lambda: tracker.launch_metrics({"test_rmse": 5.0}),
            lambda: tracker.describe_launch("the verdict"),
            lambda: tracker.artifact(LAUNCH, "plots/history.png", b"\x89PNG"),
            lambda: tracker.artifact(first, "curve.png", b"\x89PNG"),
            tracker.settle,
            lambda: tracker.end_launch("FINISHED", {"hpsearch.ending": "budget"}),
            tracker.flush,
        ]

    def run(self, earlier: tuple[TrialRecord, ...] = (), first: int = 0) -> None:
        for step in self.steps(earlier, first):
            self.step(step)
        self.tracker.close()

    def step(self, step: Callable[[], None]) -> None:
        """Take a step, ten seconds after the last, and let the thread that writes come to rest."""
        self.clock.now += 10.0
        step()
        self.tracker.flush()

    def _started(self, number: int) -> Callable[[], None]:
        return lambda: self.tracker.trial_started(replace(trial(number), state="running", epochs=(), value=None))

    def _epoch(self, number: int, index: int) -> Callable[[], None]:
        return lambda: self.tracker.epoch(number, trial(number).epochs[index])

    def _ended(self, number: int) -> Callable[[], None]:
        return lambda: self.tracker.trial_ended(trial(number))


STEPS = 31
"""How many steps a launch has."""


def assert_whole(uri: str, info: StudyInfo, launches: int = 1, killed: int | None = None) -> None:
    """Hold MLflow to every run once, whole and ended, every point once, and every file.

    killed: the launch that was killed, which need not be whole.
    """
    client: Any = MlflowClient(uri)
    experiment = client.search_experiments(filter_string=f"tags.`hpsearch.study_uid` = '{info.uid}'")
    assert len(experiment) == 1
    runs = client.search_runs([experiment[0].experiment_id])
    names = Counter(run.info.run_name for run in runs if run.data.tags["hpsearch.kind"] != "launch")
    trials = [f"trial-{number:03d}" for number in range(4 * launches)]
    assert names == dict.fromkeys([*trials, "finalist-000-seed-1", "finalist-000-seed-2"], 1)
    assert Counter(run.info.status for run in runs if run.info.status != "FINISHED") == (
        {} if killed is None else {"KILLED": 1}
    )
    found = sorted((run for run in runs if run.data.tags["hpsearch.kind"] == "launch"), key=lambda r: r.info.start_time)
    assert len(found) == launches
    for run in runs:
        steps = {key: [m.step for m in client.get_metric_history(run.info.run_id, key)] for key in run.data.metrics}
        assert all(len(each) == len(set(each)) for each in steps.values()), (run.info.run_name, steps)
        if run.info.run_name in trials:
            number = int(run.data.tags["hpsearch.trial"])
            assert steps["val_rmse"] == list(range(1, EPOCHS + 1)), run.info.run_name
            if number // 4 != killed:
                assert run.data.tags["mlflow.parentRunId"] == found[number // 4].info.run_id, run.info.run_name
    for place, run in enumerate(found):
        if place == killed:
            assert (run.info.status, run.data.tags["hpsearch.state"]) == ("KILLED", "interrupted")
            continue
        chart = client.get_metric_history(run.info.run_id, "objective")
        assert set(range(4 * place, 4 * place + 4)) <= {metric.step for metric in chart}
        assert run.data.tags["mlflow.note.content"] == "the verdict"
        assert (run.data.tags["hpsearch.state"], run.data.tags["hpsearch.ending"]) == ("finished", "budget")
        assert "hpsearch.reason" not in run.data.tags
        assert run.data.params == {"trials": "4"}
        assert run.data.metrics["test_rmse"] == 5.0
        assert len(run.inputs.dataset_inputs) == 1
        files = {file.path for folder in (None, "plots") for file in client.list_artifacts(run.info.run_id, folder)}
        assert files == {"study.yaml", "plots", "plots/history.png"}
        (curve,) = [r for r in runs if r.info.run_name == f"trial-{4 * place:03d}"]
        assert [file.path for file in client.list_artifacts(curve.info.run_id)] == ["curve.png"]


def test_a_launch_that_nothing_disturbs_is_whole(door: Door, info: StudyInfo, tmp_path: Path) -> None:
    launch = Launch(door.url, info, tmp_path)
    assert len(launch.steps()) == STEPS
    launch.run()
    assert_whole(door.url, info)
    assert launch.notes == []
    assert not (tmp_path / "mlflow.spool").exists()


@pytest.mark.parametrize(("goes", "returns"), [(0, 28), (1, 6), (4, 9), (7, 8), (11, 14), (17, 25)])
def test_what_is_logged_while_the_server_is_away_is_there_once_it_is_back(
    door: Door, info: StudyInfo, tmp_path: Path, goes: int, returns: int
) -> None:
    launch = Launch(door.url, info, tmp_path)
    for number, step in enumerate(launch.steps()):
        if number == goes:
            door.shut()
        if number == returns:
            door.open()
        launch.step(step)
    launch.tracker.close()
    assert_whole(door.url, info)
    away, back = launch.notes
    assert away == f"MLflow at {door.url} is away (connection refused); what is to be logged waits on disk"
    assert re.fullmatch(r"MLflow is back; what waited is sent: \d+ writes?", back)
    assert not (tmp_path / "mlflow.spool").exists()


@pytest.mark.parametrize("goes", [0, 8, 29])
def test_what_waits_when_a_launch_ends_is_sent_by_the_next(
    door: Door, info: StudyInfo, tmp_path: Path, goes: int
) -> None:
    first = Launch(door.url, info, tmp_path)
    for number, step in enumerate(first.steps()):
        if number == goes:
            door.shut()
        first.step(step)
    first.tracker.close()
    assert first.tracker.trouble is not None
    assert (tmp_path / "mlflow.spool").stat().st_mode & 0o777 == 0o600
    door.open()
    second = Launch(door.url, info, tmp_path, owner="another")
    second.run(tuple(trial(number) for number in range(4)), first=4)
    assert_whole(door.url, info, launches=2)
    assert any(note.startswith("MLflow: what waited since an earlier launch is sent") for note in second.notes)
    assert not (tmp_path / "mlflow.spool").exists()


@pytest.mark.parametrize(
    ("request_", "after"),
    [("experiments/create", 0), ("runs/create", 0), ("runs/create", 1), ("runs/create", 5), ("runs/log-batch", 0),
     ("runs/log-batch", 1), ("runs/update", 0), ("runs/update", 6), ("runs/log-inputs", 0), ("mlflow-artifacts", 1)],
)  # fmt: skip
def test_what_the_server_did_though_its_answer_was_lost_is_not_done_twice(
    door: Door, info: StudyInfo, tmp_path: Path, request_: str, after: int
) -> None:
    door.lose_answer(request_, after)
    launch = Launch(door.url, info, tmp_path)
    launch.run()
    assert door.lost
    assert_whole(door.url, info)


def test_an_answer_lost_while_all_is_sent_again_doubles_nothing(door: Door, info: StudyInfo, tmp_path: Path) -> None:
    launch = Launch(door.url, info, tmp_path)
    door.shut()
    for number, step in enumerate(launch.steps()):
        if number in (9, 14, 18, 26):
            door.open()
            door.lose_answer({9: "runs/create", 14: "runs/log-batch", 18: "runs/update", 26: "runs/create"}[number])
        launch.step(step)
    launch.tracker.close()
    assert door.lost
    assert_whole(door.url, info)


def test_nothing_waits_for_a_server_that_never_answers(
    door: Door, info: StudyInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "600")  # whoever waited would be seen to wait
    door.fall_silent()
    too_long = threading.Timer(120, door.shut)
    too_long.start()
    launch = Launch(door.url, info, tmp_path)
    for step in launch.steps()[:-3]:
        step()
    assert too_long.is_alive()
    too_long.cancel()
    assert door.requests <= 1
    door.open()
    launch.step(launch.tracker.settle)
    launch.step(lambda: launch.tracker.end_launch("FINISHED", {"hpsearch.ending": "budget"}))
    launch.tracker.close()
    assert_whole(door.url, info)


def test_a_server_that_never_answers_is_asked_once_and_then_left_alone(
    door: Door, info: StudyInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    door.fall_silent()
    launch = Launch(door.url, info, tmp_path)
    for step in launch.steps():
        step()  # no time passes
    launch.tracker.close()
    assert launch.tracker.trouble == "no answer within 1 s"
    assert door.requests <= 3, "the first call, one once the records are known, and one as the launch ends"
    door.open()
    Launch(door.url, info, tmp_path, owner="another").run(tuple(trial(number) for number in range(4)), first=4)
    assert_whole(door.url, info, launches=2)


def test_a_server_that_is_killed_and_started_again_has_everything_once(
    server: MlflowServer, info: StudyInfo, tmp_path: Path
) -> None:
    launch = Launch(server.url, info, tmp_path)
    for number, step in enumerate(launch.steps()):
        if number == 8:
            server.kill()
        if number == 17:
            server.start()
        launch.step(step)
    launch.tracker.close()
    assert_whole(server.url, info)


_HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""
_READ = """
import sys, threading
from hpsearch.tracking.silence import import_mlflow
import_mlflow()
from mlflow import MlflowClient
client, over = MlflowClient(sys.argv[1]), threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
print("reading", flush=True)
rounds = 0
while not over.is_set():
    for experiment in client.search_experiments():
        for run in client.search_runs([experiment.experiment_id]):
            client.get_metric_history(run.info.run_id, "val_rmse")
    rounds += 1
print(rounds)
"""


@contextmanager
def another_process(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process, and go on once it has said a word. It ends when its standard input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_database_that_another_process_holds_for_a_while_is_waited_for(store: Path, info: StudyInfo) -> None:
    uri = f"sqlite:///{store}/mlflow.db"
    launch = Launch(uri, info, store)
    with another_process(_HOLD, f"{store}/mlflow.db") as holder:
        steps = launch.steps()
        for step in steps[:-3]:
            step()
        holder.communicate("")
    for step in steps[-3:]:
        step()
    launch.tracker.close()
    assert_whole(uri, info)
    assert launch.notes == []


def test_a_database_that_is_held_for_too_long_is_told_with_who_holds_it_and_nothing_is_lost(
    store: Path, info: StudyInfo
) -> None:
    uri, path = f"sqlite:///{store}/mlflow.db", f"{store}/mlflow.db"
    launch = Launch(uri, info, store)
    steps = launch.steps()
    with another_process(_HOLD, path):
        steps[0]()
        launch.tracker.flush()  # 20 s, which is MLflow's own patience with a database
        assert launch.tracker.trouble == f"{path} is locked by another process; fuser {path} tells which"
        assert launch.notes == [f"MLflow is away ({launch.tracker.trouble}); what is to be logged waits on disk"]
        assert (store / "mlflow.spool").exists()
    for step in steps[1:]:
        launch.step(step)
    launch.tracker.close()
    assert_whole(uri, info)


def test_who_reads_the_database_all_the_time_neither_fails_nor_is_in_the_way(store: Path, info: StudyInfo) -> None:
    uri = f"sqlite:///{store}/mlflow.db"
    with another_process(_READ, uri) as reader:
        launch = Launch(uri, info, store)
        launch.run()
        rounds, _ = reader.communicate("")
        assert reader.returncode == 0
    assert int(rounds) >= 1
    assert_whole(uri, info)
    assert launch.notes == []


_FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from faults.test_mlflow import Launch, StudyInfo
from hpsearch.tracking.silence import import_mlflow
import_mlflow()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Path(sys.argv[1])
for name, limit in (("a", 100_000), ("b", 0)):  # smaller than the database; with and without room for what waits
    (store / name).mkdir()
    info = StudyInfo(name, name * 16, "rmse", "minimize", "regression", "d")
    launch = Launch(f"sqlite:///{store}/mlflow.db", info, store / name)
    for number, step in enumerate(launch.steps()):
        if number == 9:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        if number == 24:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            print((store / name / "mlflow.spool").exists(), launch.tracker.trouble, *launch.notes, sep="|")
        launch.step(step)
    launch.tracker.close()
"""


def test_a_database_that_cannot_grow_ends_nothing_and_has_all_once_it_can(store: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(store), str(Path(__file__).parent.parent)],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    for name, said in zip("ab", done.stdout.splitlines(), strict=True):
        spooled, trouble, *notes = said.split("|")
        assert trouble.startswith(f"{store}/mlflow.db cannot be written: the disk is full or limited (")
        assert spooled == str(name == "a")
        assert any("mlflow.spool cannot be written: File too large" in note for note in notes) == (name == "b")
        assert_whole(f"sqlite:///{store}/mlflow.db", StudyInfo(name, name * 16, "rmse", "minimize", "regression", "d"))


_KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from faults.test_mlflow import Launch, StudyInfo, trial
from hpsearch.tracking.silence import import_mlflow
import_mlflow()
import mlflow.store.tracking.sqlalchemy_store
os.environ["HPSEARCH_TESTING"] = "1"
store, away = Path(sys.argv[1]), "http://127.0.0.1:1"
here = f"sqlite:///{store}/mlflow.db"

def launch(uri, name, crash, **options):
    child = os.fork()
    if child == 0:
        info = StudyInfo(name, name * 16, "rmse", "minimize", "regression", "d")
        os.environ["HPSEARCH_CRASH_AT"] = crash
        (store / name).mkdir(exist_ok=True)
        try:
            Launch(uri, info, store / name, f"process {os.getpid()}").run(**options)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

for name, asked in zip("abcdefghi", sys.argv[3:]):
    for number, uri in enumerate((away, here, here)):
        crash = asked.partition("@")[2] if asked.startswith(f"{number}@") else ""
        print(launch(uri, name, crash, earlier=tuple(map(trial, range(4 * number))), first=4 * number), end=" ")
    print()
"""
"""Three launches of each study, MLflow away in the first, one of them killed where it is asked to be.

They are forked, as to import MLflow takes three seconds.
"""


def test_a_driver_that_is_killed_with_things_that_wait_leaves_nothing_missing_or_double(store: Path) -> None:
    ended = {
        "0@spool-written:9": "70 0 0", "1@spool-launch-begun": "0 70 0", "1@repair-created:2": "0 70 0",
        "1@run-logged:5": "0 70 0", "1@spool-sent:1:kill": "0 -9 0",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(store), str(Path(__file__).parent.parent), *ended],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert ([line.strip() for line in done.stdout.splitlines()], done.stderr) == ([*ended.values()], "")
    for name, asked in zip("abcde", ended, strict=True):
        info = StudyInfo(name, name * 16, "rmse", "minimize", "regression", "d")
        assert not (store / name / "mlflow.spool").exists()
        assert_whole(f"sqlite:///{store}/mlflow.db", info, launches=3, killed=int(asked[0]))
