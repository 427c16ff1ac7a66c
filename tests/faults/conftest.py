"""A real driver with real workers, in processes of their own, and what is left of them on disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
from fakes import SCRIPTS
from mlflow import MlflowClient
from sample_studies import write_rentals, write_study

from .scripted import Zygote

PATIENCE = 150.0
"""Seconds after which a driver is killed, so that a test fails rather than hangs."""

PROGRAM = (str(Path(sys.executable).with_name("hpsearch")),)
SCRIPTED = (sys.executable, str(Path(__file__).parents[1] / "scripted_driver.py"))

FIXED = {"hidden_layers": 0, "optimizer": "adam", "batch_size": 8}
SLOW: dict[str, Any] = {
    "name": "slow",
    "data": {"csv": "rentals.csv", "target": "cnt"},
    "space": FIXED | {"learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}, "epochs": [4, 40]},
    "search": {
        "trials": 4, "sampler": "random", "pruner": "none", "early_stopping": None, "workers": 2, "trainer": "keras",
        "start_with": [FIXED | {"learning_rate": 0.1, "epochs": 4}, FIXED | {"learning_rate": 0.1, "epochs": 40}],
    },
    "winner": "none",
}  # fmt: skip
"""Four trials on two workers; when trial 0 ends, trial 1 has most of its epochs before it (compiled ones are brief)."""


class Driver:
    """`hpsearch run` in its own process group, read line by line."""

    def __init__(self, arguments: list[str], errors: Path, program: Sequence[str] = PROGRAM, faults: str = "") -> None:
        self.errors = errors
        asked = {"HPSEARCH_TESTING": "1", "HPSEARCH_FAULT": faults} if faults else {}
        with errors.open("wb") as file:
            self.process = subprocess.Popen(
                [*program, *arguments], env=os.environ | asked,
                stdout=subprocess.PIPE, stderr=file, text=True, start_new_session=True,
            )  # fmt: skip
        self.lines: list[str] = []
        self._watchdog = threading.Timer(PATIENCE, self.process.kill)
        self._watchdog.start()

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self._watchdog.cancel()
        self.process.kill()
        self.process.communicate()

    def read_until(self, text: str) -> str:
        """Return the first line that has the text in it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"the driver never said {text!r}:\n{''.join(self.lines)}{self.errors.read_text()}")

    def finish(self) -> tuple[int, str]:
        """Wait for the end; return exit code and all that was printed."""
        assert self.process.stdout is not None
        self.lines += self.process.stdout.readlines()
        return self.process.wait(), "".join(self.lines)

    def workers(self) -> list[psutil.Process]:
        """Return the worker processes that run now."""
        return [
            child for child in psutil.Process(self.process.pid).children() if "process" in " ".join(child.cmdline())
        ]

    def interrupt(self) -> None:
        """Press Ctrl-C: the terminal sends SIGINT to the whole process group."""
        os.killpg(self.process.pid, signal.SIGINT)


@pytest.fixture
def slow_study(tmp_path: Path) -> Path:
    write_rentals(tmp_path / "rentals.csv")
    return write_study(tmp_path, SLOW)


@pytest.fixture
def start(slow_study: Path, store: Path, tmp_path: Path) -> Iterator[Callable[..., Driver]]:
    """Start `hpsearch run` on the slow study."""
    with ExitStack() as stack:

        def started(*options: str) -> Driver:
            arguments = ["run", str(slow_study), "--store", str(store), *options]
            return stack.enter_context(Driver(arguments, tmp_path / "errors.txt"))

        yield started


@pytest.fixture
def start_scripted(store: Path, tmp_path: Path) -> Iterator[Callable[..., Driver]]:
    """Start `hpsearch run` on a study of `scripted_study`, with workers that follow a script (`scripted_driver.py`)."""
    with ExitStack() as stack:

        def started(study: dict[str, Any], faults: str = "") -> Driver:
            arguments = ["run", str(write_scripted(tmp_path, study)), "--store", str(store)]
            return stack.enter_context(Driver(arguments, tmp_path / "errors.txt", SCRIPTED, faults))

        yield started


def write_scripted(folder: Path, study: dict[str, Any]) -> Path:
    """Write a study of `scripted_study`, and its data, and return its path."""
    write_rentals(folder / "rentals.csv")
    return write_study(folder, study)


def scripted_study(scripts: Sequence[str], rates: Sequence[float] = (), **search: Any) -> dict[str, Any]:
    """Return a study whose trials follow these scripts (`fakes.SCRIPTS`), by number; the later ones train."""
    fixed = {"hidden_layers": 0, "optimizer": "adam", "epochs": 3}
    tried = [
        fixed | {"batch_size": SCRIPTS.index(script) or 64, "learning_rate": rate}
        for script, rate in zip(scripts, rates or [1e-3 * (n + 1) for n in range(len(scripts))], strict=True)
    ]
    return {
        "name": "scripted",
        "data": {"csv": "rentals.csv", "target": "cnt"},
        "space": fixed
        | {"learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}, "batch_size": {"low": 1, "high": 64}},
        "search": {
            "trials": len(scripts), "sampler": "random", "pruner": "none", "early_stopping": None, "workers": 2,
            "start_with": tried, **search,
        },
        "winner": "none",
    }  # fmt: skip


def gone(processes: list[psutil.Process]) -> bool:
    """Tell whether processes are gone within seconds."""
    return not psutil.wait_procs(processes, timeout=10)[1]


def optuna_states(store: Path, name: str = "slow") -> Counter[str]:
    """Return how many trials Optuna itself reads in each state."""
    journal = store / "studies" / name / "optuna.journal"
    lock = optuna.storages.journal.JournalFileOpenLock(str(journal))
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal), lock_obj=lock))
    return Counter(trial.state.name for trial in optuna.load_study(study_name=None, storage=storage).trials)


def mlflow_runs(store: Path, name: str = "slow") -> list[Any]:
    """Return every run of the study that MLflow has, trials and launches."""
    client: Any = MlflowClient(f"sqlite:///{store}/mlflow.db")
    return list(client.search_runs([client.get_experiment_by_name(name).experiment_id]))


def mlflow_states(store: Path) -> Counter[str]:
    """Return how many trials MLflow has in each of our states."""
    return Counter(r.data.tags["hpsearch.state"] for r in mlflow_runs(store) if r.data.tags["hpsearch.kind"] == "trial")


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """Forks drivers whose workers train nothing."""
    made = Zygote()
    yield made
    made.close()
