"""Does the net that is delivered gain from training on the validation rows too? Test metrics, with the same seeds.

    python benchmarks/refit.py [--divisions 10] [--seeds 5] [--california DATA.csv.gz] [--only digits ...]

A fixed net on several random divisions into training, validation and test rows, from each seed: early-stopped on the
training rows alone, and again on training and validation rows for the median best epoch of the seeds, scaled by rows
(as many gradient steps) and unscaled (as many epochs), with the last epoch's weights and with the mean of the last
quarter's. Also the early-stopped net that validates best, such a mean on the training rows alone, and the average of
all seeds' nets. Prints one JSON line for each data set.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import prepare_dataset
from hpsearch.data.refit import prepare_refit
from hpsearch.metrics import METRICS
from hpsearch.search.settings import settle
from hpsearch.significance import corrected_resampled_t
from hpsearch.spec import StudySpec, make_spec
from hpsearch.training.compiled.predict import predict
from hpsearch.training.quiet import import_keras
from hpsearch.training.refit import median_epochs, refit_job, refit_settings
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
    # The published net of `california.py`, with its file.
    "california": {
        "neurons": [586, 65], "dropout": 0.2803, "learning_rate": 3.52e-3, "batch_size": 256, "epochs": 200,
        "optimizer": "adamw",
    },
}  # fmt: skip
"""study -> a net that a person would try, ReLU and Adam unless it says otherwise; nothing is searched"""

EARLY, CHOSEN = "early_stopped", "best_of_early_stopped"
LAST_STEPS, LAST_EPOCHS = "last_after_same_steps", "last_after_same_epochs"
MEAN_STEPS, MEAN_EPOCHS = "mean_after_same_steps", "mean_after_same_epochs"
MEAN_TRAIN = "mean_on_training_rows_alone"
AVERAGE = "average_net_of_"
PAIRS = (
    (LAST_STEPS, EARLY), (LAST_EPOCHS, EARLY), (MEAN_STEPS, EARLY), (MEAN_EPOCHS, EARLY), (MEAN_EPOCHS, LAST_EPOCHS),
    (MEAN_EPOCHS, MEAN_STEPS), (MEAN_STEPS, CHOSEN), (MEAN_EPOCHS, CHOSEN), (AVERAGE + EARLY, CHOSEN),
    (AVERAGE + MEAN_EPOCHS, MEAN_EPOCHS), (MEAN_EPOCHS, MEAN_TRAIN), (MEAN_TRAIN, EARLY),
)  # fmt: skip


@dataclass(frozen=True)
class Division:
    """What came out on one division of the rows."""

    test: dict[str, list[float]]
    """the test metric by the way of training: from each seed, or of the one net made of all seeds"""
    best_epoch: float
    same_steps: int
    same_epochs: int
    rows: dict[str, int]


def main() -> int:
    given = _arguments()
    import_keras(threads=1)
    with tempfile.TemporaryDirectory(prefix="refit-", ignore_cleanup_errors=True) as folder:
        for name, about, home in _studies(given.california):
            if not given.only or name in given.only:
                row = _row(name, about, home, Path(folder) / "cache", given.divisions, given.seeds)
                print(json.dumps(row), flush=True)
    return 0


def _studies(california: Path | None) -> Iterable[tuple[str, dict[str, Any], Path]]:
    for name in NETS:
        if name != "california":
            about = yaml.safe_load((STUDIES / f"{name}.yaml").read_text())
            yield name, {key: about[key] for key in ("data", "prepare", "search") if key in about}, STUDIES
    if california:
        data = {"csv": str(california.resolve()), "target": "MedHouseVal"}
        yield "california", {"data": data, "search": {"early_stopping": {"patience": 16}}}, STUDIES


def _row(name: str, about: dict[str, Any], home: Path, cache: Path, divisions: int, seeds: int) -> dict[str, Any]:
    started, split = time.monotonic(), about["data"].get("split", {})
    found = []
    for number in range(divisions):
        data = about["data"] | {"split": split | {"seed": number}}
        spec = make_spec(about | {"data": data}, folder=home)
        found.append(_division(spec, _configuration(name), [derive_seed(number, s, 0) for s in range(seeds)], cache))
    objective, rows = settle(spec, prepare_dataset(spec, cache)).objective.name, found[0].rows
    return {
        "benchmark": "refit", "study": name, "test": objective, "divisions": divisions, "seeds": seeds, "rows": rows,
        "epochs": {
            "best": median(one.best_epoch for one in found), "same_steps": median(one.same_steps for one in found),
            "same_epochs": median(one.same_epochs for one in found),
        },
        "mean": {way: round(fmean(fmean(one.test[way]) for one in found), 5) for way in found[0].test},
        "sd_of_seeds": {way: _sd_of_seeds(found, way) for way in (EARLY, LAST_EPOCHS, MEAN_EPOCHS)},
        "gain": {f"{way} over {other}": _gain(found, way, other, objective) for way, other in PAIRS},
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
    early, last, mean = (
        make_trainer(kept) for kept in (settings, replace(settings, keep="last"), refit_settings(settings))
    )
    # With folds every one has its best epoch, and the net of the first is the one to deliver.
    trained = [[_train(early, Job(0, 0, k, seed, configuration), data) for seed in seeds] for k in range(data.splits)]
    best_epochs = [outcome.best_epoch for fold in trained for outcome in fold]
    passed = [outcome.best_epoch * data.split(k).train.rows for k, fold in enumerate(trained) for outcome in fold]
    steps = max(1, round(median(passed) / refit.rows["train"]))
    epochs = median_epochs(best_epochs)
    test = _tested(EARLY, trained[0], configuration, data, objective)
    validation = [outcome.metrics[f"val_{objective}"] for outcome in trained[0]]
    test[CHOSEN] = [test[EARLY][int(np.argmin(validation) if direction == "minimize" else np.argmax(validation))]]
    ways = {
        LAST_STEPS: (last, steps, refit), LAST_EPOCHS: (last, epochs, refit), MEAN_STEPS: (mean, steps, refit),
        MEAN_EPOCHS: (mean, epochs, refit), MEAN_TRAIN: (mean, epochs, data),
    }  # fmt: skip
    for way, (trainer, count, rows) in ways.items():
        outcomes = [_train(trainer, refit_job(configuration, count, seed), rows) for seed in seeds]
        test |= _tested(way, outcomes, configuration, rows, objective)
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


def _tested(
    way: str, outcomes: Sequence[Outcome], configuration: dict[str, Any], data: Dataset, objective: str
) -> dict[str, list[float]]:
    """Return the test metric of each net, and that of their average."""
    rows, split, task = data.test(), data.split(0), data.signature.task

    def value(outputs: NDArray[np.floating]) -> float:
        if task != "regression":
            return score(task, rows.y, outputs)[objective]
        truth, predicted = (y.astype(np.float64) * split.target_scale + split.target_center for y in (rows.y, outputs))
        return score(task, truth, predicted)[objective]

    outputs = [predict(outcome.weights or [], configuration["activation"], task, rows.x) for outcome in outcomes]
    return {way: [value(each) for each in outputs], AVERAGE + way: [value(np.mean(outputs, axis=0))]}


def _sd_of_seeds(found: Sequence[Division], way: str) -> float:
    """Return the deviation of a net's test metric that its seed alone makes."""
    return round(float(np.sqrt(np.mean([np.var(one.test[way], ddof=1) for one in found]))), 5)


def _gain(found: Sequence[Division], way: str, other: str, objective: str) -> dict[str, float]:
    """Return the mean difference, above 0 where `way` is better, with its standard error and p-value.

    A pair is a division, its seeds averaged. Divisions overlap, as resamples do: Nadeau & Bengio 2003, as in
    `significance.corrected_resampled_t`.
    """
    share = found[0].rows["test"] / (found[0].rows["total"] - found[0].rows["test"])
    sign = 1 if METRICS[objective].direction == "minimize" else -1
    a, b = (np.array([fmean(one.test[name]) for one in found]) for name in (way, other))
    difference = sign * (b - a)
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
    parser.add_argument("--california", type=Path, help="CSV of the 20,640 rows (target MedHouseVal)")
    parser.add_argument("--only", nargs="+", choices=list(NETS), help="these data sets (default: all there are)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
