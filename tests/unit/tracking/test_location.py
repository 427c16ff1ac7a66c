from __future__ import annotations

from pathlib import Path

import pytest

from hpsearch.tracking.location import artifact_root, redact, tracking_uri


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_a_store_holds_its_own_database_by_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert tracking_uri(Path("mlruns")) == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert artifact_root(Path("mlruns")) == tmp_path / "mlruns" / "artifacts"


def test_the_environment_names_another_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert tracking_uri(tmp_path) == "http://127.0.0.1:5000"
    assert artifact_root(tmp_path) is None


def test_a_database_elsewhere_still_keeps_artifacts_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://host/mlflow")
    assert artifact_root(tmp_path) == tmp_path / "artifacts"


@pytest.mark.parametrize(
    "uri",
    [
        "http://user:S3CRET@host:5000/path",
        "postgresql+psycopg://user:S3CRET@host/db",
        "https://S3CRET@host",
        "https://user:p@S3CRET@host",
        "https://host/?token=S3CRET&x=1",
        "https://host/?x=1&access_key=S3CRET",
    ],
)
def test_no_secret_of_an_address_is_shown(uri: str) -> None:
    shown = redact(f"cannot reach {uri}: refused")
    assert "S3CRET" not in shown
    assert "host" in shown
    assert shown.endswith("refused")


def test_an_address_without_secrets_stays() -> None:
    assert redact("sqlite:////home/me@work/mlflow.db") == "sqlite:////home/me@work/mlflow.db"
