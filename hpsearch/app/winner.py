"""The model a study delivers: the winner's net from raw rows to predictions, and its evaluation on the test rows.

With a verdict it is the winner's configuration, trained once more on all rows but the test rows (or the average of
several finalists' nets). Without one it is the best trial's net as the search left it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.app.chosen import Chosen, choose_model, is_delivered, is_package_of
from hpsearch.app.finalists import trainings_left
from hpsearch.app.holder import driver_name
from hpsearch.app.opened import OpenStudy, open_study
from hpsearch.app.results import StudyResult, read_evaluation
from hpsearch.app.store import private_files
from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import load_table
from hpsearch.data.refit import prepare_refit
from hpsearch.delivery.mlflow_model import PACKAGE_TAG, log_package, package_digest
from hpsearch.delivery.package import write_package
from hpsearch.errors import NoTrialCompleted, PackageError
from hpsearch.fault_injection import crash_point
from hpsearch.model import average_models
from hpsearch.records import TrialRecord
from hpsearch.report.evaluation import Evaluation, evaluate
from hpsearch.report.verdict import verdict_markdown, verdict_metrics
from hpsearch.search.book import load_weights, weights_path
from hpsearch.search.finalists import finalist_weights, read_results
from hpsearch.search.folder import write_whole
from hpsearch.search.looks import looked_at, looks
from hpsearch.search.verdict import Verdict
from hpsearch.tracking.items import LAUNCH
from hpsearch.tracking.location import tracking_uri
from hpsearch.tracking.mlflow import Tracker
from hpsearch.tracking.store import failures
from hpsearch.training.baselines import fit_baselines
from hpsearch.training.ensemble import Member, mean_prediction
from hpsearch.training.nets import net_of
from hpsearch.training.refit import refit_job, refit_settings
from hpsearch.training.seeds import derive_seed
from hpsearch.training.select import make_trainer
from hpsearch.training.threshold import best_threshold
from hpsearch.training.trainer import Outcome, Weights

if TYPE_CHECKING:
    import keras


def deliver(study: OpenStudy, records: Sequence[TrialRecord], verdict: Verdict | None) -> Path:
    """Package the model a study delivers, and evaluate it on the test rows; return the package's folder.

    A package of the same model is kept as it is, so that the test rows are not looked at again. They stay locked while
    finalists wait to be trained: a best trial that may not be the winner is packaged without an evaluation.
    """
    chosen = choose_model(study.folder, study.info, study.spec.search.seed, records, verdict)
    path = study.folder.path / "package"
    locked = chosen.kind == "best trial" and trainings_left(study, records) > 0
    no_look = locked or study.data.rows["test"] == 0
    if is_package_of(path, chosen) and (no_look or study.folder.evaluation.exists()):
        return path
    data = study.data if chosen.kind == "best trial" else prepare_refit(study.spec, study.data)
    nets = [_best_weights(study, chosen)] if chosen.kind == "best trial" else _refit(study, chosen, data)
    settings = study.settled.settings
    models = []
    for member, weights in zip(chosen.members, nets, strict=True):
        models.append(net_of(member.configuration, data.signature, member.seed, settings.loss, settings.hypermodel))
        models[-1].set_weights(weights)
    model = average_models(models)
    threshold = _threshold(study, chosen)
    evaluation = None if no_look else _evaluate(model, data, threshold)
    # First, so that a package is never seen beside the evaluation of an earlier one.
    seen = _write_evaluation(study, chosen, evaluation, nets)
    write_package(
        path,
        model=model,
        preparation=data.preparation(0),
        signature=data.signature,
        metadata=_metadata(study, chosen, data, evaluation, seen),
        configuration=chosen.members[0].configuration,
        threshold=threshold,
    )
    return path


@private_files()
def package_of(result: StudyResult) -> Path:
    """Return the package of the model a study delivers, made now if no launch got to it.

    Raises NoTrialCompleted where there is no completed trial, PackageError where its weights are gone, StudyLocked
    where it would have to be made while a driver runs the study.
    """
    if result.best is None:
        raise NoTrialCompleted(f"no trial of '{result.name}' completed yet; run the study first")
    if is_delivered(result):
        return result.folder.path / "package"
    with result.folder.locked(driver_name()):  # a driver that runs would write the same files
        return deliver(open_study(result), result.records, result.verdict)


def log_delivery(tracker: Tracker, study: OpenStudy, records: Sequence[TrialRecord], verdict: Verdict | None) -> None:
    """Log verdict and evaluation to this launch, also where an earlier one made them (and perhaps died)."""
    folder = study.folder.path
    evaluation = read_evaluation(study.folder)
    evaluated = evaluation is not None
    tracker.launch_metrics(verdict_metrics(verdict, evaluation))
    if verdict is not None:
        tracker.describe_launch(verdict_markdown(verdict, study.info, records, evaluation))
    if evaluated:
        pictures = sorted((folder / "evaluation").glob("*.png"))
        for file in (folder / "evaluation.txt", study.folder.evaluation, *pictures):
            tracker.artifact(LAUNCH, f"evaluation/{file.name}", file)
    tracker.launch_tags({PACKAGE_TAG: package_digest(folder / "package")})


def log_models(tracker: Tracker, study: OpenStudy) -> None:
    """Log the package as a model of this launch, and of earlier ones for which MLflow was away; waits.

    The tag of a launch says which package is its model. A package that has given way to another one is not logged.
    """
    folder = study.folder.path
    lacking = tracker.launches_without_model(PACKAGE_TAG, package_digest(folder / "package"))
    if not lacking:
        return
    frame, columns, _ = load_table(study.spec)
    rows = frame[[name for name, _ in columns.columns]].head(5)
    try:
        for run_id in lacking:
            log_package(tracking_uri(folder.parent.parent), run_id, folder / "package", rows)
    except failures() as error:
        tracker.failed(error)


def _best_weights(study: OpenStudy, chosen: Chosen) -> Weights:
    """Return the weights that the search kept of a trial; with folds they are the first fold's."""
    number = chosen.members[0].number
    path = weights_path(study.folder, number)
    if not path.exists():
        raise PackageError(f"{path} is missing; the model of trial {number} cannot be made")
    return load_weights(path)


def _refit(study: OpenStudy, chosen: Chosen, data: Dataset) -> list[Weights]:
    """Train the members once more, in this process: the pool holds the data of the search."""
    trainer = make_trainer(refit_settings(study.settled.settings))
    nets = []
    for place, (member, epochs) in enumerate(zip(chosen.members, chosen.epochs, strict=True)):
        seed = derive_seed(chosen.seed, member.number, 0)
        steps = trainer.train(refit_job(member.configuration, epochs, seed, place), data)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                outcome: Outcome = end.value
                break
        if outcome.weights is None:
            raise PackageError(
                f"trial {member.number}'s configuration could not be trained on training and validation rows together "
                f"({outcome.reason}); raise winner.finalists for others to choose from, or set winner: none"
            )
        nets.append(outcome.weights)
    return nets


def _threshold(study: OpenStudy, chosen: Chosen) -> float:
    """Return the probability above which a row counts as positive, chosen on validation rows; 0.5 for other tasks."""
    if study.info.task != "binary":
        return 0.5
    truths, probabilities = [], []
    for split, members in _validated(study, chosen):
        truths.append(np.asarray(study.data.split(split).validation.y))
        probabilities.append(mean_prediction(members, study.data, split, study.settled.settings.hypermodel))
    return best_threshold(study.info.objective, np.concatenate(truths), np.concatenate(probabilities))


def _validated(study: OpenStudy, chosen: Chosen) -> list[tuple[int, list[Member]]]:
    """Return nets of the chosen configurations that have not seen the validation rows of a split: (split, nets)."""
    if chosen.kind == "best trial":
        return [(0, [(chosen.members[0].configuration, _best_weights(study, chosen))])]
    own = {key for key in read_results(study.folder.finalists) if key[0] == chosen.members[0].number}
    return [
        (
            split,
            [
                (member.configuration, load_weights(finalist_weights(study.folder, (member.number, repeat, split))))
                for member in chosen.members
            ],
        )
        for _, repeat, split in sorted(own)
    ]


def _evaluate(model: keras.Model, data: Dataset, threshold: float) -> Evaluation:
    """Score the model on the test rows, in the target's own units."""
    split, test = data.split(0), data.test(0)
    prediction = model.predict(test.x, batch_size=4096, verbose=0)
    truth = test.y
    if data.signature.outputs == 1:
        prediction = prediction[:, 0]
    if data.signature.task == "regression":
        truth, prediction = (part * split.target_scale + split.target_center for part in (truth, prediction))
    return evaluate(
        data.signature.task, truth, prediction, data.signature.class_names, target=data.signature.target,
        threshold=threshold, intervals=True,
    )  # fmt: skip


def _write_evaluation(study: OpenStudy, chosen: Chosen, evaluation: Evaluation | None, nets: Sequence[Weights]) -> int:
    """Write down what the test rows say, and return how many models have been scored on them by now."""
    folder = study.folder
    if evaluation is None:
        folder.evaluation.unlink(missing_ok=True)
        return len(looks(folder))
    seen = looked_at(folder, _digest(nets), chosen.to_json())
    crash_point("look-noted")
    section = study.spec.winner
    compared = section is not None and section.baselines
    refit = chosen.kind != "best trial"
    seed, objective = study.spec.search.seed, study.info.objective
    baselines = fit_baselines(study.data, seed, refit=refit, objective=objective) if compared else []
    values = evaluation.to_json() | {"baselines": [baseline.to_json() for baseline in baselines], "looks": seen}
    pictures = folder.path / "evaluation"
    pictures.mkdir(exist_ok=True, mode=0o700)
    for name, png in evaluation.figures().items():
        write_whole(pictures / f"{name}.png", png)
    write_whole(folder.path / "evaluation.txt", evaluation.text.encode())
    write_whole(folder.evaluation, json.dumps(values, indent=1).encode())
    crash_point("evaluation-written")
    return seen


def _digest(nets: Sequence[Weights]) -> str:
    seen = hashlib.sha256()
    for weights in nets:
        for array in weights:
            seen.update(np.ascontiguousarray(array).tobytes())
    return seen.hexdigest()


def _metadata(
    study: OpenStudy, chosen: Chosen, data: Dataset, evaluation: Evaluation | None, seen: int
) -> dict[str, Any]:
    info, source, member = study.info, study.spec.data, chosen.members[0]
    refit = None
    if chosen.kind != "best trial":
        refit = {"epochs": list(chosen.epochs), "rows": data.rows["train"]}
    return {
        "csv": {"sep": source.separator, "decimal": source.decimal, "encoding": source.encoding},
        "study": info.name,
        "uid": info.uid,
        "kind": chosen.kind,
        "trial": member.number,
        "members": [each.number for each in chosen.members],
        "model": chosen.to_json(),
        "configurations": [dict(each.configuration) for each in chosen.members],
        "refit": refit,
        "objective": info.objective,
        "direction": info.direction,
        "value": member.value,
        "metrics": member.metrics,
        "test": {} if evaluation is None else evaluation.metrics,
        "looks": seen,
        "data_digest": info.data_digest,
        "seed": chosen.seed,
        "fold": 1 if info.splits > 1 and chosen.kind == "best trial" else None,
    }
