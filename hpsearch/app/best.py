"""`hpsearch best`: the best trial as one model, from raw rows to predictions, with its evaluation on the test rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpsearch.app.opened import OpenStudy, open_study
from hpsearch.app.results import StudyResult
from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import load_table
from hpsearch.delivery.export import export
from hpsearch.delivery.mlflow_model import log_package
from hpsearch.delivery.package import write_package
from hpsearch.delivery.predictor import read_json
from hpsearch.errors import NoTrialCompleted, PackageError
from hpsearch.model import build_model
from hpsearch.records import TrialRecord
from hpsearch.report.evaluation import Evaluation, evaluate
from hpsearch.search.book import load_weights, rank, weights_path
from hpsearch.search.folder import StudyFolder, write_whole
from hpsearch.tracking.items import LAUNCH
from hpsearch.tracking.location import redact, tracking_uri
from hpsearch.tracking.mlflow import Tracker
from hpsearch.tracking.store import failures
from hpsearch.training.quiet import import_keras

if TYPE_CHECKING:
    import keras


def deliver_best(study: OpenStudy, records: Sequence[TrialRecord], tracker: Tracker | None = None) -> Path:
    """Package the best trial's model, evaluate it on the test rows, and log both to the tracker's launch.

    With folds it is the net of the first fold. A package of the same trial is kept as it is.
    """
    best = next(record for record in rank(records, study.info.direction) if record.copy_of is None)
    path = study.folder.path / "package"
    if not (_is_package_of(path, best) and (study.folder.path / "evaluation.json").exists()):
        model = _rebuild(study, best)
        evaluation = _evaluate(model, study.data)
        # First, so that a package is never seen beside the evaluation of an earlier one.
        _write_evaluation(study.folder, evaluation)
        write_package(
            path,
            model=model,
            preparation=study.data.preparation(0),
            signature=study.data.signature,
            metadata=_metadata(study, best, evaluation),
            configuration=best.configuration,
        )
    if tracker is not None:
        _log(tracker, study, path)
    return path


def package_of(result: StudyResult) -> Path:
    """Return the package of a study's best trial, made now if no launch got to it.

    Raises NoTrialCompleted where there is no best trial, PackageError where its weights are gone.
    """
    if result.best is None:
        raise NoTrialCompleted(f"no trial of '{result.name}' completed yet; run the study first")
    return deliver_best(open_study(result), result.records)


def export_best(result: StudyResult, folder: str | Path) -> list[Path]:
    """Write the best trial's model, preparation, configuration and evaluation into a folder."""
    package = package_of(result)
    pictures = sorted((result.folder.path / "evaluation").glob("*.png"))
    return export(Path(folder), package, result.evaluation, {p.stem: p.read_bytes() for p in pictures})


def _is_package_of(path: Path, best: TrialRecord) -> bool:
    try:
        return bool(read_json(path / "package.json")["metadata"]["trial"] == best.number)
    except (PackageError, KeyError, TypeError):
        return False  # missing or damaged: it is made again


def _rebuild(study: OpenStudy, best: TrialRecord) -> keras.Model:
    weights = weights_path(study.folder, best.number)
    if not weights.exists():
        raise PackageError(f"{weights} is missing; the model of trial {best.number} cannot be made")
    import_keras()
    model = build_model(best.configuration, study.data.signature, best.seed, study.settled.settings.loss)
    model.set_weights(load_weights(weights))
    return model


def _evaluate(model: keras.Model, data: Dataset) -> Evaluation:
    """Score the model on the test rows, in the target's own units."""
    split, test = data.split(0), data.test(0)
    prediction = model.predict(test.x, batch_size=4096, verbose=0)
    truth = test.y
    if data.signature.outputs == 1:
        prediction = prediction[:, 0]
    if data.signature.task == "regression":
        truth, prediction = (part * split.target_scale + split.target_center for part in (truth, prediction))
    return evaluate(data.signature.task, truth, prediction, data.signature.class_names)


def _metadata(study: OpenStudy, best: TrialRecord, evaluation: Evaluation) -> dict[str, Any]:
    info, data = study.info, study.spec.data
    return {
        "csv": {"sep": data.separator, "decimal": data.decimal, "encoding": data.encoding},
        "study": info.name,
        "uid": info.uid,
        "trial": best.number,
        "objective": info.objective,
        "value": best.value,
        "metrics": best.metrics,
        "test": evaluation.metrics,
        "data_digest": info.data_digest,
        "seed": best.seed,
        "fold": 1 if info.splits > 1 else None,
    }


def _write_evaluation(folder: StudyFolder, evaluation: Evaluation) -> None:
    pictures = folder.path / "evaluation"
    pictures.mkdir(exist_ok=True, mode=0o700)
    for name, png in evaluation.figures().items():
        write_whole(pictures / f"{name}.png", png)
    write_whole(folder.path / "evaluation.txt", evaluation.text.encode())
    write_whole(folder.path / "evaluation.json", json.dumps(evaluation.to_json(), indent=1).encode())


def _log(tracker: Tracker, study: OpenStudy, path: Path) -> None:
    """Log package and evaluation to this launch, also where an earlier one made them (and perhaps died of it)."""
    folder = study.folder.path
    metrics = json.loads((folder / "evaluation.json").read_text())["metrics"]
    tracker.launch_metrics({f"test_{name}": value for name, value in metrics.items()})
    for file in (folder / "evaluation.txt", folder / "evaluation.json", *sorted((folder / "evaluation").glob("*.png"))):
        tracker.artifact(LAUNCH, f"evaluation/{file.name}", file)
    run_id = tracker.launch_run_id
    if run_id is not None:
        frame, columns, _ = load_table(study.spec)
        rows = frame[[name for name, _ in columns.columns]].head(5)
        try:
            log_package(tracking_uri(folder.parent.parent), run_id, path, rows)
        except failures() as error:
            tracker.trouble = redact(f"{type(error).__name__}: {error}")
