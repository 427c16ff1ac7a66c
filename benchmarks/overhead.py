"""What the driver costs a trial: Optuna, MLflow, the history and the pipes, with a trainer that answers at once.

    python benchmarks/overhead.py [--trials 2000] [--rates 2 5] [--workers 2] [--sampler tpe] [--store FOLDER]

Runs one study the way `hpsearch run` does (TPE and the median pruner on the journal, MLflow on SQLite, the history,
worker processes and their pipes; the table's default space with 30 epochs of nine metrics a trial), but the workers
train nothing (`instant_worker.py`). Of the hundred trials around the 100th, and around a late one, the first half is
paced, so that the pruner stops trials as it would; the other half comes flat out, none stopped in time, which is the
most a trial costs, and says how many trials a second the driver sustains with MLflow keeping up.

Prints a JSON line a row and exits 0; targets stand beside the figures. Milliseconds and shares are processor time of
one core: the share at a rate is seconds a trial times trials a second.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from instant_worker import PACE

from hpsearch.app import launch
from hpsearch.app.display import Silent
from hpsearch.app.run import run
from hpsearch.records import EpochRecord, TrialRecord
from hpsearch.search.book import Book
from hpsearch.search.optuna_study import OptunaStudy
from hpsearch.spec import make_spec
from hpsearch.tracking.mlflow import Tracker
from hpsearch.workers.processes import ProcessPool

STRETCH = 50
"""Trials over which a figure is taken."""
EARLY = 100
"""The trial that a late one is compared with."""
MOST_SHARE, MOST_GROWTH = 0.10, 1.2

PARTS = {
    "optuna ask": (OptunaStudy, ["ask"]),
    "optuna report": (OptunaStudy, ["report"]),
    "optuna tell": (OptunaStudy, ["tell"]),
    "history": (Book, ["add", "known", "counted", "attempts"]),
    "pipes": (ProcessPool, ["events", "start", "stop"]),
    "mlflow queue": (Tracker, ["trial_started", "epoch", "trial_ended"]),
    "mlflow thread": (Tracker, ["_attempt"]),
    "study pictures": (launch, ["log_study_pictures"]),
    "trial pictures": (launch, ["log_trial_pictures"]),
}
"""What is timed: everything that the driver calls for a trial, and the pictures at the end of the launch."""


def main() -> int:
    given = _arguments()
    meter = Meter([EARLY, given.trials])
    meter.put_clocks()
    with tempfile.TemporaryDirectory() as temporary:
        _run(Path(given.store or temporary), meter, given)
    rows = [
        _row(f"{how} about trial {about}", meter, first, first + STRETCH, given.rates)
        for about in (EARLY, given.trials)
        for how, first in (("paced", about - STRETCH), ("flat out", about))
    ]
    for row in rows:
        print(json.dumps({"benchmark": "overhead", **row}), flush=True)
    growth = [late["ms_a_trial"] / early["ms_a_trial"] for early, late in zip(rows[:2], rows[2:], strict=True)]
    end = {name: round(meter.wall[name], 2) for name in ("study pictures", "trial pictures")}
    last = {
        "row": f"trial {given.trials} over trial {EARLY}",
        "paced": round(growth[0], 3),
        "flat_out": round(growth[1], 3),
        "target": MOST_GROWTH,
        "met": max(growth) <= MOST_GROWTH,
        "seconds_at_the_end_of_the_launch": end,
    }
    print(json.dumps({"benchmark": "overhead", **last}), flush=True)
    return 0


def _run(store: Path, meter: Meter, given: argparse.Namespace) -> None:
    about = {
        "name": "overhead",
        "data": {"sklearn": "diabetes"},
        "space": {"epochs": 30},
        "search": {"trials": given.trials + STRETCH, "early_stopping": None, "sampler": given.sampler},
        "winner": "none",
    }
    paced = [(about - STRETCH, about) for about in (EARLY, given.trials)]
    os.environ[PACE] = json.dumps([given.workers / max(given.rates), paced])
    program = (sys.executable, "-P", str(Path(__file__).with_name("instant_worker.py").absolute()))
    launch.ProcessPool = functools.partial(ProcessPool, program=program)  # type: ignore[misc]
    launch.deliver = lambda *_: Path()  # once a study, by TensorFlow
    launch.log_delivery = launch.log_report = lambda *_: None
    run(make_spec(about), store=store, workers=given.workers, display=meter)


class Meter(Silent):
    """Hears of the launch as its display does, and reads the clocks where a stretch of trials begins or ends."""

    def __init__(self, abouts: list[int]) -> None:
        self.cpu: Counter[str] = Counter()
        self.wall: Counter[str] = Counter()
        self.readings: dict[int, dict[str, Any]] = {}
        self._edges = {about + shift for about in abouts for shift in (-STRETCH, 0, STRETCH)}
        self._ended = self._epochs = 0
        self._trackers: list[Tracker] = []

    def put_clocks(self) -> None:
        """Put clocks around the parts."""
        for part, (owner, names) in PARTS.items():
            for name in names:
                setattr(owner, name, self._clocked(getattr(owner, name), part))

    def _clocked(self, inner: Callable[..., Any], part: str) -> Callable[..., Any]:
        @functools.wraps(inner)
        def clocked(*args: Any, **kwargs: Any) -> Any:
            if isinstance(args[0], Tracker) and args[0] not in self._trackers:
                self._trackers.append(args[0])
            cpu, wall = time.thread_time(), time.perf_counter()
            try:
                return inner(*args, **kwargs)
            finally:
                self.cpu[part] += time.thread_time() - cpu
                self.wall[part] += time.perf_counter() - wall

        return clocked

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        self._epochs += 1

    def trial_ended(self, record: TrialRecord) -> None:
        self._ended += 1
        if self._ended in self._edges:
            for tracker in self._trackers:
                tracker.flush()  # what the stretch left MLflow to do is the stretch's
            self.readings[self._ended] = {
                "wall": time.perf_counter(),
                "cpu": time.process_time(),
                "epochs": self._epochs,
                "parts": Counter(self.cpu),
            }


def _row(name: str, meter: Meter, first: int, last: int, rates: list[float]) -> dict[str, Any]:
    start, end, count = meter.readings[first], meter.readings[last], last - first
    cpu, wall = end["cpu"] - start["cpu"], end["wall"] - start["wall"]
    parts = {part: (seconds - start["parts"][part]) / count * 1000 for part, seconds in end["parts"].items()}
    milliseconds = cpu / count * 1000
    shares = {f"{rate:g}": cpu / count * rate for rate in rates}
    return {
        "row": name,
        "trials": [first, last],
        "epochs_a_trial": round((end["epochs"] - start["epochs"]) / count, 1),
        "trials_a_second": round(count / wall, 2),
        "ms_a_trial": round(milliseconds, 2),
        "parts_ms": {part: round(ms, 2) for part, ms in [*parts.items(), ("rest", milliseconds - sum(parts.values()))]},
        "share_of_one_core_at_trials_a_second": {rate: round(share, 3) for rate, share in shares.items()},
        "target": MOST_SHARE,
        "met": {rate: share <= MOST_SHARE for rate, share in shares.items()},
        "share_of_all_cores": {rate: round(share / (os.cpu_count() or 1), 3) for rate, share in shares.items()},
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000, help="the late trial around which is measured")
    parser.add_argument("--rates", type=float, nargs="+", default=[2.0, 5.0], help="trials a second to judge at")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sampler", default="tpe")
    parser.add_argument("--store", help="folder to keep the study in (default: one that is removed)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
