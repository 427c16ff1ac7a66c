from __future__ import annotations

from pathlib import Path

import pytest
from sample_studies import copy_study

from hpsearch.app.ui import open_ui
from hpsearch.errors import StoreError, UnknownStudy


def test_an_unknown_study_is_told_before_a_server_starts(finished: Path) -> None:
    with pytest.raises(UnknownStudy, match="did you mean 'rentals'"):
        open_ui("rental", store=finished)
    assert not (finished / "ui.log").exists()


def test_a_server_elsewhere_is_linked_and_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@tracking.example:5000")
    server, links = open_ui(store=tmp_path)
    assert server.url == "http://tracking.example:5000"
    assert links == []
    assert not (tmp_path / "ui.log").exists()


def test_a_server_that_is_away_is_told_without_its_password(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_study(finished, "flowers", tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:1")
    with pytest.raises(StoreError, match="does not answer as MLflow does") as told:
        open_ui(store=tmp_path)
    assert "secret" not in str(told.value)
