"""The model a study delivers: the winner's net from raw rows to predictions, and its evaluation on the test rows.

With a verdict it is the winner's configuration, trained once more on all rows but the test rows (or the average of
several finalists' nets). Without one it is the best trial's net as the search left it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hpsearch.app.finalists import trainings_left
from hpsearch.app.opened import OpenStudy, open_study
from hpsearch.app.results import StudyResult
from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import load_table
from hpsearch.data.refit import prepare_refit
from hpsearch.delivery.mlflow_model import log_package
from hpsearch.delivery.package import write_package
from hpsearch.delivery.predictor import read_json, verify_package
from hpsearch.errors import NoTrialCompleted, PackageError
from hpsearch.fault_injection import crash_point
from hpsearch.model import average_models
from hpsearch.records import TrialRecord
from hpsearch.report.evaluation import Evaluation, evaluate
from hpsearch.report.verdict import verdict_markdown, verdict_metrics
from hpsearch.search.book import load_weights, rank, weights_path
from hpsearch.search.finalists import finalist_weights, read_results
from hpsearch.search.folder import write_whole
from hpsearch.search.looks import looked_at, looks
from hpsearch.search.verdict import Verdict
from hpsearch.tracking.items import LAUNCH
from hpsearch.tracking.location import redact, tracking_uri
from hpsearch.tracking.mlflow import Tracker
from hpsearch.tracking.store import failures
from hpsearch.training.baselines import fit_baselines
from hpsearch.training.ensemble import Member, mean_prediction
from hpsearch.training.nets import net_of
from hpsearch.training.refit import median_epochs, refit_job, refit_settings
from hpsearch.training.seeds import derive_seed
from hpsearch.training.select import make_trainer
from hpsearch.training.threshold import best_threshold
from hpsearch.training.trainer import Outcome, Weights

if TYPE_CHECKING:
    import keras

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


def deliver(study: OpenStudy, records: Sequence[TrialRecord], verdict: Verdict | None) -> Path:
    """Package the model a study delivers, and evaluate it on the test rows; return the package's folder.

    A package of the same model is kept as it is, so that the test rows are not looked at again. They stay locked while
    finalists wait to be trained: a best trial that may not be the winner is packaged without an evaluation.
    """
    chosen = choose_model(study, records, verdict)
    path = study.folder.path / "package"
    locked = chosen.kind == "best trial" and trainings_left(study, records) > 0
    no_look = locked or study.data.rows["test"] == 0
    if _is_package_of(path, chosen) and (no_look or study.folder.evaluation.exists()):
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


def choose_model(study: OpenStudy, records: Sequence[TrialRecord], verdict: Verdict | None) -> Chosen:
    """Return which model the study delivers."""
    seed = derive_seed(study.spec.search.seed, 0, 0, "refit")
    if verdict is None:
        best = next(record for record in rank(records, study.info.direction) if record.copy_of is None)
        return Chosen("best trial", (best,), (), best.seed)
    by_number = {record.number: record for record in records}
    averaged = verdict.ensemble is not None and verdict.ensemble.better
    numbers = verdict.ensemble.members if averaged and verdict.ensemble else (verdict.winner,)
    members = tuple(by_number[number] for number in numbers)
    epochs = tuple(_epochs(study, member) for member in members)
    return Chosen("ensemble" if averaged else "winner", members, epochs, seed)


def package_of(result: StudyResult) -> Path:
    """Return the package of the model a study delivers, made now if no launch got to it.

    Raises NoTrialCompleted where there is no completed trial, PackageError where its weights are gone.
    """
    if result.best is None:
        raise NoTrialCompleted(f"no trial of '{result.name}' completed yet; run the study first")
    return deliver(open_study(result), result.records, result.verdict)


def log_delivery(tracker: Tracker, study: OpenStudy, records: Sequence[TrialRecord], verdict: Verdict | None) -> None:
    """Log verdict, package and evaluation to this launch, also where an earlier one made them (and perhaps died)."""
    folder = study.folder.path
    evaluated = study.folder.evaluation.exists()
    evaluation = json.loads(study.folder.evaluation.read_text()) if evaluated else None
    tracker.launch_metrics(verdict_metrics(verdict, evaluation))
    if verdict is not None:
        tracker.describe_launch(verdict_markdown(verdict, study.info, records, evaluation))
    if evaluated:
        pictures = sorted((folder / "evaluation").glob("*.png"))
        for file in (folder / "evaluation.txt", study.folder.evaluation, *pictures):
            tracker.artifact(LAUNCH, f"evaluation/{file.name}", file)
    run_id = tracker.launch_run_id
    if run_id is not None:
        frame, columns, _ = load_table(study.spec)
        rows = frame[[name for name, _ in columns.columns]].head(5)
        try:
            log_package(tracking_uri(folder.parent.parent), run_id, folder / "package", rows)
        except failures() as error:
            tracker.trouble = redact(f"{type(error).__name__}: {error}")


def _is_package_of(path: Path, chosen: Chosen) -> bool:
    try:
        verify_package(path)
        return bool(read_json(path / "package.json")["metadata"]["model"] == chosen.to_json())
    except (PackageError, KeyError, TypeError):
        return False  # missing or damaged: it is made again


def _best_weights(study: OpenStudy, chosen: Chosen) -> Weights:
    """Return the weights that the search kept of a trial; with folds they are the first fold's."""
    number = chosen.members[0].number
    path = weights_path(study.folder, number)
    if not path.exists():
        raise PackageError(f"{path} is missing; the model of trial {number} cannot be made")
    return load_weights(path)


def _epochs(study: OpenStudy, member: TrialRecord) -> int:
    """Return how long a finalist's configuration is refitted, from what its trainings on new seeds took."""
    results = read_results(study.folder.finalists)
    own = [result for result in results.values() if result.trial == member.number and result.state == "completed"]
    return median_epochs([result.best_epoch for result in own])


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
