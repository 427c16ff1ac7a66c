"""hpsearch as a contender: a study file, the command a user types, and the trials it wrote down."""

from __future__ import annotations

import datetime
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contest.problem import Problem
from hpsearch.search.folder import StudyFolder
from hpsearch.search.history import read_history
from hpsearch.space.space import Configuration


@dataclass(frozen=True)
class Trained:
    """A trial of a study. rmse: the best epoch's, None unless completed. started, ended: seconds since 1970, UTC."""

    configuration: Configuration
    rmse: float | None
    epochs: int
    started: float
    ended: float
    trainer: str


def write_study(folder: Path, name: str, problem: Problem, space: dict[str, Any], search: dict[str, Any]) -> Path:
    """Write the file of a study that only searches, as the others do, and return its path."""
    file = folder / f"{name}.yaml"
    about = {"name": name, "data": problem.data, "space": space, "search": search, "winner": "none"}
    file.write_text(yaml.safe_dump(about, sort_keys=False))
    return file


def run_command(study: Path, store: Path) -> list[str]:
    """Return the command that runs a study file, by the interpreter that runs this."""
    return [sys.executable, "-m", "hpsearch", "run", str(study), "--store", str(store)]


def read_trials(store: Path, name: str) -> list[Trained]:
    """Return a study's finished trials by number, also while it runs or after it was killed."""
    records = read_history(StudyFolder(store / "studies" / name).history)
    trained = []
    for record in records.values():
        started = datetime.datetime.fromisoformat(record.started).timestamp()
        rmse = record.value if record.state == "completed" else None
        ended = started + record.seconds
        trained.append(Trained(record.configuration, rmse, len(record.epochs), started, ended, record.trainer))
    return trained
