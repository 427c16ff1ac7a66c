"""Trials a minute, side by side: keras-tuner, Optuna with Keras, and hpsearch with either trainer.

    python benchmarks/throughput.py [--trials 200] [--peer-trials 8] [--keras-trials 24] [--csv FILE --target COLUMN]

All contenders train the same configurations, drawn from the table's default space, for the same epochs on the same
prepared rows, in processes of their own, one contender after the other. Prints a JSON line a row, then a table. Needs
the extra `bench`: pip install -e ".[bench]". Targets are told, not asserted; it exits 1 only where a contender fails.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from contest.launch import Command, Ran, failed, interruptible, run_all
from contest.machine import describe_machine
from contest.ours import read_trials, run_command, write_study
from contest.peer import peer_command, require_bench
from contest.problem import Problem, draw_configurations, plain_space, prepare_problem, spread_subset, steps
from peers.task import Task, read_events
from scipy.stats import t as student_t

from hpsearch.space.domain import Choices
from hpsearch.space.space import Configuration, build_space, configuration_key

KERAS_TUNER, OPTUNA, TWO_OPTUNA = "keras-tuner RandomSearch", "Optuna + Keras", "Optuna + Keras, two processes"
OURS_KERAS, COLD, WARM = "hpsearch, trainer keras", "hpsearch compiled, cold", "hpsearch compiled, warm"
TARGETS = {KERAS_TUNER: 30, TWO_OPTUNA: 15}
"""contender -> how many times its trials a minute the compiled trainer should reach, cold"""


@dataclass(frozen=True)
class Trial:
    """One trained trial. rmse: the best epoch's, in the target's units; None where it diverged."""

    configuration: Configuration
    rmse: float | None
    steps: int
    started: float
    ended: float
    process: int = 0


@dataclass(frozen=True)
class Row:
    """What a contender did. ran: from the start of its first process to the end of its last."""

    contender: str
    trials: Sequence[Trial]
    ran: Ran
    began: float
    """the start, by the trials' clock"""

    def all_in(self) -> tuple[float, float]:
        """Return trials a minute and steps a second, everything counted."""
        return 60 * len(self.trials) / self.ran.seconds, sum(t.steps for t in self.trials) / self.ran.seconds

    def running(self) -> tuple[float, float]:
        """Return the same without start-up: from each process's first trial's start to its last one's end."""
        minute = second = 0.0
        for process in {t.process for t in self.trials}:
            own = [t for t in self.trials if t.process == process]
            seconds = max(t.ended for t in own) - min(t.started for t in own)
            minute += 60 * len(own) / seconds
            second += sum(t.steps for t in own) / seconds
        return minute, second

    def best(self, among: set[str] | None = None) -> float | None:
        """Return the least validation RMSE, of all trials or of some configurations."""
        keys = {configuration_key(t.configuration) for t in self.trials} if among is None else among
        return min((r for key, r in self.by_configuration().items() if key in keys), default=None)

    def by_configuration(self) -> dict[str, float]:
        """Return the validation RMSE of each configuration that has one."""
        return {configuration_key(t.configuration): t.rmse for t in self.trials if t.rmse is not None}

    def to_json(self) -> dict[str, Any]:
        """Return the row that is printed."""
        (minute, second), (running_minute, running_second) = self.all_in(), self.running()
        last = max(t.ended for t in self.trials)
        return {
            "contender": self.contender, "trials": len(self.trials),
            "without_result": sum(t.rmse is None for t in self.trials),
            "seconds": round(self.ran.seconds, 1), "cpu_seconds": round(self.ran.processor, 1),
            "seconds_before_first_trial": round(min(t.started for t in self.trials) - self.began, 1),
            "seconds_after_last_trial": round(self.began + self.ran.seconds - last, 1),
            "mean_steps": round(statistics.fmean(t.steps for t in self.trials)),
            "trials_a_minute": round(minute, 2), "steps_a_second": round(second),
            "running_trials_a_minute": round(running_minute, 2), "running_steps_a_second": round(running_second),
            "best_rmse": _rounded(self.best()),
        }  # fmt: skip


@dataclass(frozen=True)
class Contest:
    """What the contenders share."""

    problem: Problem
    listed: Sequence[Configuration]
    other: Sequence[Configuration]
    """of the second study in a store"""
    epochs: int
    work: Path

    def peer(self, contender: str, program: str, kind: str, places: Sequence[int], processes: int = 1) -> Row:
        """Run a peer's program on some of the configurations; several processes share one study, a thread each."""
        listed = [self.listed[place] for place in places]
        commands, events = [], []
        for process in range(processes):
            folder = self._folder(f"{contender}-{process}")
            task = Task(
                arrays=str(self.problem.arrays), space=plain_space(_space(self.epochs)),
                target_scale=self.problem.target_scale, events=str(folder / "events.jsonl"), folder=str(folder),
                listed=[dict(configuration) for configuration in listed], threads=1 if processes > 1 else None,
                shared_study=str(folder.parent / "optuna.journal") if processes > 1 else None,
            )  # fmt: skip
            commands.append(peer_command(program, kind, task, folder))
            events.append(folder / "events.jsonl")
        ran = run_all(commands)
        trials = [
            Trial(listed[line["number"]], line["rmse"], steps(listed[line["number"]], self.problem.rows["train"]),
                  line["started"], line["time"], process)
            for process, file in enumerate(events) for line in read_events(file) if line["kind"] == "trial"
        ]  # fmt: skip
        return _complete(Row(contender, trials, ran, ran.began), len(listed))

    def ours(self, contender: str, trainer: str, configurations: Sequence[Configuration], store: str) -> Row:
        """Run `hpsearch run` on a study that starts with the configurations and has no others."""
        folder = self._folder(contender)
        search = {
            "trials": len(configurations), "sampler": "random", "pruner": "none", "early_stopping": None,
            "trainer": trainer, "start_with": [dict(configuration) for configuration in configurations],
        }  # fmt: skip
        name = folder.name
        study = write_study(folder, name, self.problem, {"epochs": self.epochs}, search)
        ran = run_all([Command(run_command(study, self.work / store), folder / "log.txt")])
        rows = self.problem.rows["train"]
        found = read_trials(self.work / store, name)
        trials = [
            Trial(t.configuration, t.rmse, steps(t.configuration, rows, t.epochs), t.started, t.ended) for t in found
        ]
        wanted = {configuration_key(configuration) for configuration in configurations}
        if wanted != {configuration_key(t.configuration) for t in trials} or {t.trainer for t in found} - {trainer, ""}:
            raise failed(f"{contender}: it trained other configurations, or with another trainer", folder / "log.txt")
        return _complete(Row(contender, trials, ran, ran.began_utc), len(configurations))

    def _folder(self, name: str) -> Path:
        folder = self.work / "".join(letter if letter.isalnum() else "-" for letter in name)
        folder.mkdir()
        return folder


def main() -> int:
    given = _arguments()
    require_bench()
    with interruptible(), tempfile.TemporaryDirectory(prefix="throughput-", ignore_cleanup_errors=True) as temporary:
        work = Path(temporary)
        problem = prepare_problem(given.csv, given.target, work / "prepared")
        space = _space(given.epochs)
        listed, other = (draw_configurations(space, given.trials, given.seed + study) for study in (0, 1))
        _print("machine", describe_machine())
        _print("data", problem.describe() | {"epochs": given.epochs})
        rows = _run_all(Contest(problem, listed, other, given.epochs, work), given)
    for row in rows:
        _print("agreement", _agreement(row, rows))
    ratios = [_ratio(row, rows) for row in rows]
    for ratio in ratios:
        _print("ratio", ratio)
    print("\n" + _table(rows, ratios))
    return 0


def _run_all(contest: Contest, given: argparse.Namespace) -> list[Row]:
    few, more = (spread_subset(contest.listed, count) for count in (given.peer_trials, given.keras_trials))
    keras_only = [contest.listed[place] for place in more]
    _print("configurations", _mixes(contest, few, more))
    _rehearse()
    runs = [
        partial(contest.peer, KERAS_TUNER, "kerastuner_search.py", "random", few),
        partial(contest.peer, OPTUNA, "optuna_search.py", "random", few),
        partial(contest.peer, TWO_OPTUNA, "optuna_search.py", "random", few, processes=2),
        partial(contest.ours, OURS_KERAS, "keras", keras_only, "store-keras"),
        partial(contest.ours, COLD, "compiled", contest.listed, "store-compiled"),
        partial(contest.ours, WARM, "compiled", contest.other, "store-compiled"),
    ]
    rows = []
    for run in runs:
        rows.append(run())
        _print("throughput", rows[-1].to_json())
    return rows


def _rehearse() -> None:
    """Import everything once, so that no contender pays for a cold disk or for modules not yet compiled."""
    program = "import keras_tuner, optuna, mlflow, tensorflow, sklearn, pandas, matplotlib, hpsearch.app.run"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, capture_output=True)


def _space(epochs: int) -> Any:
    return build_space({"epochs": Choices((epochs,))})


def _complete(row: Row, count: int) -> Row:
    if len(row.trials) != count:
        raise SystemExit(f"{row.contender}: {len(row.trials)} trials ended where {count} were asked for")
    return row


def _mixes(contest: Contest, few: Sequence[int], more: Sequence[int]) -> dict[str, Any]:
    """Return the mean number of steps of the lists that are trained: rates of lists that differ in it differ by it."""
    rows = contest.problem.rows["train"]
    lists = {
        "all": contest.listed, "peers": [contest.listed[i] for i in few], "keras": [contest.listed[i] for i in more],
        "warm": contest.other,
    }  # fmt: skip
    return {
        name: {"trials": len(some), "mean_steps": round(statistics.fmean(steps(c, rows) for c in some))}
        for name, some in lists.items()
    }


def _agreement(row: Row, rows: Sequence[Row]) -> dict[str, Any]:
    """Compare validation RMSE with the compiled trainer's, configuration by configuration.

    Initial weights and dropout masks differ by seed, so single differences are noise; whether their mean is too is
    asked of a paired t-test, at 1 % since several contenders are compared.
    """
    cold = next(other for other in rows if other.contender == COLD).by_configuration()
    own = row.by_configuration()
    shared = sorted(own.keys() & cold.keys())
    about = {"contender": row.contender, "against": COLD, "configurations": len(shared)}
    if row.contender == COLD or len(shared) < 2:
        return about
    differences = [own[key] - cold[key] for key in shared]
    mean, error = statistics.fmean(differences), statistics.stdev(differences) / len(shared) ** 0.5
    p_value = 2 * float(student_t.sf(abs(mean) / error, len(shared) - 1)) if error else 1.0
    return about | {
        "best_rmse": _rounded(row.best(set(shared))), "best_rmse_compiled": _rounded(min(cold[key] for key in shared)),
        "mean_difference": round(mean, 3), "standard_error": round(error, 3), "p_value": round(p_value, 4),
        "within_noise": p_value >= 0.01,
    }  # fmt: skip


def _ratio(row: Row, rows: Sequence[Row]) -> dict[str, Any]:
    """Return how many times a contender's rate the compiled trainer reaches, cold.

    A peer's rate is the one without its start-up, which its few trials would weigh too much; ours counts everything.
    """
    cold = next(other for other in rows if other.contender == COLD)
    is_peer = row.contender in (KERAS_TUNER, OPTUNA, TWO_OPTUNA)
    theirs, ours = row.running() if is_peer else row.all_in(), cold.all_in()
    about = {
        "contender": row.contender,
        "times": round(ours[0] / theirs[0], 2),
        "times_by_steps": round(ours[1] / theirs[1], 2),
    }
    target = TARGETS.get(row.contender)
    return about if target is None else about | {"target": target, "met": ours[0] / theirs[0] >= target}


def _table(rows: Sequence[Row], ratios: Sequence[dict[str, Any]]) -> str:
    head = (
        "| contender | trials | trials a minute | without start-up | steps a second | best RMSE | compiled, cold, is |"
    )
    lines = [head, "|---|---|---|---|---|---|---|"]
    for row, ratio in zip(rows, ratios, strict=True):
        about = row.to_json()
        met = "" if "met" not in ratio else f" (target {ratio['target']}: {'met' if ratio['met'] else 'missed'})"
        best = "none" if about["best_rmse"] is None else f"{about['best_rmse']:.2f}"
        lines.append(
            f"| {row.contender} | {about['trials']} | {about['trials_a_minute']:.1f} | "
            f"{about['running_trials_a_minute']:.1f} | {about['steps_a_second']:,} | {best} | "
            f"{ratio['times']:.1f} times as fast, by steps {ratio['times_by_steps']:.1f}{met} |"
        )
    return "\n".join(lines)


def _rounded(rmse: float | None) -> float | None:
    return None if rmse is None else round(rmse, 3)


def _print(kind: str, about: dict[str, Any]) -> None:
    print(json.dumps({"benchmark": "throughput", "row": kind} | about), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=_count, default=200, help="of the compiled studies (default 200)")
    parser.add_argument("--peer-trials", type=_count, default=8, help="of the peers, a sample of those (default 8)")
    parser.add_argument(
        "--keras-trials", type=_count, default=24, help="of our own Keras trainer, likewise (default 24)"
    )
    parser.add_argument("--epochs", type=_count, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of the draws")
    parser.add_argument("--csv", type=Path, help="a table of your own (default: the shipped bike-sharing set)")
    parser.add_argument("--target", help="its column to predict, a number")
    return parser.parse_args()


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise ValueError
    return count


if __name__ == "__main__":
    sys.exit(main())
