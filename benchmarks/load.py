"""How long a person waits for an answer about a large study, and about a store of many.

    python benchmarks/load.py [--trials 5000] [--studies 50] [--store FOLDER]

Writes a study of so many trials, each of 30 epochs of 8 metrics, and in another store so many studies of 100
trials; nobody trained them (`generated_store.py`). Then it runs each command three times, in a process of its own, and
prints the median: seconds on the wall, seconds of processor time, and how much of both is Python's start and the
command line's. What the search showed (importances, advice) is worked out once before, as a launch does: the row
`report` is that work and the page. Prints a JSON line a row and exits with 1 where an answer takes longer than its
target. Where other programs want the processors, read the processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from generated_store import EPOCHS, SCORES, generate_study

TARGET = 2.0
"""Seconds."""
REPEATS = 3
PROGRAM = (sys.executable, "-m", "hpsearch")


def main() -> int:
    given = _arguments()
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(given.store or temporary)
        one, many = place / "one", place / "many"
        if not one.exists():
            generate_study(one, "large", given.trials)
        if not many.exists():
            for number in range(given.studies):
                generate_study(many, f"study-{number:02d}", 100)
        about = {"trials": given.trials, "epochs": EPOCHS, "metrics": 2 * len(SCORES), "studies": given.studies}
        sizes = {path.name: path.stat().st_size for path in sorted((one / "studies" / "large").iterdir())}
        print(json.dumps({"benchmark": "load", "row": "store", **about, "bytes": sizes}), flush=True)
        return _measure(one, many)


def _measure(one: Path, many: Path) -> int:
    start = _row("start", ["--version"])
    print(json.dumps({"benchmark": "load", **start}), flush=True)
    (one / "studies" / "large" / "insights.json").unlink(missing_ok=True)
    report = _row("report", ["report", "large", "--store", str(one), "--output", os.devnull], repeats=1)
    print(json.dumps({"benchmark": "load", **report, "start": start["wall_seconds"]}), flush=True)
    missed = 0
    for name, arguments, store in (
        ("list", ["list"], one),
        ("show", ["show", "large"], one),
        ("show --json", ["show", "large", "--json"], one),
        ("compare", ["compare", "large"], one),
        ("compare --top 20", ["compare", "large", "--top", "20"], one),
        ("list, many studies", ["list"], many),
        ("list --json, many studies", ["list", "--json"], many),
    ):
        row = _row(name, [*arguments, "--store", str(store)])
        met = row["wall_seconds"] <= TARGET
        missed += not met
        told = {"benchmark": "load", **row, "start": start["wall_seconds"], "target": TARGET, "met": met}
        print(json.dumps(told), flush=True)
    return 1 if missed else 0


def _row(name: str, arguments: list[str], repeats: int = REPEATS) -> dict[str, float | str]:
    walls, processors = [], []
    for _ in range(repeats):
        before, began = _processor(), time.perf_counter()
        subprocess.run([*PROGRAM, *arguments], stdout=subprocess.DEVNULL, check=True)
        walls.append(time.perf_counter() - began)
        processors.append(_processor() - before)
    return {
        "row": name,
        "wall_seconds": round(median(walls), 2),
        "processor_seconds": round(median(processors), 2),
        "load": round(os.getloadavg()[0], 1),
    }


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=5000, help="trials of the large study")
    parser.add_argument("--studies", type=int, default=50, help="studies of the other store")
    parser.add_argument("--store", help="folder to keep both stores in (default: one that is removed)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
