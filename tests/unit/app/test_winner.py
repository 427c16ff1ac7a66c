from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sample_studies import copy_study
from sklearn.metrics import log_loss, mean_absolute_error, r2_score, root_mean_squared_error

import hpsearch
from hpsearch.app.opened import open_study
from hpsearch.app.winner import deliver, package_of
from hpsearch.data.prepared import load_table
from hpsearch.delivery.predictor import Predictor
from hpsearch.errors import NoTrialCompleted, PackageError, StoreError
from hpsearch.search.verdict import Ensemble


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
    assert Predictor.load(package_of(result)).about["metadata"]["kind"] == "winner"
    assert scores(result) == scores(hpsearch.load("rentals", store=finished))


def scores(result: hpsearch.StudyResult) -> tuple[dict[str, float], dict[str, list[float]], int]:
    assert result.evaluation is not None
    return result.evaluation["metrics"], result.evaluation["intervals"], result.evaluation["looks"]


def test_an_evaluation_that_is_gone_is_made_again(finished: Path, tmp_path: Path) -> None:
    study = copy_study(finished, "rentals", tmp_path)
    (study / "evaluation.json").unlink()
    result = hpsearch.load("rentals", store=tmp_path)
    package_of(result)
    assert scores(result) == scores(hpsearch.load("rentals", store=finished))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"metadata": {}}'])
def test_a_package_that_is_damaged_is_made_again(finished: Path, tmp_path: Path, content: str) -> None:
    study = copy_study(finished, "rentals", tmp_path)
    (study / "package" / "package.json").write_text(content)
    path = package_of(hpsearch.load("rentals", store=tmp_path))
    assert Predictor.load(path).about["metadata"]["kind"] == "winner"


def test_an_evaluation_that_is_damaged_is_named(finished: Path, tmp_path: Path) -> None:
    (copy_study(finished, "rentals", tmp_path) / "evaluation.json").write_text("{")
    with pytest.raises(StoreError, match=r"evaluation\.json is damaged; remove it"):
        _ = hpsearch.load("rentals", store=tmp_path).evaluation


def test_weights_that_are_gone_are_named(finished: Path, tmp_path: Path) -> None:
    study = copy_study(finished, "rentals", tmp_path)
    shutil.rmtree(study / "package")
    shutil.rmtree(study / "weights")
    (study / "verdict.json").unlink()
    with pytest.raises(PackageError, match=r"trial-0\.npz is missing; the model of trial 0 cannot be made"):
        package_of(hpsearch.load("rentals", store=tmp_path))


def test_a_study_without_a_completed_trial_has_no_best(finished: Path, tmp_path: Path) -> None:
    (copy_study(finished, "rentals", tmp_path) / "history.jsonl").write_text("")
    with pytest.raises(NoTrialCompleted, match="no trial of 'rentals' completed yet"):
        package_of(hpsearch.load("rentals", store=tmp_path))


def test_an_ensemble_is_delivered_as_one_net_of_its_members(finished: Path, tmp_path: Path) -> None:
    copy_study(finished, "rentals", tmp_path)
    result = hpsearch.load("rentals", store=tmp_path)
    assert result.verdict is not None
    members = tuple(finalist.trial for finalist in result.verdict.finalists)
    assert len(members) == 2
    better = replace(result.verdict, ensemble=Ensemble(members, (1.0, 1.0), 0.001, True))
    study = open_study(result)
    package = Predictor.load(deliver(study, result.records, better))
    assert (package.about["metadata"]["kind"], package.about["metadata"]["members"]) == ("ensemble", list(members))
    frame, _, parts = load_table(result.file.load_spec())
    rows = frame.iloc[parts.test].drop(columns="cnt")
    together = package.predict(rows)["prediction"]
    alone = []
    for member in members:
        single = replace(better, winner=member, ensemble=None)
        alone.append(Predictor.load(deliver(study, result.records, single)).predict(rows)["prediction"].to_numpy())
    assert not np.allclose(alone[0], alone[1])
    assert together.to_numpy() == pytest.approx((alone[0] + alone[1]) / 2, rel=1e-4)
