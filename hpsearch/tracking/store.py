"""Items -> MLflow, by explicit run ids through `MlflowClient`. Its methods block; `Tracker` has a thread for them."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from hpsearch.fault_injection import crash_point
from hpsearch.records import StudyInfo
from hpsearch.tracking.database import database_made_once, private_folder
from hpsearch.tracking.items import (
    LAUNCH,
    LAUNCH_TAG,
    Artifact,
    DatasetInput,
    Item,
    Point,
    Points,
    RunEnd,
    RunKey,
    RunStart,
    Tags,
    slug,
)
from hpsearch.tracking.reconcile import RunFound
from hpsearch.tracking.silence import import_mlflow

_RUNS_A_PAGE = 1000
_REFUSALS = ("INVALID_PARAMETER_VALUE", "INVALID_STATE", "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST")


@dataclass
class _Batch:
    """What waits to be logged to one run, in one call: each costs as much as 100 metrics do."""

    run_id: str = ""
    points: list[Point] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class MlflowStore:
    """One study's experiment in one MLflow store. Opened by its first use."""

    def __init__(self, uri: str, info: StudyInfo, artifacts: Path | None) -> None:
        self._uri = uri
        self._info = info
        self._artifacts = artifacts
        self._client: Any = None
        self._experiment = ""
        self._run_ids: dict[RunKey, str] = {}

    @property
    def experiment_id(self) -> str:
        """The study's experiment."""
        self._open()
        return self._experiment

    def run_id(self, key: RunKey) -> str | None:
        """Return the id of a run that this process began."""
        return self._run_ids.get(key)

    def find(self, key: RunKey) -> str:
        """Return the id of a run of this process, or a trial's of an earlier one. Raises KeyError if there is none."""
        return self._run_ids.get(key) or self._earlier(key)

    def forget(self, key: RunKey) -> None:
        """Have a run begun anew: it is gone, or nobody knows how far it was written."""
        self._run_ids.pop(key, None)

    def adopt_launch(self, run_id: str) -> None:
        """Take a run for the one of this launch."""
        self._run_ids[LAUNCH] = run_id

    def answer(self) -> None:
        """Ask MLflow for the study's experiment, and nothing else: it answers, or this raises one of `failures`."""
        self._open()
        self._client.get_experiment(self._experiment)

    def write(self, items: Iterable[Item], launch: str | None = None) -> None:
        """Log items, in order. launch: the run that runs begin under, if it is not this process's launch.

        Raises KeyError for an item of a run that never began.
        """
        self._open()
        batch = _Batch()
        for item in items:
            run_id = self._start(item, launch) if isinstance(item, RunStart) else self.find(item.key)
            batch = self._take(batch, run_id, item)
        self._log(batch)

    def write_to(self, run_id: str, item: Item) -> None:
        """Log one item to a run by its id; of a run's start its params alone."""
        self._open()
        self._log(self._take(_Batch(), run_id, item))

    def lacking(self, run_id: str, points: Sequence[Point]) -> tuple[Point, ...]:
        """Return those of some points of a run that it does not have: of their metric, at their step."""
        held = {point.key for point in points} & self._client.get_run(run_id).data.metrics.keys()
        steps = {key: {metric.step for metric in self._client.get_metric_history(run_id, key)} for key in held}
        return tuple(point for point in points if point.step not in steps.get(point.key, ()))

    def runs(self, kind: str | None = None) -> list[RunFound]:
        """Return every run of this study, or those of a kind, in the order in which they were started."""
        self._open()
        query = f"tags.`hpsearch.study_uid` = '{self._info.uid}'"
        query += "" if kind is None else f" and tags.`hpsearch.kind` = '{kind}'"
        found: list[RunFound] = []
        page: Any = None
        while page is None or page.token:
            page = self._client.search_runs(
                [self._experiment], query, max_results=_RUNS_A_PAGE, order_by=["attributes.start_time ASC"],
                page_token=page.token if page else None,
            )  # fmt: skip
            found += [self._found(run) for run in page]
        return found

    def launch_run(self, token: str) -> str | None:
        """Return the run of a launch by its token (`items.LAUNCH_TAG`); None where there is none."""
        self._open()
        query = f"tags.`hpsearch.study_uid` = '{self._info.uid}' and tags.`{LAUNCH_TAG}` = '{token}'"
        found = self._client.search_runs([self._experiment], query, max_results=1)
        return str(found[0].info.run_id) if found else None

    def launches_without_model(self, tag: str, value: str) -> list[str]:
        """Return the launches with a tag from which no model with the same tag was logged whole."""
        self._open()
        query = f"tags.`hpsearch.study_uid` = '{self._info.uid}' and tags.`hpsearch.kind` = 'launch'"
        runs = self._client.search_runs([self._experiment], f"{query} and tags.`{tag}` = '{value}'")
        models = self._client.search_logged_models([self._experiment], f"tags.`{tag}` = '{value}'")
        logged = {model.source_run_id for model in models if model.status == "READY"}
        return [run.info.run_id for run in runs if run.info.run_id not in logged]

    def begin(self, start: RunStart, parent: str | None = None) -> str:
        """Begin a run under another by its id, with neither params nor a place among this process's; return its id."""
        self._open()
        tags = start.tags | ({"mlflow.parentRunId": parent} if parent else {})
        return str(self._client.create_run(self._experiment, start.started, tags, start.name).info.run_id)

    def delete(self, run_id: str) -> None:
        """Move a run to MLflow's bin; no harm where another try did it, and its answer was lost."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.delete_run(run_id)
        except MlflowException:
            if self._client.get_run(run_id).info.lifecycle_stage != "deleted":
                raise

    def _earlier(self, key: RunKey) -> str:
        """Return the run of a trial of an earlier launch."""
        # A finalist's runs bear the number of its trial too.
        query = f"tags.`hpsearch.study_uid` = '{self._info.uid}' and tags.`hpsearch.kind` = 'trial'"
        query += f" and tags.`hpsearch.trial` = '{key}'"
        found = self._client.search_runs([self._experiment], query, max_results=1)
        if not found:
            raise KeyError(key)
        return str(found[0].info.run_id)

    def _open(self) -> None:
        if self._experiment:
            return
        import_mlflow()
        from mlflow import MlflowClient

        with database_made_once(self._uri):
            self._client = MlflowClient(tracking_uri=self._uri)
            self._experiment = self._find_experiment() or self._create_experiment()

    def _find_experiment(self) -> str:
        found = self._client.search_experiments(filter_string=f"tags.`hpsearch.study_uid` = '{self._info.uid}'")
        return str(found[0].experiment_id) if found else ""

    def _create_experiment(self) -> str:
        """Make the study's experiment under the study's name; an older study of ours that has it gives it up."""
        info = self._info
        location = None
        if self._artifacts is not None:
            folder = self._artifacts.absolute() / f"{info.name}-{info.uid[:8]}"
            private_folder(folder)
            # Without it, MLflow takes the folder that the process happens to run in.
            location = folder.as_uri()
        tags = {
            "hpsearch.study": info.name,
            "hpsearch.study_uid": info.uid,
            "hpsearch.objective": info.objective,
            "hpsearch.direction": info.direction,
            "hpsearch.task": info.task,
            "hpsearch.data_digest": info.data_digest,
            "mlflow.experimentKind": "custom_model_development",
        }
        if info.description:
            tags["mlflow.note.content"] = info.description
        return str(self._client.create_experiment(self._free_name(), location, tags))

    def _free_name(self) -> str:
        name = self._info.name
        other = self._client.get_experiment_by_name(name)
        if other is None:
            return name
        uid = other.tags.get("hpsearch.study_uid")
        if uid and other.lifecycle_stage == "active":
            self._client.rename_experiment(other.experiment_id, f"{name} (replaced, {uid[:8]})")
            return name
        # Somebody else's experiment, or one in the bin, which keeps its name: it is not ours to rename.
        number = 2
        while self._client.get_experiment_by_name(f"{name} ({number})") is not None:
            number += 1
        return f"{name} ({number})"

    def _start(self, start: RunStart, launch: str | None) -> str:
        parent = None if start.parent is None else self._run_ids.get(start.parent)
        self._run_ids[start.key] = self.begin(start, launch if start.parent == LAUNCH and launch else parent)
        if start.kind == "trial":
            crash_point("run-created")
        return self._run_ids[start.key]

    def _take(self, batch: _Batch, run_id: str, item: Item) -> _Batch:
        """Return the batch with an item in it, or a new one once the old one is logged and the item too."""
        if run_id != batch.run_id:
            self._log(batch)
            batch = _Batch(run_id)
        if isinstance(item, RunStart):
            batch.params |= item.params
        elif isinstance(item, Points):
            batch.points += item.points
        elif isinstance(item, Tags):
            batch.tags |= item.tags
        else:
            self._log(batch)
            batch = _Batch(run_id)
            self._do(run_id, item)
        return batch

    def _do(self, run_id: str, item: RunEnd | Artifact | DatasetInput) -> None:
        if isinstance(item, RunEnd):
            crash_point("run-logged")
            self._client.set_terminated(run_id, item.status, item.ended)
        elif isinstance(item, Artifact):
            self._log_artifact(run_id, item)
        else:
            self._log_dataset(run_id, item)

    def _log(self, batch: _Batch) -> None:
        """Log a batch; the client cuts it up where it is more than a server takes at once."""
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.utils.time import get_current_time_millis

        now = get_current_time_millis()
        metrics = [Metric(p.key, p.value, now if p.timestamp is None else p.timestamp, p.step) for p in batch.points]
        params = [Param(key, value) for key, value in batch.params.items()]
        tags = [RunTag(key, value) for key, value in batch.tags.items()]
        if metrics or params or tags:
            self._client.log_batch(batch.run_id, metrics, params, tags)

    def _log_artifact(self, run_id: str, item: Artifact) -> None:
        path = PurePosixPath(slug(item.path))
        folder = "" if path.parent == PurePosixPath() else str(path.parent)
        location = urlparse(self._client.get_run(run_id).info.artifact_uri)
        if location.scheme in ("", "file"):
            private_folder(Path(url2pathname(location.path)) / folder)
        with tempfile.TemporaryDirectory(prefix="hpsearch-") as temporary:
            file = Path(temporary) / path.name
            file.touch(mode=0o600)
            file.write_bytes(item.content)
            self._client.log_artifact(run_id, str(file), folder or None)

    def _log_dataset(self, run_id: str, item: DatasetInput) -> None:
        from mlflow.entities import Dataset, InputTag
        from mlflow.entities import DatasetInput as MlflowInput

        dataset = Dataset(
            name=item.name[:500],
            digest=item.digest[:36],  # MLflow's limit; the experiment's tag holds all of it
            source_type="local",
            source=json.dumps({"uri": item.source}),
            schema=json.dumps({"mlflow_colspec": [{"name": name, "type": "any"} for name in item.columns]}),
            profile=json.dumps({"num_rows": item.rows, "num_columns": len(item.columns)}),
        )
        self._client.log_inputs(run_id, [MlflowInput(dataset, [InputTag("mlflow.data.context", "training")])])

    def _found(self, run: Any) -> RunFound:
        tags = run.data.tags
        kind, number = tags.get("hpsearch.kind", ""), tags.get("hpsearch.trial", "")
        found = RunFound(
            run.info.run_id,
            kind,
            int(number) if number.isdecimal() else None,
            run.info.status,
            tags,
            run.data.metrics.get("objective"),
        )
        if kind != "launch":
            return found
        if found.status != "RUNNING":
            return replace(found, steps=None)
        if found.objective is None:
            return found
        history = self._client.get_metric_history(found.run_id, "objective")
        return replace(found, steps=frozenset(metric.step for metric in history))


def is_refusal(error: Exception) -> bool:
    """Tell whether MLflow is there and will never take what it was given, as its run or experiment was removed."""
    from mlflow.exceptions import MlflowException

    return isinstance(error, MlflowException) and error.error_code in _REFUSALS


def failures() -> tuple[type[Exception], ...]:
    """Return what MLflow raises when its store fails it: away, full, locked, damaged or of another version."""
    import_mlflow()
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    # OSError is also the root of what `requests` raises; ImportError: the driver of a database is not installed.
    return (MlflowException, SQLAlchemyError, CommandError, sqlite3.Error, OSError, ImportError)
