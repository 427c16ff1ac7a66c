"""Quality at equal time: best validation RMSE after 1, 3 and 10 minutes, hpsearch against keras-tuner and Optuna.

    python benchmarks/quality.py results.jsonl [--minutes 10] [--seeds 3] [--plot PNG] [--csv FILE --target COLUMN]

hpsearch (compiled trainer, its default sampler and pruner) against keras-tuner's BayesianOptimization and Optuna's TPE
with its median pruner, on the same prepared rows and the table's default space. A run has one core, one training
process and one thread; as many runs go side by side as there are cores, two at most. Time counts from the start of the
process, and at the end the run is killed. The results go into a file, a JSON line a run; runs that are in it are not
run again. Needs the extra `bench`: pip install -e ".[bench]".
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contest.curves import Curve, best_by, rising
from contest.launch import Command, Ran, interruptible, run_all
from contest.machine import describe_machine, usable_cores
from contest.ours import read_trials, run_command, write_study
from contest.peer import peer_command, require_bench
from contest.problem import Problem, plain_space, prepare_problem
from contest.quality_figure import quality_figure
from peers.task import Task, read_events

from hpsearch.space.space import build_space
from hpsearch.spec.sections import EarlyStoppingSection

OURS, BAYESIAN, TPE = "hpsearch compiled", "keras-tuner BayesianOptimization", "Optuna TPE + median pruner"
CONTENDERS = (OURS, BAYESIAN, TPE)
PROGRAMS = {BAYESIAN: ("kerastuner_search.py", "bayesian"), TPE: ("optuna_search.py", "tpe")}
MARKS = (1.0, 3.0, 10.0)
"""minutes at which the best so far is told"""


@dataclass(frozen=True)
class Run:
    """One contender with one seed."""

    contender: str
    seed: int


def main() -> int:
    given = _arguments()
    require_bench()
    with interruptible(), tempfile.TemporaryDirectory(prefix="quality-", ignore_cleanup_errors=True) as temporary:
        problem = prepare_problem(given.csv, given.target, Path(temporary) / "prepared")
        _begin(given.results, problem)
        for group in groups(given.seeds, len(usable_cores()[:2])):
            _run_missing(group, problem, given)
    rows = list(_known(given.results, given.minutes).values())
    for contender in CONTENDERS:
        print(json.dumps(_summary(contender, rows, given.minutes)))
    if given.plot:
        curves = {name: [row["curve"] for row in rows if row["contender"] == name] for name in CONTENDERS}
        given.plot.write_bytes(quality_figure(curves, given.minutes, _marks(given.minutes)))
    return 0


def groups(seeds: int, size: int) -> list[list[Run]]:
    """Return all runs in groups that run side by side.

    Seed after seed, contender after contender: in pairs, each of three contenders meets each of the others equally
    often, but for a last one that is left alone.
    """
    runs = [Run(contender, seed) for seed in range(seeds) for contender in CONTENDERS]
    return [runs[first : first + size] for first in range(0, len(runs), size)]


def _run_missing(group: Sequence[Run], problem: Problem, given: argparse.Namespace) -> None:
    """Run a group of which some are not in the file, all of it, and write down those."""
    missing = [run for run in group if run not in _known(given.results, given.minutes)]
    if not missing:
        return
    # A run that is left alone gets company, as all others have, which is not written down.
    lone = len(group) < len(usable_cores()[:2])
    company = [*group, *([Run(CONTENDERS[0], given.seeds)] if lone else [])]
    with tempfile.TemporaryDirectory(prefix="quality-", ignore_cleanup_errors=True) as folder:
        rows = _run_group(company, problem, given.minutes, Path(folder))
    for row in rows:
        if Run(row["contender"], row["seed"]) in missing:
            _append(given.results, row)


def _run_group(group: Sequence[Run], problem: Problem, minutes: float, folder: Path) -> list[dict[str, Any]]:
    places = list(zip(group, usable_cores(), strict=False))
    commands = [_command(run, core, problem, _folder(folder, run)) for run, core in places]
    ran = run_all(commands, deadline=60 * minutes)
    rows = []
    for run, core in places:
        whole, trials = _outcome(run, ran, folder / _name(run))
        curve = [point for point in whole if point[0] <= 60 * minutes]
        beside = [other.contender for other in group if other != run]
        rows.append(
            {
                "benchmark": "quality", "row": "run", "contender": run.contender, "seed": run.seed, "minutes": minutes,
                "core": core, "beside": beside, "trials": trials,
                "best_rmse": {f"{mark:g}": best_by(curve, 60 * mark) for mark in _marks(minutes)}, "curve": curve,
            }
        )  # fmt: skip
    return rows


def _command(run: Run, core: int, problem: Problem, folder: Path) -> Command:
    one_thread = {"OMP_NUM_THREADS": "1"}
    if run.contender == OURS:
        # Sampler, pruner and early stopping are what a study has that does not name them.
        search = {"trials": 1_000_000, "seed": run.seed, "workers": 1, "trainer": "compiled"}
        study = write_study(folder, "quality", problem, {}, search)
        return Command(run_command(study, folder / "store"), folder / "log.txt", core, one_thread)
    task = Task(
        arrays=str(problem.arrays), space=plain_space(build_space({})), target_scale=problem.target_scale,
        events=str(folder / "events.jsonl"), folder=str(folder), seed=run.seed,
        patience=EarlyStoppingSection().patience, threads=1,
    )  # fmt: skip
    return peer_command(*PROGRAMS[run.contender], task, folder, core)


def _outcome(run: Run, ran: Ran, folder: Path) -> tuple[Curve, int]:
    """Return (seconds, best RMSE so far) wherever a better one became known, and how many trials ended.

    Ours is known when a trial has completed; a peer's after the epoch that reached it, its trial ended or not.
    """
    if run.contender == OURS:
        trials = read_trials(folder / "store", "quality")
        known = [(trial.ended - ran.began_utc, trial.rmse) for trial in trials if trial.rmse is not None]
        return rising(known), len(trials)
    events = read_events(folder / "events.jsonl")
    better = [(line["time"] - ran.began, line["rmse"]) for line in events if line["kind"] == "better"]
    return rising(better), sum(line["kind"] == "trial" for line in events)


def _marks(minutes: float) -> list[float]:
    return sorted({mark for mark in MARKS if mark < minutes} | {minutes})


def _folder(group: Path, run: Run) -> Path:
    folder = group / _name(run)
    folder.mkdir()
    return folder


def _name(run: Run) -> str:
    return f"{CONTENDERS.index(run.contender)}-{run.seed}"


def _begin(results: Path, problem: Problem) -> None:
    """Write on what machine and data the runs of a new file are; raise SystemExit where a file has other data."""
    data = problem.describe()
    if not results.exists() or not results.read_text():
        _append(results, {"benchmark": "quality", "row": "machine"} | describe_machine() | {"data": data})
    about = json.loads(results.read_text().splitlines()[0])
    if about.get("data", {}).get("digest") != data["digest"]:
        raise SystemExit(f"{results} holds runs on other data; name another file")


def _known(results: Path, minutes: float) -> dict[Run, dict[str, Any]]:
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    return {Run(r["contender"], r["seed"]): r for r in rows if r["row"] == "run" and r["minutes"] == minutes}


def _append(results: Path, row: dict[str, Any]) -> None:
    with results.open("a") as file:
        file.write(json.dumps(row) + "\n")
    if row["row"] == "run":
        print(json.dumps({key: value for key, value in row.items() if key != "curve"}), flush=True)


def _summary(contender: str, rows: Sequence[dict[str, Any]], minutes: float) -> dict[str, Any]:
    own = [row for row in rows if row["contender"] == contender]
    about: dict[str, Any] = {"benchmark": "quality", "row": "summary", "contender": contender, "seeds": len(own)}
    about["mean_trials"] = round(statistics.fmean(row["trials"] for row in own), 1) if own else 0
    for mark in _marks(minutes):
        best = [best_by(row["curve"], 60 * mark) for row in own]
        known = sorted(rmse for rmse in best if rmse is not None)
        spread = {"median": statistics.median(known), "range": [known[0], known[-1]]} if known else {"median": None}
        about[f"after {mark:g} min"] = spread | {"without_result": len(best) - len(known)}
    return about


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="file of JSON lines; runs that are in it are not run again")
    parser.add_argument("--minutes", type=float, default=10.0, help="of each run (default 10)")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each contender (default 3)")
    parser.add_argument("--plot", type=Path, help="PNG to draw: median and range over the seeds")
    parser.add_argument("--csv", type=Path, help="a table of your own (default: the shipped bike-sharing set)")
    parser.add_argument("--target", help="its column to predict, a number")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
