from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sample_studies import copy_study
from sklearn.metrics import log_loss, mean_absolute_error, r2_score, root_mean_squared_error

import hpsearch
from hpsearch.app.winner import package_of
from hpsearch.data.prepared import load_table
from hpsearch.delivery.predictor import Predictor
from hpsearch.errors import NoTrialCompleted, PackageError, StoreError


def test_the_evaluation_is_scikit_learns_of_the_packages_predictions_of_the_raw_test_rows(finished: Path) -> None:
    result = hpsearch.load("rentals", store=finished)
    frame, _, parts = load_table(result.file.load_spec())
    rows = frame.iloc[parts.test]
    predicted = result.predictor().predict(rows.drop(columns="cnt"))["prediction"]
    assert result.evaluation is not None
    scores = result.evaluation["metrics"]
    assert result.evaluation["rows"] == len(rows)
    assert scores["rmse"] == pytest.approx(root_mean_squared_error(rows["cnt"], predicted), rel=1e-4)
    assert scores["mae"] == pytest.approx(mean_absolute_error(rows["cnt"], predicted), rel=1e-4)
    assert scores["r2"] == pytest.approx(r2_score(rows["cnt"], predicted), rel=1e-4)


def test_the_evaluation_of_classes_is_scikit_learns_too(finished: Path) -> None:
    result = hpsearch.load("flowers", store=finished)
    frame, _, parts = load_table(result.file.load_spec())
    rows = frame.iloc[parts.test]
    predicted = result.predictor().predict(rows.drop(columns="target"))
    assert result.evaluation is not None
    assert result.evaluation["metrics"]["accuracy"] == pytest.approx(
        (predicted["prediction"] == rows["target"].astype(str)).mean()
    )
    probabilities = predicted.drop(columns="prediction")
    probabilities = probabilities.div(probabilities.sum(axis=1), axis=0)  # float32 adds up to 1 within 1e-7
    assert result.evaluation["metrics"]["log_loss"] == pytest.approx(log_loss(rows["target"], probabilities), rel=1e-3)


def test_a_package_of_the_best_trial_is_kept(finished: Path) -> None:
    result = hpsearch.load("rentals", store=finished)
    before = (result.folder.path / "package" / "MANIFEST.json").stat().st_mtime_ns
    assert package_of(result) == result.folder.path / "package"
    assert (result.folder.path / "package" / "MANIFEST.json").stat().st_mtime_ns == before


def test_a_package_that_is_gone_is_made_again_from_the_weights(finished: Path, tmp_path: Path) -> None:
    study = copy_study(finished, "rentals", tmp_path)
    shutil.rmtree(study / "package")
    (study / "evaluation.json").unlink()
    result = hpsearch.load("rentals", store=tmp_path)
    assert Predictor.load(package_of(result)).about["metadata"]["trial"] == 0
    assert result.evaluation == hpsearch.load("rentals", store=finished).evaluation


def test_an_evaluation_that_is_gone_is_made_again(finished: Path, tmp_path: Path) -> None:
    study = copy_study(finished, "rentals", tmp_path)
    (study / "evaluation.json").unlink()
    result = hpsearch.load("rentals", store=tmp_path)
    package_of(result)
    assert result.evaluation == hpsearch.load("rentals", store=finished).evaluation


@pytest.mark.parametrize("content", ["", "{", "[]", '{"metadata": {}}'])
def test_a_package_that_is_damaged_is_made_again(finished: Path, tmp_path: Path, content: str) -> None:
    study = copy_study(finished, "rentals", tmp_path)
    (study / "package" / "package.json").write_text(content)
    path = package_of(hpsearch.load("rentals", store=tmp_path))
    assert Predictor.load(path).about["metadata"]["trial"] == 0


def test_an_evaluation_that_is_damaged_is_named(finished: Path, tmp_path: Path) -> None:
    (copy_study(finished, "rentals", tmp_path) / "evaluation.json").write_text("{")
    with pytest.raises(StoreError, match=r"evaluation\.json is damaged; remove it"):
        _ = hpsearch.load("rentals", store=tmp_path).evaluation


def test_weights_that_are_gone_are_named(finished: Path, tmp_path: Path) -> None:
    study = copy_study(finished, "rentals", tmp_path)
    shutil.rmtree(study / "package")
    shutil.rmtree(study / "weights")
    with pytest.raises(PackageError, match=r"trial-0\.npz is missing; the model of trial 0 cannot be made"):
        package_of(hpsearch.load("rentals", store=tmp_path))


def test_a_study_without_a_completed_trial_has_no_best(finished: Path, tmp_path: Path) -> None:
    (copy_study(finished, "rentals", tmp_path) / "history.jsonl").write_text("")
    with pytest.raises(NoTrialCompleted, match="no trial of 'rentals' completed yet"):
        package_of(hpsearch.load("rentals", store=tmp_path))
