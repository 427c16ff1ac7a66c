from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import psutil
import pytest

from hpsearch.errors import StoreError
from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.tracking.mlflow import Tracker
from hpsearch.tracking.ui import serve_ui, study_link


def test_the_link_opens_the_completed_trials_charted_best_first() -> None:
    link = urlsplit(urlsplit(study_link("http://127.0.0.1:5000/", "3", "objective", "maximize")).fragment)
    assert link.path == "/experiments/3/runs"
    assert {key: value for key, (value,) in parse_qs(link.query).items()} == {
        "workflowType": "machine_learning",
        "compareRunsMode": "CHART",
        "orderByKey": "metrics.`objective`",
        "orderByAsc": "false",
        "searchFilter": "tags.`hpsearch.kind` = 'trial' and tags.`hpsearch.state` = 'completed'",
    }


def test_an_error_is_shown_best_first_too() -> None:
    assert "orderByAsc=true" in study_link("http://127.0.0.1:5000", "3", direction="minimize")


def test_a_server_of_ones_own_is_linked_without_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://user:S3CRET@host:8080/mlflow/")
    with serve_ui(tmp_path) as ui:
        assert ui.url == "https://host:8080/mlflow"
        ui.wait(tmp_path / "ui.log")


def test_a_server_that_cannot_start_says_so_with_its_log(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlflow.py").write_text("raise SystemExit('no server today')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(StoreError, match=r"ui\.log, and ends so:\n(.|\n)*no server today"):
        serve_ui(store)


def test_a_database_that_does_not_answer_is_told_before_a_server_logs_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://me:S3CRET@nowhere")
    with pytest.raises(StoreError, match=r"'nonsense://\*\*\*@nowhere', which MLflow does not read"):
        serve_ui(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("uri")
def test_a_study_is_served_and_a_server_tracks_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    trial: Callable[..., TrialRecord],
    info: StudyInfo,
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        before = set(psutil.Process().children(recursive=True))
        with serve_ui(tmp_path, port) as ui:
            assert not ui.url.endswith(f":{port}")
            family = set(psutil.Process().children(recursive=True)) - before
            commands = [part for child in family for part in child.cmdline()]
            assert not [part for part in commands if "mlflow.db" in part or "huey" in part]
            with Tracker(ui.url, info, None, "me") as tracker:
                tracker.start_launch("data: {}")
                tracker.trial_ended(trial(0))
                assert tracker.reconcile([trial(0)]) == []
                experiment = tracker.experiment_id
                assert tracker.trouble is None
            query = {"experiment_ids": [experiment], "filter": "tags.`hpsearch.state` = 'completed'"}
            request = Request(f"{ui.url}/api/2.0/mlflow/runs/search", json.dumps(query).encode())
            request.add_header("Content-Type", "application/json")
            with urlopen(request) as answer:
                (run,) = json.load(answer)["runs"]
            assert run["info"]["run_name"] == "trial-000"
    assert not [child.pid for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert os.stat(tmp_path / "ui.log").st_mode & 0o777 == 0o600
    assert capfd.readouterr() == ("", "")
