"""Baselines on small prepared arrays, against scikit-learn fitted on the same arrays by hand."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from hpsearch.data.dataset import Dataset, Signature
from hpsearch.metrics import TaskType
from hpsearch.training.baselines import MOST_CLASSES, Baseline, fit_baselines
from hpsearch.training.threshold import best_threshold

Part = tuple[Any, Any]
CENTER, SCALE = 200.0, 30.0


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tests run side by side, and the threads of such small fits only wait for each other."""
    with threadpool_limits(1):
        yield


def _rows(task: TaskType, rows: int, seed: int, classes: int = 3) -> Part:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    signal = x[:, 0] - 0.5 * x[:, 1] + rng.normal(0, 0.5, rows)
    if task == "regression":
        return x, signal.astype(np.float32)
    if task == "binary":
        return x, (signal > 0.4).astype(np.float32)
    return x, np.clip(np.floor(signal + 1.5), 0, classes - 1).astype(np.float32)


def _dataset(folder: Path, task: TaskType, splits: list[tuple[Part, Part]], test: Part, classes: int = 3) -> Dataset:
    for number, (train, validation) in enumerate(splits):
        at = folder / f"split-{number}"
        at.mkdir(parents=True)
        for name, (x, y) in (("train", train), ("validation", validation), ("test", test)):
            np.save(at / f"x_{name}.npy", np.asarray(x, np.float32))
            np.save(at / f"y_{name}.npy", np.asarray(y, np.float32))
        scaled = {"center": CENTER, "scale": SCALE} if task == "regression" else {"center": 0.0, "scale": 1.0}
        (at / "target.json").write_text(json.dumps(scaled))
    count = 0 if task == "regression" else 2 if task == "binary" else classes
    inputs = splits[0][0][0].shape[1]
    names = tuple(f"class {index}" for index in range(count))
    return Dataset(folder, "digest", Signature(task, inputs, (), (), "y", names), len(splits), {})


def _sample(task: TaskType, splits: int = 1, rows: int = 80, test: int = 50) -> tuple[list[tuple[Part, Part]], Part]:
    parts = [(_rows(task, rows, 2 * n), _rows(task, rows // 2, 2 * n + 1)) for n in range(splits)]
    return parts, _rows(task, test, 99)


def _by_name(baselines: list[Baseline]) -> dict[str, Baseline]:
    return {baseline.name: baseline for baseline in baselines}


def _rmse(y: Any, scaled: Any) -> float:
    return float(sk.root_mean_squared_error(y * np.float64(SCALE) + CENTER, scaled * np.float64(SCALE) + CENTER))


def test_regression_baselines_are_scikit_learns_in_the_targets_units(tmp_path: Path) -> None:
    splits, test = _sample("regression")
    ((x, y), (vx, vy)) = splits[0]
    found = _by_name(fit_baselines(_dataset(tmp_path, "regression", splits, test), seed=7))
    assert list(found) == ["constant", "linear", "gradient boosting"]
    models = {
        "linear": Ridge().fit(x.astype(np.float64), y),
        "gradient boosting": HistGradientBoostingRegressor(random_state=7).fit(x, y),
    }
    for name, model in models.items():
        assert found[name].validation["rmse"] == pytest.approx(_rmse(vy, model.predict(vx)), rel=1e-5)
        assert found[name].test["rmse"] == pytest.approx(_rmse(test[1], model.predict(test[0])), rel=1e-5)
    assert found["constant"].test["mae"] == pytest.approx(SCALE * np.abs(test[1] - y.mean()).mean(), rel=1e-5)
    assert set(found["linear"].test) == {"rmse", "mae", "r2"}


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_class_baselines_are_scikit_learns(tmp_path: Path, task: TaskType) -> None:
    splits, test = _sample(task)
    ((x, y), (vx, vy)) = splits[0]
    found = _by_name(fit_baselines(_dataset(tmp_path, task, splits, test), seed=7))
    shares = np.bincount(y.astype(int)) / len(y)
    probabilities = {
        "constant": np.tile(shares, (len(vx), 1)),
        "linear": LogisticRegression(max_iter=1000).fit(x.astype(np.float64), y).predict_proba(vx),
        "gradient boosting": HistGradientBoostingClassifier(random_state=7).fit(x, y).predict_proba(vx),
    }
    for name, p in probabilities.items():
        metrics = found[name].validation
        assert metrics["log_loss"] == pytest.approx(sk.log_loss(vy, p), rel=1e-4)
        assert metrics["accuracy"] == pytest.approx(sk.accuracy_score(vy, p.argmax(axis=1)))
        area = sk.roc_auc_score(vy, p[:, 1]) if task == "binary" else sk.roc_auc_score(vy, p, multi_class="ovr")
        assert metrics["roc_auc"] == pytest.approx(area)


def test_validation_is_the_mean_over_splits(tmp_path: Path) -> None:
    splits, test = _sample("regression", splits=3)
    both = fit_baselines(_dataset(tmp_path / "all", "regression", splits, test))
    apart = [
        fit_baselines(_dataset(tmp_path / f"{number}", "regression", [split], test))
        for number, split in enumerate(splits)
    ]
    for at, baseline in enumerate(both):
        for name, value in baseline.validation.items():
            assert value == pytest.approx(np.mean([one[at].validation[name] for one in apart]))
        assert baseline.test == apart[0][at].test


def test_refitted_ones_know_the_validation_rows_too(tmp_path: Path) -> None:
    splits, test = _sample("regression", splits=2)
    data = _dataset(tmp_path, "regression", splits, test)
    plain, refitted = (_by_name(fit_baselines(data, refit=refit)) for refit in (False, True))
    x, y = (np.concatenate([splits[0][part][at] for part in (0, 1)]) for at in (0, 1))
    expected = _rmse(test[1], Ridge().fit(x.astype(np.float64), y).predict(test[0]))
    assert refitted["linear"].test["rmse"] == pytest.approx(expected, rel=1e-5)
    assert refitted["linear"].test["rmse"] != plain["linear"].test["rmse"]
    assert refitted["linear"].validation == plain["linear"].validation


def test_labels_of_the_test_rows_follow_the_threshold_chosen_on_validation_rows(tmp_path: Path) -> None:
    splits, test = _sample("binary", splits=2)
    data = _dataset(tmp_path, "binary", splits, test)
    plain, found = (_by_name(fit_baselines(data, objective=name))["linear"] for name in ("log_loss", "f1"))
    models = [LogisticRegression(max_iter=1000).fit(x.astype(np.float64), y) for (x, y), _ in splits]
    p = np.concatenate([m.predict_proba(vx)[:, 1] for m, (_, (vx, _)) in zip(models, splits, strict=True)])
    threshold = best_threshold("f1", np.concatenate([vy for _, (_, vy) in splits]), p)
    predicted = models[0].predict_proba(test[0])[:, 1] > threshold
    assert threshold != 0.5
    assert found.test["f1"] == pytest.approx(sk.f1_score(test[1], predicted))
    assert found.test["accuracy"] == pytest.approx(sk.accuracy_score(test[1], predicted))
    assert f"positive above {threshold:.3g}" in found.meaning
    assert {name for name in found.test if found.test[name] == plain.test[name]} >= {"log_loss", "roc_auc"}
    assert found.validation == plain.validation
    assert "positive" not in plain.meaning


def test_without_test_rows_there_are_no_test_scores(tmp_path: Path) -> None:
    splits, _ = _sample("binary")
    data = _dataset(tmp_path, "binary", splits, (np.empty((0, 4)), np.empty(0)))
    assert [baseline.test for baseline in fit_baselines(data, refit=True, objective="f1")] == [{}, {}, {}]


def test_a_class_that_training_rows_lack_keeps_its_column(tmp_path: Path) -> None:
    splits, test = _sample("multiclass")
    ((x, y), (vx, vy)) = splits[0]
    lacking = (x[y != 1], y[y != 1])
    found = _by_name(fit_baselines(_dataset(tmp_path, "multiclass", [(lacking, (vx, vy))], test)))
    p = np.zeros((len(vx), 3))
    p[:, [0, 2]] = LogisticRegression(max_iter=1000).fit(*lacking).predict_proba(vx)
    assert (vy == 1).any()
    expected = sk.log_loss(vy, p.astype(np.float32), labels=[0, 1, 2])
    assert found["linear"].validation["log_loss"] == pytest.approx(expected, rel=1e-4)
    assert all(len(baseline.validation) == 5 for baseline in found.values())


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_training_rows_of_one_class_leave_the_constant(tmp_path: Path, task: TaskType) -> None:
    splits, test = _sample(task)
    ((x, y), validation) = splits[0]
    constant, *others = fit_baselines(_dataset(tmp_path, task, [((x, np.zeros_like(y)), validation)], test))
    assert [other.test for other in others] == [constant.test] * 2


def test_a_task_of_many_classes_may_have_two(tmp_path: Path) -> None:
    splits, test = _sample("binary")
    two = fit_baselines(_dataset(tmp_path / "two", "multiclass", splits, test, classes=2))
    binary = fit_baselines(_dataset(tmp_path / "binary", "binary", splits, test))
    assert [b.test["roc_auc"] for b in two] == pytest.approx([b.test["roc_auc"] for b in binary])


def test_a_class_of_a_single_row_does_not_stop_gradient_boosting(tmp_path: Path) -> None:
    """Above 10,000 rows it would hold rows of every class aside."""
    x, y = _rows("binary", 10_100, 0)
    y[17] = 2
    splits = [((x[:, :1], y), (x[:50, :1], y[:50]))]
    data = _dataset(tmp_path, "multiclass", splits, (x[:30, :1], y[:30]))
    with pytest.raises(ValueError, match="only 1 member"):
        HistGradientBoostingClassifier().fit(x, y)
    assert _by_name(fit_baselines(data))["gradient boosting"].test["accuracy"] > 0.5


def test_what_does_not_converge_is_used_without_a_warning(tmp_path: Path) -> None:
    x, y = load_breast_cancer(return_X_y=True)  # as it is: columns of very different width
    with pytest.warns(ConvergenceWarning):
        LogisticRegression(max_iter=1000).fit(x[:200].astype(np.float32).astype(np.float64), y[:200])
    data = _dataset(tmp_path, "binary", [((x[:200], y[:200]), (x[200:300], y[200:300]))], (x[300:], y[300:]))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert _by_name(fit_baselines(data))["linear"].test["accuracy"] > 0.9
    assert said == []


def test_of_many_rows_a_part_is_drawn_and_said(tmp_path: Path) -> None:
    splits, test = _sample("regression")
    data = _dataset(tmp_path, "regression", splits, test)
    every, some, again, other = (
        _by_name(fit_baselines(data, seed, most_rows=rows)) for seed, rows in ((0, 80), (0, 60), (0, 60), (1, 60))
    )
    assert "rows, drawn" not in every["linear"].meaning
    assert some["linear"].meaning.endswith("fitted on 60 of 80 rows, drawn at random")
    assert some["linear"].test == again["linear"].test != every["linear"].test
    assert some["linear"].test != other["linear"].test


def test_more_classes_than_gradient_boosting_bears_leave_it_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    classes = MOST_CLASSES + 1
    x, y = rng.normal(size=(2 * classes, 2)), np.tile(np.arange(classes), 2)
    data = _dataset(tmp_path, "multiclass", [((x, y), (x[:9], y[:9]))], (x[:9], y[:9]), classes)
    assert [baseline.name for baseline in fit_baselines(data)] == ["constant", "linear"]


def _scored(name: str, **test: float) -> Baseline:
    return Baseline(name, "a model", {"rmse": 1.0}, test, 0.5)


def test_a_baseline_is_kept_as_plain_values() -> None:
    baseline = _scored("linear", rmse=2.5)
    assert Baseline(**json.loads(json.dumps(baseline.to_json()))) == baseline
