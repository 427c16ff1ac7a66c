"""Small studies that several tests look at, and how they are put on disk."""

from __future__ import annotations

import csv
import random
import shutil
from pathlib import Path
from typing import Any

import yaml

HOSTILE = ("<script>alert(1)</script>", "=cmd|'/c calc'!A1", "../../up", "temp °C [in]")
"""Column names that a page, a spreadsheet, a path or a regular expression could trip over."""

FIXED = {"batch_size": 16, "epochs": 10}

RENTALS: dict[str, Any] = {
    "name": "rentals",
    "description": "How many <b>bikes</b> are rented?",
    "data": {"csv": "rentals.csv", "target": "cnt"},
    "space": {
        "hidden_layers": {"low": 0, "high": 2},
        "neurons": [4, 8],
        "activation": ["relu", "tanh"],
        "optimizer": ["adam", "sgd"],
        "dropout": 0.0,
        "learning_rate": {"low": 1e-4, "high": 100.0, "log": True},
        **FIXED,
    },
    "search": {
        "trials": 4,
        "early_stopping": None,
        "pruner": {"name": "threshold", "upper": 15.0, "n_warmup_steps": 6},
        "start_with": [
            {"hidden_layers": 0, "optimizer": "adam", "learning_rate": 0.3} | FIXED,
            {"hidden_layers": 0, "optimizer": "adam", "learning_rate": 0.0001} | FIXED,
            {"hidden_layers": 0, "optimizer": "sgd", "learning_rate": 100.0} | FIXED,
            {"hidden_layers": 2, "neurons_1": 8, "neurons_2": 4, "activation": "tanh", "optimizer": "adam",
             "dropout": 0.0, "learning_rate": 0.1} | FIXED,
        ],
    },
    "winner": {"finalists": 2, "seeds": 2},
}  # fmt: skip
"""A study whose four trials are completed, pruned, diverged, and completed with two hidden layers."""

FLOWERS: dict[str, Any] = {
    "name": "flowers",
    "data": {"sklearn": "iris", "split": {"validation": {"folds": 2}}},
    "space": {"hidden_layers": 1, "neurons": 4, "optimizer": "adam", "dropout": 0.0, "activation": "relu",
              "learning_rate": [0.1, 0.05], "batch_size": 16, "epochs": 4},
    "search": {"trials": 2, "sampler": "grid"},
    "winner": {"seeds": 2},
}  # fmt: skip
"""A study with folds."""


def new_store(place: Path, database: Path) -> Path:
    place.mkdir(mode=0o700)
    for suffix in ("", "-wal", "-shm"):
        if (file := database.with_name(database.name + suffix)).exists():
            shutil.copy(file, place / file.name)
    return place


def write_rentals(path: Path, rows: int = 90) -> None:
    draw = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*HOSTILE, "when", "cnt"])
        for row in range(rows):
            temp = draw.gauss(20, 5)
            city = ("Rome", "=1+1", "</td>")[row % 3]
            gap = "" if row % 11 == 0 else f"{draw.gauss(0, 1):.3f}"
            day = f"2024-{1 + row // 28:02d}-{1 + row % 28:02d}"
            writer.writerow([city, gap, f"{draw.random():.3f}", f"{temp:.2f}", day, round(5 * temp + draw.gauss(0, 3))])


def write_study(folder: Path, values: dict[str, Any]) -> Path:
    """Write a study file and return its path."""
    path = folder / f"{values['name']}.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return path


def copy_study(store: Path, name: str, into: Path) -> Path:
    """Copy a study's own folder into another store, and return the copy."""
    return Path(shutil.copytree(store / "studies" / name, into / "studies" / name))
