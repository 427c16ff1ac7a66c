"""Which model a study delivers, and whether its package stands: looked up without what would be needed to make it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hpsearch.app.results import StudyResult
from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.search.book import rank
from hpsearch.search.finalists import read_results
from hpsearch.search.folder import StudyFolder
from hpsearch.search.verdict import Verdict
from hpsearch.training.refit import median_epochs
from hpsearch.training.seeds import derive_seed

Kind = Literal["winner", "ensemble", "best trial"]


@dataclass(frozen=True)
class Chosen:
    """Which model a study delivers: everything it follows from."""

    kind: Kind
    members: tuple[TrialRecord, ...]
    epochs: tuple[int, ...]
    """of each member's refit; () where a trial's own net is delivered"""
    seed: int
    """of the refits"""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, as a package keeps them: equal ones mean the same model."""
        trials = [member.number for member in self.members]
        return {"kind": self.kind, "members": trials, "epochs": list(self.epochs), "seed": self.seed}


def choose_model(
    folder: StudyFolder, info: StudyInfo, seed: int, records: Sequence[TrialRecord], verdict: Verdict | None
) -> Chosen:
    """Return which model the study delivers. seed: the study's."""
    seed = derive_seed(seed, 0, 0, "refit")
    if verdict is None:
        best = next(record for record in rank(records, info.direction) if record.copy_of is None)
        return Chosen("best trial", (best,), (), best.seed)
    by_number = {record.number: record for record in records}
    averaged = verdict.ensemble is not None and verdict.ensemble.better
    numbers = verdict.ensemble.members if averaged and verdict.ensemble else (verdict.winner,)
    members = tuple(by_number[number] for number in numbers)
    epochs = tuple(_epochs(folder, member) for member in members)
    return Chosen("ensemble" if averaged else "winner", members, epochs, seed)


def is_package_of(path: Path, chosen: Chosen) -> bool:
    """Tell whether a folder holds the package of a model; a missing or damaged one does not, and is made again."""
    try:
        known = json.loads((path / "package.json").read_text("utf-8"))
        return bool(known["metadata"]["model"] == chosen.to_json())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def is_delivered(result: StudyResult) -> bool:
    """Tell whether the package of what a study delivers is there, with its evaluation."""
    if result.best is None or result.evaluation is None:
        return False
    seed = result.file.load_spec().search.seed
    chosen = choose_model(result.folder, result.info, seed, result.records, result.verdict)
    return is_package_of(result.folder.path / "package", chosen)


def _epochs(folder: StudyFolder, member: TrialRecord) -> int:
    """Return how long a finalist's configuration is refitted, from what its trainings on new seeds took."""
    results = read_results(folder.finalists)
    own = [result for result in results.values() if result.trial == member.number and result.state == "completed"]
    return median_epochs([result.best_epoch for result in own])
