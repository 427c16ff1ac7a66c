"""MLflow's view of one call of `search`: an experiment a project, a parent run a call, a nested run a trial."""

from __future__ import annotations

import datetime
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from hpsearch.metrics import Direction
from hpsearch.records import EpochRecord, StudyInfo, TrialRecord
from hpsearch.search.folder import new_uid, write_whole
from hpsearch.tracking.items import Status
from hpsearch.tracking.location import artifact_root, tracking_uri
from hpsearch.tracking.mlflow import Tracker
from hpsearch.tracking.silence import import_mlflow


def store_of(given: str | Path | None, directory: str | Path) -> Path:
    """Return the store's folder: as given, else HPSEARCH_STORE, else `mlruns` in the tuner's directory."""
    return Path(given or os.environ.get("HPSEARCH_STORE") or Path(directory) / "mlruns").expanduser().absolute()


def study_info(
    project: Path, objective: str, direction: Direction, executions: int, description: str = ""
) -> StudyInfo:
    """Return what a project is to MLflow; its uid is kept in the project, so that an overwritten one has another."""
    file = project / "hpsearch.json"
    if file.exists():
        uid = str(json.loads(file.read_text())["uid"])
    else:
        uid = new_uid()
        write_whole(file, json.dumps({"uid": uid}).encode())
    return StudyInfo(project.name, uid, objective, direction, "keras-tuner", "", executions, description)


class Launch:
    """Hears of the trials of one call of `search`. With `place` None, nothing is written."""

    def __init__(self, place: Path | None, info: StudyInfo, settings: Mapping[str, Any]) -> None:
        self._place, self._info, self._settings = place, info, settings
        self._tracker: Tracker | None = None
        self._ending: Status = "FINISHED"
        self.trouble = ""
        """what MLflow said where it could not be written"""

    def __enter__(self) -> Self:
        if self._place is not None:
            self._place.mkdir(parents=True, exist_ok=True, mode=0o700)
            import_mlflow()  # here, not in the tracker's thread: importing and warnings.catch_warnings do not mix
            self._tracker = Tracker(
                tracking_uri(self._place), self._info, artifact_root(self._place),
                f"process {os.getpid()} on {socket.gethostname()} since {utc_now()}",
            )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tracker is None:
            return
        if kind is not None:
            self._ending = "FAILED" if issubclass(kind, Exception) else "KILLED"
        self._tracker.end_launch(self._ending)
        self._tracker.flush()
        self.trouble = self._tracker.trouble or ""
        self._tracker.close()

    def begin(self, records: list[TrialRecord]) -> None:
        """Begin the run of this call, and make good what an earlier one could not write."""
        if self._tracker is None:
            return
        text = yaml.safe_dump(
            {key: value for key, value in self._settings.items() if value is not None}, sort_keys=False
        )
        params = {key: value for key, value in self._settings.items() if not isinstance(value, dict | list)}
        self._tracker.start_launch(text, tags={"hpsearch.store": str(self._place)}, params=params)
        if records:
            self._tracker.reconcile(records)

    def trial_started(self, record: TrialRecord) -> None:
        """Hear of a trial that begins."""
        if self._tracker is not None:
            self._tracker.trial_started(record)

    def epoch(self, number: int, epoch: EpochRecord) -> None:
        """Hear of an epoch."""
        if self._tracker is not None:
            self._tracker.epoch(number, epoch)

    def trial_ended(self, record: TrialRecord) -> None:
        """Hear of a trial's end."""
        if self._tracker is not None:
            self._tracker.trial_ended(record)

    def end(self, records: list[TrialRecord], *, interrupted: bool, repair: bool) -> None:
        """Say how the call ended. repair: some trial was run more than once, so that there are runs too many."""
        self._ending = "KILLED" if interrupted else "FINISHED"
        if self._tracker is None:
            return
        self._tracker.flush()
        if repair or self._tracker.trouble:
            self._tracker.reconcile(records)


def utc_now() -> str:
    """Return the time, UTC, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
