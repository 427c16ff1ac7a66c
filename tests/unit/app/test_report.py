from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from sample_studies import HOSTILE, copy_study

import hpsearch
from hpsearch.app.report import gather, log_report, write_report
from hpsearch.app.results import StudyResult
from hpsearch.delivery.manifest import file_digest
from hpsearch.errors import NoTrialCompleted, StoreError
from hpsearch.search.advice import Advice
from hpsearch.search.verdict import Retrained, judge
from hpsearch.tracking.location import artifact_root, tracking_uri
from hpsearch.tracking.mlflow import Tracker


def copied(finished: Path, name: str, place: Path) -> StudyResult:
    copy_study(finished, name, place)
    return hpsearch.load(name, store=place)


def judged(result: StudyResult) -> StudyResult:
    """Write a verdict and what comes with it into a copied study."""
    values = {record.number: record.value or 0.0 for record in result.ranked()}
    retrained = [
        Retrained(trial, value, (value + 1, value + 1.5, value + 1.2), 50, 0.5) for trial, value in values.items()
    ]
    result.folder.verdict.write_text(json.dumps(judge(retrained, result.info.direction).to_json()))
    path = result.folder.path / "evaluation.json"
    evaluation = json.loads(path.read_text())
    scores = evaluation["metrics"]
    evaluation |= {
        "looks": 2, "intervals": {name: [value - 1, value + 1] for name, value in scores.items() if value is not None},
        "baselines": [
            {"name": "constant", "meaning": "the mean", "validation": scores, "test": scores, "seconds": 0.1}
        ],
    }  # fmt: skip
    path.write_text(json.dumps(evaluation))
    return hpsearch.load(result.name, store=result.folder.path.parent.parent)


@pytest.fixture(scope="module")
def rentals(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    return judged(copied(finished, "rentals", tmp_path_factory.mktemp("rentals")))


@pytest.fixture(scope="module")
def page(rentals: StudyResult) -> Path:
    vars(rentals)["advice"] = [Advice("bound", "a bound is hit", "space", "epochs: 20\ndropout: 0.1")]  # it is cached
    return write_report(rentals)


def test_the_page_is_written_into_the_study_s_folder(rentals: StudyResult, page: Path) -> None:
    assert page == rentals.folder.path / "report.html"
    html = page.read_text("utf-8")
    assert html.startswith("<!doctype html>")
    assert html.rstrip().endswith("</html>")


def test_the_page_shows_the_verdict_the_columns_and_the_advice(page: Path) -> None:
    html = page.read_text("utf-8")
    for shown in ("The winner: trial", "Test rows seen 2 times".lower(), "epochs: 20", "&lt;script&gt;alert(1)"):
        assert shown.lower() in html.lower()
    assert HOSTILE[0] not in html


def test_a_page_can_be_put_elsewhere_and_into_a_folder(finished: Path, tmp_path: Path) -> None:
    flowers = judged(copied(finished, "flowers", tmp_path))
    (tmp_path / "out").mkdir()
    written = write_report(flowers, tmp_path / "out")
    assert written == tmp_path / "out" / "report.html"
    assert "2 folds" in written.read_text("utf-8")


def test_what_cannot_be_made_is_said_without_a_traceback(rentals: StudyResult, page: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="another file with --output"):
        write_report(rentals, page / "below" / "a-file.html")


def test_a_study_without_a_completed_trial_has_no_page(rentals: StudyResult) -> None:
    with pytest.raises(NoTrialCompleted, match="rentals"):
        gather(replace(rentals, records=()))


def test_everything_the_page_needs_is_gathered(rentals: StudyResult) -> None:
    found = gather(rentals)
    assert found.shown == rentals.winner
    assert found.rows["total"] == 90
    assert found.source == "rentals.csv"
    assert found.profile is not None
    assert {"predicted_vs_actual", "residuals"} <= set(found.pictures)
    assert found.digests == {"model.keras": file_digest(rentals.folder.path / "package" / "model.keras")}
    assert found.package is not None
    assert found.package["versions"]["keras"]


def test_what_is_gone_or_damaged_is_left_out(finished: Path, tmp_path: Path) -> None:
    copy = copy_study(finished, "rentals", tmp_path)
    shutil.rmtree(copy / "package")
    (copy / "profile.json").write_text("{")
    (copy / "evaluation.json").unlink()
    study = json.loads((copy / "study.json").read_text())
    (copy / "study.json").write_text(json.dumps(study | {"dataset": str(tmp_path / "gone")}))
    found = gather(hpsearch.load("rentals", store=tmp_path))
    assert (found.package, found.profile, found.evaluation) == (None, None, None)
    assert (dict(found.rows), dict(found.pictures), dict(found.digests)) == ({}, {}, {})


@pytest.mark.parametrize("own", [True, False])
def test_commands_name_a_store_that_they_would_not_find(
    rentals: StudyResult, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: bool
) -> None:
    place = rentals.folder.path.parent.parent
    monkeypatch.setenv("HPSEARCH_STORE", str(place if own else tmp_path))
    assert gather(rentals).store == ("" if own else str(place))


def test_a_launch_keeps_its_page_in_mlflow(rentals: StudyResult, store: Path, tmp_path: Path) -> None:
    with Tracker(tracking_uri(store), rentals.info, artifact_root(store), "a test") as tracker:
        tracker.start_launch("name: rentals\n")
        path = log_report(tracker, rentals)
        run_id = tracker.launch_run_id
        tracker.end_launch()
    assert run_id is not None, tracker.trouble
    client: Any = MlflowClient(tracking_uri(store))
    kept = Path(client.download_artifacts(run_id, "report.html", str(tmp_path)))
    assert kept.read_bytes() == path.read_bytes()
