"""Does the net that is delivered gain from training on the validation rows too? Test metrics, with the same seeds.

    python benchmarks/refit.py [--divisions 10] [--seeds 5] [--california DATA.csv.gz SPLIT.csv.gz] [--only digits ...]

A fixed net on several random divisions into training, validation and test rows, from each seed: early-stopped on the
training rows alone, and again on training and validation rows for the median best epoch of the seeds, scaled by rows
(as many gradient steps) and unscaled (as many epochs). Prints one JSON line for each data set. The files are those of
`california.py`, whose one division is trained from `--divisions` seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import pandas as pd
import yaml

from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import prepare_dataset
from hpsearch.data.refit import prepare_refit
from hpsearch.metrics import METRICS
from hpsearch.search.settings import settle
from hpsearch.significance import corrected_resampled_t
from hpsearch.spec import StudySpec, make_spec
from hpsearch.training.compiled.predict import predict
from hpsearch.training.quiet import import_keras
from hpsearch.training.refit import refit_epochs, refit_job, refit_settings
from hpsearch.training.scores import score
from hpsearch.training.seeds import derive_seed
from hpsearch.training.select import make_trainer
from hpsearch.training.trainer import Job, Outcome, Trainer

STUDIES = Path(__file__).parents[1] / "studies"

NETS: dict[str, dict[str, Any]] = {
    "bike_demand_full": {"neurons": [128, 64], "dropout": 0.1, "learning_rate": 2e-3, "batch_size": 128, "epochs": 60},
    "digits": {"neurons": [128], "dropout": 0.2, "learning_rate": 2e-3, "batch_size": 32, "epochs": 60},
    "breast_cancer": {"neurons": [32], "dropout": 0.1, "learning_rate": 3e-3, "batch_size": 32, "epochs": 60},
    "diabetes": {"neurons": [32], "dropout": 0.2, "learning_rate": 3e-3, "batch_size": 32, "epochs": 60},
    "wine": {"neurons": [32], "dropout": 0.1, "learning_rate": 3e-3, "batch_size": 16, "epochs": 60},
    # The published net of `california.py`.
    "california": {
        "neurons": [586, 65], "dropout": 0.2803, "learning_rate": 3.52e-3, "batch_size": 256, "epochs": 200,
        "optimizer": "adamw",
    },
}  # fmt: skip
"""study -> a net that a person would try, ReLU and Adam unless it says otherwise; nothing is searched"""

EARLY, CHOSEN, STEPS, EPOCHS = "early_stopped", "best_of_early_stopped", "refit_same_steps", "refit_same_epochs"
PAIRS = ((STEPS, EARLY), (EPOCHS, EARLY), (EPOCHS, STEPS), (STEPS, CHOSEN), (EPOCHS, CHOSEN))


@dataclass(frozen=True)
class Division:
    """What came out on one division of the rows."""

    test: dict[str, list[float]]
    """the test metric from each seed, by the way of training; CHOSEN: that of the best on the validation rows"""
    best_epoch: float
    same_steps: int
    same_epochs: int
    rows: dict[str, int]


def main() -> int:
    given = _arguments()
    import_keras(threads=1)
    with tempfile.TemporaryDirectory(prefix="refit-", ignore_cleanup_errors=True) as folder:
        for name, about, home in _studies(Path(folder), given.california):
            if not given.only or name in given.only:
                row = _row(name, about, home, Path(folder) / "cache", given.divisions, given.seeds)
                print(json.dumps(row), flush=True)
    return 0


def _studies(folder: Path, california: Sequence[Path] | None) -> Iterable[tuple[str, dict[str, Any], Path]]:
    for name in NETS:
        if name != "california":
            about = yaml.safe_load((STUDIES / f"{name}.yaml").read_text())
            yield name, {key: about[key] for key in ("data", "prepare", "search") if key in about}, STUDIES
    if california:
        table, parts = pd.read_csv(california[0]), pd.read_csv(california[1]).set_index("row")["split"]
        table.assign(split=parts.loc[table.index]).to_csv(folder / "california.csv", index=False)
        data = {"csv": "california.csv", "target": "MedHouseVal", "split": {"column": "split"}}
        yield "california", {"data": data, "search": {"early_stopping": {"patience": 16}}}, folder


def _row(name: str, about: dict[str, Any], home: Path, cache: Path, divisions: int, seeds: int) -> dict[str, Any]:
    started, split = time.monotonic(), about["data"].get("split", {})
    if "column" in split:
        divisions, seeds = 1, divisions
    found = []
    for number in range(divisions):
        data = about["data"] | {"split": split | {"seed": number}}
        spec = make_spec(about | {"data": data}, folder=home)
        found.append(_division(spec, _configuration(name), [derive_seed(number, s, 0) for s in range(seeds)], cache))
    objective, rows = settle(spec, prepare_dataset(spec, cache)).objective.name, found[0].rows
    # Divisions overlap, as resamples do; seeds on one division do not.
    share = rows["test"] / rows["train"] if divisions > 1 else 0.0
    return {
        "benchmark": "refit", "study": name, "test": objective, "divisions": divisions, "seeds": seeds, "rows": rows,
        "epochs": {
            "best": median(one.best_epoch for one in found), STEPS: median(one.same_steps for one in found),
            EPOCHS: median(one.same_epochs for one in found),
        },
        "mean": {way: round(float(np.mean([one.test[way] for one in found])), 5) for way in found[0].test},
        "sd_of_seeds": {way: _sd_of_seeds(found, way) for way in (EARLY, STEPS, EPOCHS)},
        "gain": {f"{way} over {other}": _gain(found, way, other, objective, share) for way, other in PAIRS},
        "seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip


def _configuration(name: str) -> dict[str, Any]:
    net = NETS[name]
    layers = {f"neurons_{layer}": width for layer, width in enumerate(net["neurons"], start=1)}
    usual = {"hidden_layers": len(layers), **layers, "activation": "relu", "optimizer": "adam"}
    return usual | {key: value for key, value in net.items() if key != "neurons"}


def _division(spec: StudySpec, configuration: dict[str, Any], seeds: Sequence[int], cache: Path) -> Division:
    data = prepare_dataset(spec, cache)
    refit, settings = prepare_refit(spec, data), settle(spec, data).settings
    objective, direction = settings.objective, METRICS[settings.objective].direction
    early, again = make_trainer(settings), make_trainer(refit_settings(settings))
    # With folds every one has its best epoch, and the net of the first is the one to deliver.
    trained = [[_train(early, Job(0, 0, k, seed, configuration), data) for seed in seeds] for k in range(data.splits)]
    best_epochs = [outcome.best_epoch for fold in trained for outcome in fold]
    train_rows = [data.split(k).train.rows for k in range(data.splits) for _ in seeds]
    steps = refit_epochs(best_epochs, train_rows, refit.rows["train"])
    epochs = refit_epochs(best_epochs, [1] * len(best_epochs), 1)
    test = {EARLY: [_test(outcome, configuration, data, objective) for outcome in trained[0]]}
    validation = [outcome.metrics[f"val_{objective}"] for outcome in trained[0]]
    chosen = int(np.argmin(validation) if direction == "minimize" else np.argmax(validation))
    test[CHOSEN] = [test[EARLY][chosen]] * len(seeds)
    for way, count in ((STEPS, steps), (EPOCHS, epochs)):
        outcomes = [_train(again, refit_job(configuration, count, seed), refit) for seed in seeds]
        test[way] = [_test(outcome, configuration, refit, objective) for outcome in outcomes]
    return Division(test, median(best_epochs), steps, epochs, data.rows)


def _train(trainer: Trainer, job: Job, data: Dataset) -> Outcome:
    epochs = trainer.train(job, data)
    while True:
        try:
            next(epochs)
        except StopIteration as end:
            outcome: Outcome = end.value
            if outcome.state == "failed":
                raise SystemExit(f"a net of {job.configuration} failed: {outcome.reason}") from None
            return outcome


def _test(outcome: Outcome, configuration: dict[str, Any], data: Dataset, objective: str) -> float:
    rows, split, task = data.test(), data.split(0), data.signature.task
    assert outcome.weights is not None
    outputs = predict(outcome.weights, configuration["activation"], task, np.asarray(rows.x))
    if task != "regression":
        return score(task, rows.y, outputs)[objective]
    truth, predicted = (y.astype(np.float64) * split.target_scale + split.target_center for y in (rows.y, outputs))
    return score(task, truth, predicted)[objective]


def _sd_of_seeds(found: Sequence[Division], way: str) -> float:
    """Return the deviation of a net's test metric that its seed alone makes."""
    return round(float(np.sqrt(np.mean([np.var(one.test[way], ddof=1) for one in found]))), 5)


def _gain(found: Sequence[Division], way: str, other: str, objective: str, share: float) -> dict[str, float]:
    """Return the mean difference, above 0 where `way` is better, with its standard error and p-value."""
    sign = 1 if METRICS[objective].direction == "minimize" else -1
    a, b = (np.array([one.test[name] for one in found]) for name in (way, other))  # (divisions, seeds)
    # A pair is a division, its seeds averaged; of a single division it is a seed.
    a, b = (a[0], b[0]) if len(found) == 1 else (a.mean(axis=1), b.mean(axis=1))
    difference = sign * (b - a)
    # Nadeau & Bengio 2003, as in `significance.corrected_resampled_t`.
    error = float(difference.std(ddof=1) * np.sqrt(1 / len(difference) + share))
    return {
        "mean": round(fmean(difference), 5), "standard_error": round(error, 5),
        "p": round(corrected_resampled_t(a, b, share), 4), "better_in": int((difference > 0).sum()),
        "of": len(difference),
    }  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--divisions", type=int, default=10, help="into training, validation and test rows (default 10)"
    )
    parser.add_argument("--seeds", type=int, default=5, help="of the net, on each division (default 5)")
    parser.add_argument("--california", type=Path, nargs=2, help="CSV of the 20,640 rows, CSV with columns row, split")
    parser.add_argument("--only", nargs="+", choices=list(NETS), help="these data sets (default: all there are)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
