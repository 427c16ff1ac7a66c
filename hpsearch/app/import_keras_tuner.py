"""`hpsearch import-keras-tuner`: the trials of a keras-tuner project become those of a study, which goes on from them.

The study file says what keras-tuner's files do not: the data, and the space in which the search goes on. A trial is
carried if its hyperparameters are a configuration of that space. keras-tuner's weights are not: they are of nets of its
own making. So the best trial is trained again first of all, as in a study that moves to another space.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hpsearch.app.begin import new_file
from hpsearch.app.discovered import discovered
from hpsearch.app.holder import driver_name
from hpsearch.app.store import private_files, store_folder
from hpsearch.data.prepared import prepare_dataset
from hpsearch.errors import StudyError
from hpsearch.kerastuner.extra import require_keras_tuner
from hpsearch.metrics import Metric
from hpsearch.records import EpochRecord, StudyInfo, TrialRecord
from hpsearch.search.folder import StudyFolder
from hpsearch.search.history import read_history, to_line
from hpsearch.search.settings import settle
from hpsearch.search.widen import Carried, build, fitting
from hpsearch.space.domain import Value
from hpsearch.space.space import Configuration, Space
from hpsearch.spec import load_spec
from hpsearch.tracking.location import artifact_root, tracking_uri
from hpsearch.tracking.mlflow import Tracker
from hpsearch.tracking.silence import import_mlflow
from hpsearch.training.quiet import import_keras

_NAMES = {
    "accuracy": ("val_accuracy", "val_acc", "val_binary_accuracy", "val_sparse_categorical_accuracy"),
    "rmse": ("val_rmse", "val_root_mean_squared_error"),
    "mae": ("val_mae", "val_mean_absolute_error"),
}
"""What Keras calls our metrics."""
_LOG_LOSS = " (val_loss is, if the net was trained on cross-entropy)"


@dataclass(frozen=True)
class Imported:
    """What became of a project's trials."""

    study: str
    carried: Carried
    trouble: str = ""
    """what MLflow said where it could not be written; the next launch writes what is missing"""


@private_files()
def import_keras_tuner(
    project: str | Path, study: str | Path, *, metric: str | None = None, store: str | Path | None = None
) -> Imported:
    """Begin a study with the trials of a keras-tuner project.

    project: `directory/project_name`. study: a study file of a name that is not taken. metric: the project's metric
    that is the study's objective (default: the one its scores are of, if it goes by the objective's name).

    Raises SpecError, DataError, MissingExtra, StoreError for a project that cannot be read, and StudyError where the
    study is there, where the scores are of something else, and where no trial fits the space.
    """
    require_keras_tuner()
    import_keras()
    from hpsearch.kerastuner.project import read_project

    read, spec = read_project(project), load_spec(study)
    place, owner = store_folder(store, create=True), driver_name()
    folder = StudyFolder(place / "studies" / spec.name)
    with folder.locked(owner):
        if folder.exists():
            raise StudyError(f"study '{spec.name}' is there already; give the study file another name")
        data = prepare_dataset(spec, place / "cache")
        spec = discovered(spec, data)
        settled = settle(spec, data)
        scored = _metric(read.objectives, settled.objective, metric)
        records = [_record(record, settled.space, scored, settled.objective) for record in read.trials]
        _check_fit(spec.name, records, settled.space)
        file = new_file(spec, spec.model_dump(mode="json"), Path(study).read_text("utf-8-sig"), data, settled)
        built = StudyFolder(folder.path.with_name(f".{spec.name}.importing"))
        shutil.rmtree(built.path, ignore_errors=True)  # what a crash left
        with tempfile.TemporaryDirectory(prefix="hpsearch-") as temporary:
            source = StudyFolder(Path(temporary))
            source.history.write_bytes(b"".join(to_line(record.to_json()) for record in records))
            carried = build(source, built, file, settled.space, spec.search, settled.steps)
        built.path.rename(folder.path)
        kept = list(read_history(folder.history).values())
        trouble = _show(file.info, kept, place, owner, file.text, str(read.path))
    return Imported(spec.name, carried, trouble)


def _metric(objectives: Mapping[str, str], objective: Metric, asked: str | None) -> str:
    """Return the project's metric that is the study's objective; '' where no trial of it has a score."""
    if not objectives:
        return ""
    names = (asked,) if asked else (*_NAMES.get(objective.name, ()), f"val_{objective.name}")
    found = next((name for name in names if objectives.get(name) == objective.direction), None)
    if found is not None:
        return found
    scores = " or ".join(f"{name} ({direction})" for name, direction in objectives.items())
    raise StudyError(
        f"the project's scores are of {scores}, the study's objective is {objective.name} ({objective.direction}); "
        "change search.objective, or say with --metric which of them is the same"
        f"{_LOG_LOSS if objective.name == 'log_loss' else ''}"
    )


def _record(record: TrialRecord, space: Space, scored: str, objective: Metric) -> TrialRecord:
    """Return a trial as the study knows it: the parameters that its net has, the objective by its name."""
    named = f"val_{objective.name}"

    def renamed(metrics: Mapping[str, float]) -> dict[str, float]:
        return {named if name == scored else name: value for name, value in metrics.items()}

    return replace(
        record,
        configuration=_of_the_net(record.configuration, space),
        metrics=renamed(record.metrics),
        epochs=tuple(EpochRecord(epoch.split, epoch.step, renamed(epoch.metrics)) for epoch in record.epochs),
    )


def _of_the_net(configuration: Configuration, space: Space) -> Configuration:
    """Return what a net of these values has: what has no alternative in the space added, what no net reads left out.

    keras-tuner gives a net of one layer the widths of three, where no `conditional_scope` says otherwise.
    """
    completed = space.completed(configuration)
    there: dict[str, Value] = {}
    for parameter in space:
        if parameter.name in completed and parameter.active(there):
            there[parameter.name] = completed[parameter.name]
    unread = {parameter.name for parameter in space} - set(there)
    return {name: value for name, value in completed.items() if name not in unread}


def _check_fit(name: str, records: list[TrialRecord], space: Space) -> None:
    """Raise StudyError with the reasons where no trial that came to its end has a place in the space."""
    kept, left = fitting(records, space)
    if any(record.state != "interrupted" for record in kept):
        return
    reasons = "\n  ".join(f"{reason} ({count} trial{'s' if count > 1 else ''})" for reason, count in left.items())
    raise StudyError(
        f"no trial of the project fits the space of '{name}':\n  {reasons or 'none came to its end'}\n"
        "change the space in the study file; hpsearch space STUDY.yaml shows it"
    )


def _show(info: StudyInfo, records: list[TrialRecord], place: Path, owner: str, text: str, source: str) -> str:
    """Write the trials to MLflow, under a run of the import; return what went wrong."""
    import_mlflow()
    with Tracker(tracking_uri(place), info, artifact_root(place), owner) as tracker:
        tracker.start_launch(text, tags={"hpsearch.store": str(place)}, params={"imported_from": source})
        tracker.reconcile(records)
        tracker.end_launch()
        tracker.flush()
        return tracker.trouble or ""
