"""What simple models make of a study's data, on the same splits and the same prepared arrays as its nets."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.data.dataset import Arrays, Dataset, FloatArray, Signature, Split
from hpsearch.training.scores import score
from hpsearch.training.threshold import best_threshold

MOST_ROWS = 200_000
"""Rows that a baseline is fitted on at most."""
MOST_CLASSES = 100
"""Classes that gradient boosting is tried with: each of its iterations grows a tree for every class."""

_MOST_CELLS = 100_000_000
"""Rows times inputs times outputs that a baseline is fitted on at most: under 1 GB in float64, and some minutes."""
_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True)
class Baseline:
    """A simple model's scores: metrics by name, in the target's own units."""

    name: str
    """'constant', 'linear' or 'gradient boosting'"""
    meaning: str
    """which model it is, and of how many rows if not of all"""
    validation: dict[str, float]
    """fitted on each split's training rows: the mean over splits of what all of them define"""
    test: dict[str, float]
    """empty without test rows"""
    seconds: float
    """all its fits and predictions"""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def fit_baselines(
    data: Dataset, seed: int = 0, *, refit: bool = False, objective: str = "", most_rows: int = MOST_ROWS
) -> list[Baseline]:
    """Fit a constant, a linear model and gradient boosting, and score them as nets are scored.

    refit: whether the model that is scored on the test rows is fitted on the training and validation rows of the first
    split, as a refitted net is, or on its training rows alone. objective: the study's; for a binary one that asks for
    labels, those of the test rows follow the threshold that is best on the validation rows, as a net's do. Of more than
    `most_rows` rows, and of fewer where inputs and classes are many, `seed` draws those that are used. There is no
    gradient boosting for more than MOST_CLASSES classes.
    """
    kinds = _REGRESSION if data.signature.task == "regression" else _CLASSES
    if len(data.signature.class_names) > MOST_CLASSES:
        kinds = [kind for kind in kinds if kind.name != "gradient boosting"]
    with warnings.catch_warnings():
        # A baseline that has not converged is still one, and its reader is not the one who could help it.
        warnings.simplefilter("ignore")
        return [_baseline(data, kind, seed, refit, objective, most_rows) for kind in kinds]


Predict = Callable[[FloatArray], NDArray[np.floating]]
"""Inputs to what a net would put out: scaled units or P(positive), (rows,); or class probabilities, (rows, classes)."""


@dataclass(frozen=True)
class _Kind:
    name: str
    meaning: str
    fit: Callable[[FloatArray, FloatArray, Signature, int], Predict]


def _baseline(data: Dataset, kind: _Kind, seed: int, refit: bool, objective: str, most_rows: int) -> Baseline:
    started = time.monotonic()
    signature, meaning = data.signature, kind.meaning
    most = min(most_rows, max(_MOST_CELLS // (max(signature.inputs, 1) * signature.outputs), 1))
    available: list[int] = []

    def fitted(*parts: Arrays) -> Predict:
        x, y, rows = _drawn(parts, most, seed)
        available.append(rows)
        return kind.fit(x, y, signature, seed)

    splits = [data.split(index) for index in range(data.splits)]
    models = [fitted(split.train) for split in splits]
    outputs = [_outputs(split.validation, model) for split, model in zip(splits, models, strict=True)]
    scored = [_scores(signature, s, s.validation, out) for s, out in zip(splits, outputs, strict=True)]
    shared = [name for name in scored[0] if all(name in scores for scores in scored)]
    test, scores = data.test(0), {}
    if test.rows:
        model = fitted(splits[0].train, splits[0].validation) if refit else models[0]
        threshold = 0.5
        if signature.task == "binary":
            truth = np.concatenate([split.validation.y for split in splits])
            threshold = best_threshold(objective, truth, np.concatenate(outputs))
        scores = _scores(signature, splits[0], test, _outputs(test, model), threshold)
        meaning += f", positive above {threshold:.4g}" if threshold != 0.5 else ""
    if max(available) > most:
        meaning += f", fitted on {most:,} of {max(available):,} rows, drawn at random"
    return Baseline(
        kind.name, meaning, {name: fmean(scores[name] for scores in scored) for name in shared}, scores,
        time.monotonic() - started,
    )  # fmt: skip


def _drawn(parts: Sequence[Arrays], most: int, seed: int) -> tuple[FloatArray, FloatArray, int]:
    """Return inputs and targets of the parts' rows, at most `most` of them, and how many there were."""
    total = sum(part.rows for part in parts)
    picked = np.arange(total)
    if total > most:
        picked = np.sort(np.random.default_rng(seed).choice(total, most, replace=False))
    xs, ys, start = [], [], 0
    for part in parts:
        mine = picked[(picked >= start) & (picked < start + part.rows)] - start
        xs.append(part.x[mine])
        ys.append(part.y[mine])
        start += part.rows
    return np.concatenate(xs), np.concatenate(ys), total


def _outputs(part: Arrays, predict: Predict) -> NDArray[np.floating]:
    starts = range(0, part.rows, _ROWS_AT_ONCE)
    return np.concatenate([predict(np.asarray(part.x[at : at + _ROWS_AT_ONCE])) for at in starts])


def _scores(
    signature: Signature, split: Split, part: Arrays, outputs: NDArray[np.floating], threshold: float = 0.5
) -> dict[str, float]:
    if signature.task == "regression":
        scaled = (np.asarray(part.y, np.float64), outputs)
        y, prediction = (values * split.target_scale + split.target_center for values in scaled)
        return score("regression", y, prediction)
    scores = score(signature.task, part.y, outputs.astype(np.float32))  # log loss clips at a net's precision
    if threshold != 0.5:
        labelled = score("binary", part.y, (outputs > threshold).astype(np.float32))
        scores |= {name: labelled[name] for name in ("accuracy", "balanced_accuracy", "f1")}
    return scores


def _mean(x: FloatArray, y: FloatArray, signature: Signature, seed: int) -> Predict:
    mean = float(np.mean(y, dtype=np.float64))
    return lambda rows: np.full(len(rows), mean)


def _class_shares(x: FloatArray, y: FloatArray, signature: Signature, seed: int) -> Predict:
    shares = np.bincount(y.astype(np.int64), minlength=len(signature.class_names)) / len(y)
    return lambda rows: _as_a_net(np.tile(shares, (len(rows), 1)), signature)


def _ridge(x: FloatArray, y: FloatArray, signature: Signature, seed: int) -> Predict:
    from sklearn.linear_model import Ridge

    # float64: the normal equations square the condition number, which float32 does not bear
    model = Ridge(copy_X=False).fit(x.astype(np.float64), y.astype(np.float64))
    return lambda rows: np.asarray(model.predict(rows.astype(np.float64)))


def _logistic(x: FloatArray, y: FloatArray, signature: Signature, seed: int) -> Predict:
    from sklearn.linear_model import LogisticRegression

    return _classifier(LogisticRegression(max_iter=1000), x.astype(np.float64), y, signature)


def _boosted_regression(x: FloatArray, y: FloatArray, signature: Signature, seed: int) -> Predict:
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(random_state=seed).fit(x, y)
    return lambda rows: np.asarray(model.predict(rows))


def _boosted_classes(x: FloatArray, y: FloatArray, signature: Signature, seed: int) -> Predict:
    from sklearn.ensemble import HistGradientBoostingClassifier

    if len(y) > 10_000:  # then it holds rows of every class aside, and fails where a class has a single one
        several = np.bincount(y.astype(np.int64))[y.astype(np.int64)] > 1
        x, y = x[several], y[several]
    return _classifier(HistGradientBoostingClassifier(random_state=seed), x, y, signature)


def _classifier(model: Any, x: NDArray[np.floating], y: FloatArray, signature: Signature) -> Predict:
    """Fit a classifier; its probabilities have a column for each class, also for one that the rows lack."""
    labels = y.astype(np.int64)
    if (labels == labels[0]).all():  # scikit-learn refuses one class alone
        return _class_shares(y, y, signature, 0)
    model.fit(x, labels)

    def predict(rows: FloatArray) -> NDArray[np.floating]:
        probabilities = np.zeros((len(rows), len(signature.class_names)))
        probabilities[:, model.classes_] = model.predict_proba(rows.astype(x.dtype))
        return _as_a_net(probabilities, signature)

    return predict


def _as_a_net(probabilities: NDArray[np.floating], signature: Signature) -> NDArray[np.floating]:
    return probabilities[:, 1] if signature.task == "binary" else probabilities


_DEFAULTS = "with its defaults (early stopping above 10,000 rows)"
_REGRESSION = [
    _Kind("constant", "the training rows' mean", _mean),
    _Kind("linear", "ridge regression, alpha 1", _ridge),
    _Kind("gradient boosting", f"HistGradientBoostingRegressor {_DEFAULTS}", _boosted_regression),
]
_CLASSES = [
    _Kind("constant", "the training rows' class shares", _class_shares),
    _Kind("linear", "logistic regression, C 1", _logistic),
    _Kind("gradient boosting", f"HistGradientBoostingClassifier {_DEFAULTS}", _boosted_classes),
]
