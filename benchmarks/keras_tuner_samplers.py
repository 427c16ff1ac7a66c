"""Sampler quality: keras-tuner's tuners and Optuna's TPE on the same table, data, trainer and loop.

    python benchmarks/keras_tuner_samplers.py results.jsonl [--trials 50] [--seconds 30] [--seeds 3]
                                              [--data wine ...] [--plot PNG]

For each of five studies that ship, each seed and each sampler: the best validation score after as many trials, and
after as many seconds of search. A run goes on until both are over, or its space or oracle is (`exhausted`). One
process, inline, with the compiled trainer; TPE with its median pruner and without, the others as they are, with no
pruner. MLflow hears of nothing, and programs that one run compiled serve the next, so a run that compiles none comes
first, uncounted. The results go into a file, a JSON line a run; runs that are in it are not run again. It takes at most
data sets x seeds x samplers x the longer of the two budgets: an hour and a half on one core. Needs the extra
keras-tuner.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.figure import Figure

from hpsearch.data.prepared import prepare_dataset
from hpsearch.records import EpochRecord, TrialRecord
from hpsearch.search.book import Book
from hpsearch.search.folder import StudyFolder
from hpsearch.search.oracles import open_trials
from hpsearch.search.settings import settle
from hpsearch.search.study import Plan, Search
from hpsearch.spec import StudySpec, load_spec, make_spec
from hpsearch.training.select import make_trainer
from hpsearch.workers.inline import InlinePool

STUDIES = Path(__file__).parents[1] / "studies"
DATA = ("diabetes", "breast_cancer", "wine", "digits", "bike_demand")
SAMPLERS: dict[str, dict[str, str]] = {
    "TPE + median pruner": {"sampler": "tpe", "pruner": "median"},
    "TPE": {"sampler": "tpe", "pruner": "none"},
    "keras-tuner BayesianOptimization": {"sampler": "keras-tuner/bayesian"},
    "keras-tuner Hyperband": {"sampler": "keras-tuner/hyperband"},
    "keras-tuner RandomSearch": {"sampler": "keras-tuner/random"},
    "random": {"sampler": "random", "pruner": "none"},
}


class Watch:
    """Notes when each trial ended and what it was worth; ends the search once both budgets are over."""

    def __init__(self, trials: int, seconds: float, better: Any) -> None:
        self.trials, self.seconds, self._better = trials, seconds, better
        self.search: Search | None = None
        self.began = time.monotonic()
        self.ends: list[tuple[float, float | None]] = []

    def trial_started(self, record: TrialRecord) -> None:
        self._look()

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        self._look()

    def trial_ended(self, record: TrialRecord) -> None:
        if record.state != "interrupted":
            self.ends.append((time.monotonic() - self.began, record.value))
        self._look()

    def _look(self) -> None:
        if len(self.ends) >= self.trials and time.monotonic() - self.began >= self.seconds and self.search is not None:
            self.search.interrupt()

    def best(self, ends: list[tuple[float, float | None]]) -> float | None:
        best: float | None = None
        for _, value in ends:
            if value is not None and (best is None or self._better(value, best)):
                best = value
        return best


def main() -> int:
    given = _arguments()
    done = {(row["data"], row["sampler"], row["seed"]) for row in _rows(given.results)}
    with tempfile.TemporaryDirectory(prefix="keras-tuner-", ignore_cleanup_errors=True) as temporary:
        for name in given.data:
            missing = [(s, seed) for seed in range(given.seeds) for s in SAMPLERS if (name, s, seed) not in done]
            if missing:
                _run(name, "random", 0, 3, 0.0, Path(temporary) / name)  # compiles, and is not counted
            for sampler, seed in missing:
                row = _run(name, sampler, seed, given.trials, given.seconds, Path(temporary) / name)
                with given.results.open("a") as results:
                    results.write(json.dumps(row) + "\n")
                print(json.dumps(row), flush=True)
    if given.plot is not None:
        _plot(_rows(given.results), given.plot)
    return 0


def _run(name: str, sampler: str, seed: int, trials: int, seconds: float, place: Path) -> dict[str, Any]:
    spec = _spec(name, sampler, seed)
    data = prepare_dataset(spec, place / "cache")
    settled = settle(spec, data)
    objective = settled.objective
    with tempfile.TemporaryDirectory(dir=place) as at:
        folder = StudyFolder(Path(at))
        trials_of = open_trials(folder.journal, spec.search, settled.space, objective.direction, settled.steps)
        watch = Watch(trials, seconds, objective.better)
        plan = Plan(seed=seed, objective=objective, trials=1_000_000, splits=data.splits)
        pool = InlinePool(make_trainer(settled.settings), data)
        watch.search = Search(trials_of, pool, Book(folder, objective.direction, 1), plan, [watch])
        ending = watch.search.run()
        pool.close()
    in_trials, in_time = watch.ends[:trials], [end for end in watch.ends if end[0] <= seconds]
    return {
        "data": name, "sampler": sampler, "seed": seed, "objective": objective.name, "direction": objective.direction,
        "trials": len(in_trials), "after_trials": watch.best(in_trials),
        "seconds_for_trials": round(in_trials[-1][0], 2) if in_trials else 0.0,
        "seconds": seconds, "after_seconds": watch.best(in_time), "trials_in_seconds": len(in_time),
        "exhausted": ending == "exhausted",
    }  # fmt: skip


def _spec(name: str, sampler: str, seed: int) -> StudySpec:
    values = load_spec(STUDIES / f"{name}.yaml").model_dump(mode="json", exclude_unset=True)
    kept = {key: value for key, value in values.get("search", {}).items() if key in ("objective", "early_stopping")}
    search = kept | SAMPLERS[sampler] | {"seed": seed, "workers": "inline"}
    data = values["data"]
    data["split"] = {**data.get("split", {}), "validation": 0.2}  # folds would make five trainings of a trial
    return make_spec(values | {"name": name, "search": search, "data": data}, folder=STUDIES)


def _rows(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def _plot(rows: list[dict[str, Any]], path: Path) -> None:
    names = list(dict.fromkeys(row["data"] for row in rows))
    figure = Figure(figsize=(3.2 * len(names) + 2, 6), layout="constrained")
    axes = figure.subplots(2, len(names), squeeze=False, sharey=True)
    for column, name in enumerate(names):
        for line, (key, title) in enumerate((("after_trials", "equal trials"), ("after_seconds", "equal seconds"))):
            axis = axes[line][column]
            for place, sampler in enumerate(SAMPLERS):
                own = [row[key] for row in rows if row["data"] == name and row["sampler"] == sampler]
                found = [value for value in own if value is not None]
                (points,) = axis.plot(found, [place] * len(found), "o", alpha=0.5)
                if found:
                    axis.plot(median(found), place, "|", color=points.get_color(), markersize=18, markeredgewidth=2)
            axis.set_yticks(range(len(SAMPLERS)), list(SAMPLERS))
            one = next(row for row in rows if row["data"] == name)
            axis.set_title(f"{name}, {title}", fontsize=9)
            better = "less" if one["direction"] == "minimize" else "more"
            axis.set_xlabel(f"best {one['objective']} ({better} is better)", fontsize=8)
    axes[0][0].invert_yaxis()  # they share it
    figure.savefig(path, dpi=90)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", nargs="+", choices=DATA, default=DATA)
    parser.add_argument("--plot", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
