"""The pictures a study puts into MLflow: a learning curve a trial, the search as a whole on the launch."""

from __future__ import annotations

import json
from collections.abc import Sequence

import yaml

from hpsearch.app.opened import OpenStudy
from hpsearch.data.prepared import load_table
from hpsearch.data.profile import profile_table
from hpsearch.records import EpochRecord, StudyInfo, TrialRecord
from hpsearch.report import figures
from hpsearch.search.importance import importances
from hpsearch.tracking.items import LAUNCH
from hpsearch.tracking.mlflow import Tracker


class TrialPictures:
    """Draws each trial's learning curve as it ends (a `search.study.Listener`)."""

    def __init__(self, tracker: Tracker, info: StudyInfo) -> None:
        self._tracker = tracker
        self._info = info

    def trial_started(self, record: TrialRecord) -> None:
        """Pass over a trial's beginning."""

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        """Pass over an epoch."""

    def trial_ended(self, record: TrialRecord) -> None:
        """Log the configuration, and the learning curve if there is one."""
        written = yaml.safe_dump(dict(record.configuration), sort_keys=False)
        self._tracker.artifact(record.number, "configuration.yaml", written)
        if record.epochs:
            self._tracker.artifact(
                record.number, "learning_curve.png", figures.learning_curve(record, self._info.objective)
            )


def log_study_pictures(tracker: Tracker, study: OpenStudy, records: Sequence[TrialRecord]) -> None:
    """Log how the search went, what mattered, and the data's profile to the launch."""
    if not records:
        return
    info, space = study.info, study.settled.space
    pictures = {
        "optimization_history": figures.optimization_history(records, info),
        "parallel_coordinates": figures.parallel_coordinates(records, info, space),
        "slices": figures.slices(records, info, space),
        "timeline": figures.timeline(records),
    }
    named = importances(records, space, info.direction, study.spec.search.seed)
    if named:
        pictures["importances"] = figures.importances(named)
        tracker.artifact(LAUNCH, "importances.json", json.dumps(named, indent=1))
    for name, png in pictures.items():
        tracker.artifact(LAUNCH, f"plots/{name}.png", png)
    tracker.artifact(LAUNCH, "data_profile.json", _profile(study))


def _profile(study: OpenStudy) -> str:
    """Return the data's profile as JSON, computed once a study."""
    path = study.folder.path / "profile.json"
    if not path.exists():
        frame, columns, parts = load_table(study.spec)
        path.write_text(json.dumps(profile_table(frame, columns, parts).to_json(), indent=1))
    return path.read_text()
