"""Resident memory of the driver and its workers over a thousand trials: is it flat?

    python benchmarks/memory.py [--trials 1000] [--workers 2] [--rows 2000] [--inputs 20] [--epochs 3] [--store FOLDER]

Runs one study with the command a user types, in processes of its own: the table's default space, random sampler, no
pruner, the compiled trainer, on rows made up here. Once a second it looks at every process of it. Prints a JSON line
for each hundred trials and one for the whole. A worker that grew until the pool replaced it is counted: flat because
replaced is not flat. Targets are told, not asserted; it exits 1 only where the study fails.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import psutil
import yaml

NAME = "memory"
EVERY = 100
"""Trials between two rows; what a row tells is the median over the half of them before it."""
SETTLED = 200
"""The trial from which growth is measured: by then a worker has made and closed programs."""
MOST_GROWTH = 0.05
"""Share by which memory may grow over the second half of the trials."""


@dataclass(frozen=True)
class Sample:
    """What one look saw. driver, workers: resident megabytes, those of workers by process id."""

    seconds: float
    trials: int
    driver: float
    workers: dict[int, float]
    programs: int
    """made so far, by all workers"""


def main() -> int:
    given = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.store or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        samples, status = _watch(_write_study(folder, given), folder, given.trials)
    last = samples[-1].trials if samples else 0
    for trials in range(EVERY, last + 1, EVERY):
        print(json.dumps(_row(samples, trials)), flush=True)
    print(json.dumps(_whole(samples, last, given.workers)), flush=True)
    return status


def _write_study(folder: Path, given: argparse.Namespace) -> Path:
    rng = np.random.default_rng(0)
    count = round(given.rows / 0.64)  # a fifth each for the test and, of the rest, for validation
    x = rng.normal(size=(count, given.inputs))
    y = np.sin(x[:, 0]) + x[:, 1] * x[:, 2] + rng.normal(0, 0.1, count)
    columns = {f"x{i}": x[:, i] for i in range(given.inputs)}
    pd.DataFrame(columns | {"y": y}).round(4).to_csv(folder / "rows.csv", index=False)
    about = {
        "name": NAME,
        "data": {"csv": "rows.csv", "target": "y"},
        "space": {"epochs": given.epochs},
        "search": {
            "trials": given.trials, "workers": given.workers, "sampler": "random", "pruner": "none",
            "early_stopping": None, "trainer": "compiled",
        },
        "winner": "none",
    }  # fmt: skip
    file = folder / f"{NAME}.yaml"
    file.write_text(yaml.safe_dump(about, sort_keys=False))
    return file


def _watch(study: Path, folder: Path, trials: int) -> tuple[list[Sample], int]:
    """Run the study and return what was seen of it once a second while it searched, and its exit code."""
    samples: list[Sample] = []
    started = time.monotonic()
    command = [sys.executable, "-m", "hpsearch", "run", str(study), "--store", str(folder / "store")]
    with (folder / "run.log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log)
        driver = psutil.Process(running.pid)
        # Past the last trial the driver loads TensorFlow itself, for the model it delivers.
        while running.poll() is None and (not samples or samples[-1].trials < trials):
            try:
                samples.append(_look(driver, folder / "store", time.monotonic() - started))
            except psutil.NoSuchProcess:
                break
            time.sleep(1)
    if running.wait() != 0:
        print((folder / "run.log").read_text(errors="replace")[-2000:], file=sys.stderr)
    return samples, min(running.returncode, 1)


def _look(driver: psutil.Process, store: Path, seconds: float) -> Sample:
    workers = {}
    for child in driver.children(recursive=True):
        try:
            if "hpsearch.workers.process" in child.cmdline():
                workers[child.pid] = child.memory_info().rss / 2**20
        except psutil.Error:  # it has just ended
            continue
    history = store / "studies" / NAME / "history.jsonl"
    trials = len(history.read_bytes().splitlines()) if history.exists() else 0
    programs = sum(1 for _ in store.glob("cache/programs/*/*.program"))
    return Sample(seconds, trials, driver.memory_info().rss / 2**20, workers, programs)


def _before(samples: list[Sample], trials: int) -> list[Sample]:
    return [sample for sample in samples if trials - EVERY / 2 < sample.trials <= trials] or samples[-1:]


def _workers(samples: list[Sample]) -> list[float]:
    """Return the median of each worker that was there, in the order of their process ids."""
    ids = sorted({process for sample in samples for process in sample.workers})
    return [median(s.workers[process] for s in samples if process in s.workers) for process in ids]


def _row(samples: list[Sample], trials: int) -> dict[str, Any]:
    seen = _before(samples, trials)
    return {
        "benchmark": "memory", "trials": trials, "driver_mb": round(median(sample.driver for sample in seen)),
        "workers_mb": [round(value) for value in _workers(seen)], "programs_made": seen[-1].programs,
        "seconds": round(seen[-1].seconds),
    }  # fmt: skip


def _whole(samples: list[Sample], last: int, workers: int) -> dict[str, Any]:
    replaced = len({process for sample in samples for process in sample.workers}) - workers

    def values(trials: int) -> list[float]:
        seen = _before(samples, trials)
        return [median(sample.driver for sample in seen), *_workers(seen)]

    def growth(first: int) -> list[float]:
        """Return megabytes of the driver and of each worker, from trial `first` on."""
        return [after - before for before, after in zip(values(first), values(last), strict=False)]

    relative = [grown / before for grown, before in zip(growth(last // 2), values(last // 2), strict=False)]
    since = min(SETTLED, last // 2)
    return {
        "benchmark": "memory", "trials": last, "kb_a_trial_since": since,
        "kb_a_trial": [round(1024 * grown / max(last - since, 1), 1) for grown in growth(since)],
        "growth_of_second_half": [round(share, 3) for share in relative], "of": "the driver, then each worker",
        "workers_replaced": replaced, "target": f"below {MOST_GROWTH:.0%} in the second half, no worker replaced",
        "met": replaced == 0 and all(share < MOST_GROWTH for share in relative),
    }  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rows", type=int, default=2000, help="training rows")
    parser.add_argument("--inputs", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=3, help="of each trial")
    parser.add_argument("--store", type=Path, help="folder to keep what is made (default: a temporary one)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
