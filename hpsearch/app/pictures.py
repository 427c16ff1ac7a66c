"""The pictures a study puts into MLflow when a launch ends: the notable trials' curves, the search as a whole."""

from __future__ import annotations

import json
from collections.abc import Sequence

import yaml

from hpsearch.app.opened import OpenStudy
from hpsearch.app.results import StudyResult
from hpsearch.data.prepared import load_table
from hpsearch.data.profile import profile_table
from hpsearch.metrics import Direction
from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.report import figures
from hpsearch.search.book import rank
from hpsearch.search.folder import write_whole
from hpsearch.tracking.items import LAUNCH
from hpsearch.tracking.mlflow import Tracker

TOP, FAILED = 5, 5
"""Trials whose learning curves are drawn: the best ones, and the latest of those that failed after an epoch or more."""


def log_trial_pictures(tracker: Tracker, info: StudyInfo, records: Sequence[TrialRecord]) -> None:
    """Log configuration and learning curve of the trials a person will look at to their runs.

    Drawing takes 0.2 s each, as much as training may, so it is not done for all; MLflow charts the epochs of any trial.
    """
    for record in notable(records, info.direction):
        written = yaml.safe_dump(dict(record.configuration), sort_keys=False)
        tracker.artifact(record.number, "configuration.yaml", written)
        tracker.artifact(record.number, "learning_curve.png", figures.learning_curve(record, info.objective))


def notable(records: Sequence[TrialRecord], direction: Direction) -> list[TrialRecord]:
    """Return the best trials, best first, and the latest that failed in training."""
    best = [record for record in rank(records, direction) if record.copy_of is None]
    failed = [record for record in records if record.state == "failed" and record.epochs and record.copy_of is None]
    return best[:TOP] + sorted(failed, key=lambda record: record.number)[-FAILED:]


def log_study_pictures(tracker: Tracker, study: OpenStudy, result: StudyResult) -> None:
    """Log how the search went, what mattered, and the data's profile to the launch."""
    if not result.records:
        return
    if result.importances:
        tracker.artifact(LAUNCH, "importances.json", json.dumps(result.importances, indent=1))
    for name, png in result.plots.items():
        tracker.artifact(LAUNCH, f"plots/{name}.png", png)
    tracker.artifact(LAUNCH, "data_profile.json", _profile(study))


def _profile(study: OpenStudy) -> str:
    """Return the data's profile as JSON, computed once a study."""
    path = study.folder.path / "profile.json"
    if not path.exists():
        frame, columns, parts = load_table(study.spec)
        write_whole(path, json.dumps(profile_table(frame, columns, parts).to_json(), indent=1).encode())
    return path.read_text()
