"""UCI Adult, official parts: does a search reach the published accuracy of a tuned net?

    python benchmarks/adult.py adult_train.csv.gz adult_test.csv.gz [--trials 60]

The study is what a person would write: missing cells and categories are prepared, a fifth of the training part
validates, the objective is log loss, the test part is scored once, at the end. Published test accuracy of a tuned net
on the same test part: 0.852 to 0.855. Prints one JSON line; exits 1 below 0.852.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

import hpsearch

TARGET = 0.852
SPACE = {
    "hidden_layers": {"low": 1, "high": 3}, "neurons": {"low": 16, "high": 256, "log": True},
    "activation": ["relu", "elu", "gelu"], "optimizer": ["adam", "adamw"], "dropout": {"low": 0.0, "high": 0.5},
    "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}, "batch_size": [128, 256, 512], "epochs": 40,
}  # fmt: skip


def main() -> int:
    given = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        parts = [pd.read_csv(path).assign(part=part) for path, part in ((given.train, "train"), (given.test, "test"))]
        pd.concat(parts).to_csv(folder / "adult.csv", index=False)
        spec = hpsearch.make_spec(
            {
                "name": "adult",
                "data": {"csv": "adult.csv", "target": "income", "split": {"column": "part"}},
                "space": SPACE,
                "search": {"trials": given.trials, "early_stopping": {"patience": 6}},
            },
            folder=folder,
        )
        started = time.monotonic()
        result = hpsearch.run(spec, store=folder / "store")
        seconds = time.monotonic() - started
        verdict, evaluation = result.verdict, result.evaluation
    assert verdict is not None
    assert evaluation is not None
    assert result.winner is not None
    accuracy = evaluation["metrics"]["accuracy"]
    row = {
        "benchmark": "adult", "trials": given.trials, "states": result.states(), "accuracy": round(accuracy, 4),
        "interval": [round(end, 4) for end in evaluation["intervals"]["accuracy"]], "target": TARGET,
        "holds": accuracy >= TARGET, "log_loss": round(evaluation["metrics"]["log_loss"], 4),
        "optimism": round(verdict.optimism, 4),
        "baselines": {one["name"]: round(one["test"]["accuracy"], 4) for one in evaluation["baselines"]},
        "configuration": dict(result.winner.configuration), "seconds": round(seconds, 1),
    }  # fmt: skip
    print(json.dumps(row), flush=True)
    return 0 if row["holds"] else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path, help="CSV of the official training part, with a header")
    parser.add_argument("test", type=Path, help="CSV of the official test part")
    parser.add_argument("--trials", type=int, default=60)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
