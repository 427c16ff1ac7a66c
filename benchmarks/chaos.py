"""Whether a study survives everything at once: 200 trials while workers, drivers, the disk and MLflow fail at random.

    python benchmarks/chaos.py [--trials 200] [--minutes 30] [--every 8] [--seed 0] [--folder FOLDER]

A real `hpsearch run` on the shipped bike data, real nets, an MLflow server of its own. Every few seconds one of these
happens, drawn by the seed: a worker is killed (SIGKILL) or hangs (SIGSTOP); the driver is killed (SIGKILL) or asked to
end (SIGTERM); the disk is full (no file of the driver may grow for a while: RLIMIT_FSIZE); MLflow hangs (SIGSTOP) or is
gone, and comes back. When a driver ends, the same command starts again, until it says that all is done; past the time
faults stop, so that the study can end. Then `hpsearch doctor` examines it.

Prints a JSON line for each kind of fault and one for the study: trials planned, finished, lost, doubled, left running.
Exits 1 unless the last three are 0 and the doctor finds nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import yaml
from contest.machine import describe_machine
from mlflow import MlflowClient

from hpsearch.app.doctor import doctor
from hpsearch.search.history import read_history
from hpsearch.search.journal import read_trials
from hpsearch.tracking.server import Server, free_port, start_module
from hpsearch.tracking.silence import ENVIRONMENT

DATA = Path(__file__).parents[1] / "studies" / "data" / "bike_sharing.csv.gz"
STUDY: dict[str, Any] = {
    "name": "chaos",
    "data": {"csv": str(DATA), "target": "cnt", "drop": ["casual", "registered"]},
    "space": {"hidden_layers": {"low": 1, "high": 2}, "neurons": {"low": 8, "high": 64}, "epochs": 20},
    "search": {"trial_timeout": "20s", "workers": 2},
    "winner": {"finalists": 3, "seeds": 2, "baselines": False},
}
HPSEARCH = str(Path(sys.executable).with_name("hpsearch"))
FULL_SECONDS, AWAY_SECONDS = 4.0, 12.0


def main() -> int:
    given = _arguments()
    with contextlib.ExitStack() as stack:
        folder = Path(given.folder or stack.enter_context(tempfile.TemporaryDirectory()))
        soak = Soak(folder, given.trials, random.Random(given.seed))
        stack.callback(soak.stop)
        began = time.monotonic()
        ended = soak.run(until=began + 60 * given.minutes, every=given.every)
        rows = [{"fault": name, "times": count} for name, count in sorted(soak.faults.items())]
        rows.append(soak.verdict() | {"exit": ended, "minutes": round((time.monotonic() - began) / 60, 1)})
    for row in [*rows, {"machine": describe_machine()}]:
        print(json.dumps({"benchmark": "chaos", **row}), flush=True)
    last = rows[-1]
    return 0 if ended == 0 and not any(last[name] for name in ("lost", "doubled", "left_running", "findings")) else 1


class Soak:
    """A study that is run again and again, and what is done to it."""

    def __init__(self, folder: Path, trials: int, draw: random.Random) -> None:
        self.trials, self._draw = trials, draw
        self.faults: Counter[str] = Counter()
        folder.mkdir(parents=True, exist_ok=True)
        self._store = folder / "store"
        self._said = folder / "said.txt"
        self._file = folder / "chaos.yaml"
        values = STUDY | {"search": STUDY["search"] | {"trials": trials}}
        self._file.write_text(yaml.safe_dump(values, sort_keys=False))
        self._port = free_port(5055)
        self._database = folder / "server"
        self._database.mkdir(exist_ok=True)
        self._server = self._serve()
        self._server.await_answer(self._database / "log", 120)
        self._driver: subprocess.Popen[bytes] | None = None
        self._later: list[tuple[float, Callable[[], None]]] = []

    def run(self, until: float, every: float) -> int:
        """Run the study to its end, with a fault every few seconds before `until`; return the last exit code."""
        following = time.monotonic() + every
        while True:
            if self._driver is None:
                self._driver = self._start()
            now = time.monotonic()
            self._do_what_is_due(now)
            if now > following and now < until:
                following = now + self._draw.uniform(0.5, 1.5) * every
                self._fault()
            code = self._driver.poll()
            if code == 0 and not self._later:
                return self._once_more()
            if code is not None:
                self.faults[f"launch ended with {code}"] += 1
                self._driver = None
            elif now > until + 1800:
                return -1
            time.sleep(0.2)

    def verdict(self) -> dict[str, Any]:
        """Count trials by what the history, Optuna and MLflow say."""
        folder = self._store / "studies" / "chaos"
        records = read_history(folder / "history.jsonl")
        finished = [record for record in records.values() if record.state != "interrupted"]
        client: Any = MlflowClient(self._uri)
        experiment = client.get_experiment_by_name("chaos").experiment_id
        runs = list(_pages(client, experiment))
        trials = [run for run in runs if run.data.tags.get("hpsearch.kind") == "trial"]
        completed = Counter(run.data.tags["hpsearch.trial"] for run in trials if run.info.status == "FINISHED")
        roots = Counter(r.number if r.retry_of is None else r.retry_of for r in finished)
        lines = (folder / "history.jsonl").read_bytes().splitlines()
        doubled = sum(count - 1 for counter in (completed, roots) for count in counter.values())
        running = [trial for trial in read_trials(folder / "optuna.journal") if trial.state.name == "RUNNING"]
        left = len(running) + sum(run.info.status == "RUNNING" for run in runs) + len(self._workers_left())
        os.environ["MLFLOW_TRACKING_URI"] = self._uri
        (examined,) = doctor("chaos", store=self._store)
        return {
            "planned": self.trials,
            "finished": len(finished),
            "lost": self.trials - len(finished),
            "doubled": doubled + len(lines) - len(records),
            "left_running": left,
            "interrupted": len(records) - len(finished),
            "states": dict(Counter(record.state for record in records.values())),
            "findings": [finding.what for finding in examined.findings],
        }

    def stop(self) -> None:
        """End whatever still runs."""
        if self._driver is not None:
            self._driver.kill()
            self._driver.wait()
        with contextlib.suppress(psutil.NoSuchProcess):
            self._signal_server(signal.SIGCONT)
        self._server.stop()

    @property
    def _uri(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _serve(self) -> Server:
        environment = {**os.environ, **ENVIRONMENT, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        arguments = [
            "server", "--host", "127.0.0.1", "--port", str(self._port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{self._database}/mlflow.db",
            "--artifacts-destination", str(self._database / "artifacts"),
        ]  # fmt: skip
        return Server(self._uri, start_module("mlflow", arguments, environment, self._database / "log"))

    def _start(self) -> subprocess.Popen[bytes]:
        environment = os.environ | {"MLFLOW_TRACKING_URI": self._uri}
        with self._said.open("ab") as said:
            return subprocess.Popen(
                [HPSEARCH, "run", str(self._file), "--store", str(self._store)],
                env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip

    def _once_more(self) -> int:
        """Run the finished study again: what waited for MLflow is sent, and nothing is trained."""
        self._driver = self._start()
        return self._driver.wait(600)

    def _fault(self) -> None:
        faults = {
            "worker killed": self._kill_worker,
            "worker hangs": self._hang_worker,
            "driver killed": self._kill_driver,
            "driver asked to end": self._end_driver,
            "disk full": self._fill_disk,
            "MLflow hangs": self._hang_server,
            "MLflow gone": self._kill_server,
        }
        name = self._draw.choices(list(faults), weights=[4, 2, 2, 1, 1, 1, 1])[0]
        with contextlib.suppress(psutil.NoSuchProcess):
            self.faults[name] += faults[name]()

    def _workers(self) -> list[psutil.Process]:
        assert self._driver is not None
        children = psutil.Process(self._driver.pid).children()
        return [child for child in children if "hpsearch.workers.process" in child.cmdline()]

    def _workers_left(self) -> list[psutil.Process]:
        name = "hpsearch.workers.process"
        return [
            p
            for p in psutil.process_iter(["cmdline", "ppid"])
            if name in (p.info["cmdline"] or []) and p.info["ppid"] == 1
        ]

    def _kill_worker(self) -> bool:
        workers = self._workers()
        if workers:
            self._draw.choice(workers).kill()
        return bool(workers)

    def _hang_worker(self) -> bool:
        workers = self._workers()
        if workers:
            self._draw.choice(workers).suspend()
        return bool(workers)

    def _kill_driver(self) -> bool:
        assert self._driver is not None
        self._driver.kill()
        return True

    def _end_driver(self) -> bool:
        assert self._driver is not None
        self._driver.terminate()
        return True

    def _fill_disk(self) -> bool:
        """Let no file of the driver grow beyond what the longest of its own has now."""
        assert self._driver is not None
        driver = psutil.Process(self._driver.pid)
        files = [path for path in (self._store / "studies" / "chaos").glob("*") if path.is_file()]
        size = max((path.stat().st_size for path in files if path.suffix in (".journal", ".jsonl")), default=0)
        before = driver.rlimit(resource.RLIMIT_FSIZE)
        driver.rlimit(resource.RLIMIT_FSIZE, (size + 200, before[1]))
        self._later.append((time.monotonic() + FULL_SECONDS, lambda: driver.rlimit(resource.RLIMIT_FSIZE, before)))
        return True

    def _hang_server(self) -> bool:
        self._signal_server(signal.SIGSTOP)
        self._later.append((time.monotonic() + AWAY_SECONDS, lambda: self._signal_server(signal.SIGCONT)))
        return True

    def _kill_server(self) -> bool:
        self._signal_server(signal.SIGKILL)
        self._later.append((time.monotonic() + AWAY_SECONDS, self._serve_again))
        return True

    def _serve_again(self) -> None:
        self._server.stop()
        self._server = self._serve()

    def _signal_server(self, number: int) -> None:
        process = self._server._process
        assert process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    def _do_what_is_due(self, now: float) -> None:
        due = [do for at, do in self._later if at <= now]
        self._later = [(at, do) for at, do in self._later if at > now]
        for do in due:
            with contextlib.suppress(psutil.NoSuchProcess):
                do()


def _pages(client: Any, experiment: str) -> Iterator[Any]:
    page: Any = None
    while page is None or page.token:
        page = client.search_runs([experiment], max_results=1000, page_token=page.token if page else None)
        yield from page


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A study under random faults.")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=30.0, help="after which no more faults happen")
    parser.add_argument(
        "--every", type=float, default=8.0, help="seconds between two faults, on average; a launch takes 10 to begin"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="kept afterwards; default: a temporary one")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
