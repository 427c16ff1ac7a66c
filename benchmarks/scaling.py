"""Does a second worker nearly double the trials a minute, and does an epoch cost each row the same however many rows?

    python benchmarks/scaling.py [--trials 100] [--epochs 30] [--rows 10000 100000 1000000] [--only workers|rows]

Workers: the same study (the shipped bike-sharing rows, the table's default space, random sampler, no pruner) with the
command a user types, first with one worker, then with two, each with empty caches. The rate is that of the trials, from
the start of the first to the end of the last; what comes before (imports, preparing the data, warming the workers) and
after (the package, its evaluation) is told apart. Rows: one net (two layers of 64 units, batches of 128, 20 inputs) on
made-up rows through the compiled trainer in this process, an epoch with its validation, the best of several, on one
thread. Prints a JSON line a row; targets are told, not asserted; it exits 1 only where a study fails.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from contest.machine import describe_machine
from contest.ours import read_trials, run_command, write_study
from contest.problem import Problem, prepare_problem
from threadpoolctl import threadpool_limits

from hpsearch.data.dataset import Dataset, Signature
from hpsearch.training.compiled.trainer import CompiledTrainer
from hpsearch.training.compiled.xla import configure_xla, program_cache
from hpsearch.training.quiet import import_keras
from hpsearch.training.trainer import Job, Settings

LEAST_SPEEDUP = 1.8
MOST_GROWTH = 1.1
"""Times what a row costs with the fewest rows; a tenth is noise."""
INPUTS, VALIDATION_SHARE = 20, 4
NET = {
    "hidden_layers": 2, "neurons_1": 64, "neurons_2": 64, "activation": "relu", "dropout": 0.1, "optimizer": "adam",
    "learning_rate": 1e-3, "batch_size": 128,
}  # fmt: skip


def main() -> int:
    given = _arguments()
    _print("machine", describe_machine())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        failed = given.only != "rows" and not _scale_workers(folder, given.trials, given.epochs)
        if given.only != "workers":
            with threadpool_limits(1):  # numpy's threads spin for 0.1 s after a product, and would be counted
                _scale_rows(folder, given.rows)
    return 1 if failed else 0


def _scale_workers(folder: Path, trials: int, epochs: int) -> bool:
    """Return whether both studies ended well."""
    problem = prepare_problem(None, None, folder / "prepared")
    rates = []
    for workers in (1, 2):
        row = _run_study(folder, problem, workers, trials, epochs)
        if row is None:
            return False
        rates.append(row["trials_a_minute"])
        _print("workers", row)
    speedup = rates[1] / rates[0]
    _print("speedup", {"times": round(speedup, 2), "target": LEAST_SPEEDUP, "met": speedup >= LEAST_SPEEDUP})
    return True


def _run_study(folder: Path, problem: Problem, workers: int, trials: int, epochs: int) -> dict[str, Any] | None:
    name, store = f"workers-{workers}", folder / f"store-{workers}"
    search = {
        "trials": trials, "workers": workers, "sampler": "random", "pruner": "none", "early_stopping": None,
        "trainer": "compiled",
    }  # fmt: skip
    study = write_study(folder, name, problem, {"epochs": epochs}, search)
    started = time.time()
    ran = subprocess.run(run_command(study, store), capture_output=True, text=True, check=False)
    ended = time.time()
    if ran.returncode != 0:
        print(ran.stdout[-2000:], ran.stderr[-2000:], sep="\n", file=sys.stderr)
        return None
    finished = read_trials(store, name)
    first, last = min(trial.started for trial in finished), max(trial.ended for trial in finished)
    return {
        "workers": workers, "trials": len(finished), "epochs": epochs, "seconds_before": round(first - started, 1),
        "seconds_of_trials": round(last - first, 1), "seconds_after": round(ended - last, 1),
        "trials_a_minute": round(60 * len(finished) / (last - first), 1),
        "trials_a_minute_end_to_end": round(60 * len(finished) / (ended - started), 1),
    }  # fmt: skip


def _scale_rows(folder: Path, counts: list[int]) -> None:
    configure_xla(program_cache(folder / "rows"))
    import_keras(threads=1)
    least = None
    for count in sorted(counts):
        seconds = _epoch_seconds(_dataset(folder / f"rows-{count}", count))
        nanoseconds = 1e9 * seconds / count
        least = least or nanoseconds
        growth = nanoseconds / least
        row = {
            "rows": count, "seconds_an_epoch": round(seconds, 4), "ns_a_row": round(nanoseconds, 1),
            "times_the_first": round(growth, 2), "target": MOST_GROWTH, "met": growth <= MOST_GROWTH,
        }  # fmt: skip
        _print("rows", row)


def _dataset(folder: Path, count: int) -> Dataset:
    """Write rows as `hpsearch.data.dataset` lays them out, a quarter as many for validation."""
    split = folder / "split-0"
    split.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part, size in {"train": count, "validation": count // VALIDATION_SHARE}.items():
        x = rng.standard_normal((size, INPUTS), np.float32)
        np.save(split / f"x_{part}.npy", x)
        np.save(split / f"y_{part}.npy", np.sin(x[:, 0]) + x[:, 1] * x[:, 2])
    (split / "target.json").write_text(json.dumps({"center": 0.0, "scale": 1.0}))
    names = tuple(f"x{i}" for i in range(INPUTS))
    return Dataset(folder, folder.name, Signature("regression", INPUTS, names, names, "y"), 1, {"train": count})


def _epoch_seconds(data: Dataset) -> float:
    """Return the processor's seconds of the fastest epoch, the first left out."""
    # As if for so many epochs that the program is compiled for the very net, whatever the rows.
    job = Job(0, 0, 0, 0, NET | {"epochs": 100_000})
    running = CompiledTrainer(Settings("rmse", "mse", trainer="compiled")).train(job, data)
    ends = [time.process_time() for _ in islice(running, max(8, 1_000_000 // data.rows["train"]))]
    running.close()
    return min(after - before for before, after in pairwise(ends))


def _print(row: str, figures: dict[str, Any]) -> None:
    print(json.dumps({"benchmark": "scaling", "row": row} | figures), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100, help="of each study; a short trial: 12")
    parser.add_argument("--epochs", type=int, default=30, help="of each trial")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="training rows")
    parser.add_argument("--only", choices=("workers", "rows"), help="measure this alone")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
