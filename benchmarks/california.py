"""A published net on California housing, through our data, model and trainer: does it reach the published error?

    python benchmarks/california.py california_housing.csv.gz california_split.csv.gz [--seeds 3] [--threads 1]

The first file is the data, its target MedHouseVal in 100,000 dollars; the second has columns `row` and `split` (train,
val, test) and divides it as the papers on deep learning for tables do (Gorishniy et al. 2021, 2022; 13,209 / 3,303 /
4,128 rows). The net is fixed, nothing is searched. Prints one JSON line for each preparation; exits 1 where a figure
leaves its band.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import prepare_dataset
from hpsearch.model import build_model
from hpsearch.spec import make_spec
from hpsearch.training.quiet import import_keras
from hpsearch.training.scores import score
from hpsearch.training.seeds import derive_seed
from hpsearch.training.select import make_trainer
from hpsearch.training.trainer import Job, Outcome, Settings

NET = {
    "hidden_layers": 2, "neurons_1": 586, "neurons_2": 65, "activation": "relu",
    "optimizer": "adamw", "dropout": 0.2803, "learning_rate": 3.52e-3, "batch_size": 256, "epochs": 200,
}  # fmt: skip
BANDS = {"standard": (0.500, 0.520), "quantile": (0.485, 0.508), "none": (0.9, float("inf"))}
"""numeric preparation -> test RMSE in 100,000 dollars; published (15 seeds): 0.509, 0.495, 1.118"""


def main() -> int:
    given = _arguments()
    import_keras(threads=given.threads)
    with tempfile.TemporaryDirectory() as folder:
        table, parts = pd.read_csv(given.data), pd.read_csv(given.split).set_index("row")["split"]
        table.assign(split=parts.loc[table.index]).to_csv(Path(folder) / "california.csv", index=False)
        held = [_row(Path(folder), preparation, given.seeds) for preparation in BANDS]
    return 0 if all(held) else 1


def _row(folder: Path, preparation: str, seeds: int) -> bool:
    about = {
        "data": {"csv": "california.csv", "target": "MedHouseVal", "split": {"column": "split"}},
        "prepare": {"numeric": preparation, "target": "standard"},
    }
    data = prepare_dataset(make_spec(about, folder=folder), folder / "cache")
    started = time.monotonic()
    fits = [_fit(data, seed) for seed in range(seeds)]
    errors = [rmse for _, rmse in fits]
    low, high = BANDS[preparation]
    holds = bool(low <= np.mean(errors) <= high)
    row = {
        "benchmark": "california", "numeric": preparation, "test_rmse": round(float(np.mean(errors)), 4),
        "seeds": [round(error, 4) for error in errors], "best_epochs": [outcome.best_epoch for outcome, _ in fits],
        "rows": data.rows, "seconds": round(time.monotonic() - started, 1),
        "band": [low, high if np.isfinite(high) else None], "holds": holds,
    }  # fmt: skip
    print(json.dumps(row), flush=True)
    return holds


def _fit(data: Dataset, seed: int) -> tuple[Outcome, float]:
    trainer = make_trainer(Settings(objective="rmse", loss="mse", patience=16))
    epochs = trainer.train(Job(seed, 0, 0, derive_seed(seed, 0, 0), NET), data)
    while True:
        try:
            next(epochs)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome, _test_rmse(outcome, data)


def _test_rmse(outcome: Outcome, data: Dataset) -> float:
    split, test = data.split(0), data.test(0)
    model = build_model(NET, data.signature, 0, "mse")
    model.set_weights(outcome.weights)
    scaled = model.predict(test.x, batch_size=4096, verbose=0)[:, 0]
    truth, prediction = (np.asarray(v, np.float64) * split.target_scale + split.target_center for v in (test.y, scaled))
    return score("regression", truth, prediction)["rmse"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="CSV of the 20,640 rows")
    parser.add_argument("split", type=Path, help="CSV with columns row, split")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
