"""`hpsearch promote`: a study's model registered in MLflow, unless the one in use there is better."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpsearch.app.results import StudyResult, load
from hpsearch.app.store import private_files, store_folder
from hpsearch.app.winner import package_of
from hpsearch.data.prepared import load_table
from hpsearch.delivery.mlflow_model import PACKAGE_TAG, package_digest
from hpsearch.delivery.predictor import Predictor, read_json, verify_package
from hpsearch.delivery.registry import Registry, Version, check_alias
from hpsearch.errors import DataError, DeliveryError, PackageError
from hpsearch.metrics import METRICS
from hpsearch.report.evaluation import evaluate
from hpsearch.report.text import number
from hpsearch.search.looks import looked_at
from hpsearch.tracking.answer import mlflow_asked
from hpsearch.tracking.location import artifact_root, tracking_uri
from hpsearch.tracking.store import MlflowStore


@dataclass(frozen=True)
class Promotion:
    """Who holds an alias of a registered model now, and who held it before."""

    name: str
    alias: str
    version: str
    changed: bool
    """False where the alias pointed to this package already"""
    objective: str
    score: float | None
    """the promoted model's objective on the test rows; None where they were not scored"""
    former: str | None = None
    """the version that the alias pointed to before"""
    former_score: float | None = None
    """its objective on the same rows; None where that is not known"""

    @property
    def address(self) -> str:
        """What to load or predict with."""
        return f"models:/{self.name}@{self.alias}"


@private_files()
def promote(study: str, *, alias: str = "champion", force: bool = False, store: str | Path | None = None) -> Promotion:
    """Register the model a study delivers in MLflow's registry, under the study's name, and let an alias point to it.

    The version that the alias points to is to be no better by the study's objective on the study's test rows. Its own
    scores count where it was made from the same prepared data; else it predicts those rows from their raw cells now,
    which favours it if it was trained on some of them, and counts as a look at them. force: whatever the scores say.
    Promoting the same package again changes nothing. Raises DeliveryError where the model is worse or cannot be
    compared, StoreError where MLflow does not answer, NoTrialCompleted, PackageError.
    """
    check_alias(alias)
    place = store_folder(store)
    result = load(study, store=place)
    package = package_of(result)
    verify_package(package)
    uri, digest = tracking_uri(place), package_digest(package)
    registry = Registry(uri)
    former = registry.holder(study, alias)
    objective, score = result.info.objective, _own_score(package, result.info.objective)
    if former is not None and former.digest == digest:
        return Promotion(study, alias, former.number, False, objective, score)
    former_score = None
    if former is not None:
        former_score = _former_score(registry, former, result, package, score, force)
        if not force and _is_better(objective, former_score, score):
            raise DeliveryError(
                f"'{study}' is not promoted: {objective} {number(score or 0.0)} on its test rows is worse than "
                f"{number(former_score or 0.0)} of version {former.number}, the present {alias}; --force does it anyway"
            )
    version = registry.version_of(study, digest) or _registered(registry, result, package, digest, uri, place)
    registry.point(study, alias, version.number)
    before = None if former is None else former.number
    return Promotion(study, alias, version.number, True, objective, score, before, former_score)


def _own_score(package: Path, objective: str) -> float | None:
    score = read_json(package / "package.json")["metadata"]["test"].get(objective)
    return None if score is None else float(score)


def _is_better(objective: str, a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and METRICS[objective].better(a, b)


def _former_score(
    registry: Registry, former: Version, result: StudyResult, package: Path, score: float | None, force: bool
) -> float | None:
    """Return the present version's objective on the study's test rows; None where only `force` lets that pass."""
    try:
        if score is None:
            raise DeliveryError("the test rows are not scored yet (hpsearch verify, then hpsearch best, does that)")
        with tempfile.TemporaryDirectory(prefix="hpsearch-") as aside:
            return _score_on_test_rows(registry.fetch(f"models:/{former.name}/{former.number}", Path(aside)), result)
    except (DeliveryError, PackageError, DataError) as error:
        if force:
            return None
        raise DeliveryError(
            f"'{result.name}' cannot be compared with version {former.number}, which it would replace: {error}; "
            "--force promotes it anyway"
        ) from None


def _score_on_test_rows(package: Path, result: StudyResult) -> float:
    verify_package(package)
    about, objective = read_json(package / "package.json"), result.info.objective
    metadata = about["metadata"]
    known = metadata.get("test", {}).get(objective)
    if metadata.get("data_digest") == result.info.data_digest and known is not None:
        return float(known)
    spec = result.file.load_spec()
    frame, columns, parts = load_table(spec)
    if (about["task"], about["target"]) != (columns.task, columns.target):
        raise DeliveryError(f"it predicts {about['target']!r} ({about['task']}), not {columns.target!r}")
    if about["class_names"] != list(columns.class_names):
        raise DeliveryError(f"its classes are {', '.join(about['class_names'])}")
    rows = frame.iloc[parts.test]
    known_columns = rows[[name for name in about["columns"] if name in rows.columns]]
    predicted = Predictor.load(package).predict(known_columns)
    looked_at(result.folder, package_digest(package), {"kind": "registered", "study": metadata.get("study", "")})
    evaluation = evaluate(
        columns.task,
        columns.labels(rows),
        _scored_part(predicted, columns.class_names),
        columns.class_names,
        threshold=0.5 if about["threshold"] is None else about["threshold"],
    )
    if objective not in evaluation.metrics:
        raise DeliveryError(f"the test rows define no {objective}")
    return evaluation.metrics[objective]


def _scored_part(predicted: pd.DataFrame, class_names: tuple[str, ...]) -> NDArray[np.float32 | np.float64]:
    """Return predictions as `evaluate` takes them; probabilities as float32, which is what the net said."""
    if not class_names:
        return predicted["prediction"].to_numpy(np.float64)
    probabilities = predicted[[f"probability_{name}" for name in class_names]].to_numpy(np.float32)
    return probabilities[:, 1] if len(class_names) == 2 else probabilities


def _registered(registry: Registry, result: StudyResult, package: Path, digest: str, uri: str, place: Path) -> Version:
    """Register the model that a launch logged; where none did, it is logged now."""
    with mlflow_asked(uri):
        experiment = MlflowStore(uri, result.info, artifact_root(place)).experiment_id
    model = registry.logged(experiment, digest)
    if model is None:
        frame, columns, _ = load_table(result.file.load_spec())
        model = registry.log(experiment, result.name, package, frame[list(columns.names)])
    about = read_json(package / "package.json")["metadata"]
    scores = {f"test_{name}": str(value) for name, value in about["test"].items()}
    tags = {PACKAGE_TAG: digest, "hpsearch.study": result.name, "hpsearch.trial": str(about["trial"])} | scores
    return registry.register(result.name, model, tags)
