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
        "postgresql://user:a/S3CRET/b@host/db",
        "postgresql://user:12@S3CRET/b@host/db",
        "mysql+pymysql://user:S3CRET@host:3306/db?charset=utf8",
        "wasbs://S3CRET@host.example/path",
        "https://host/?sig=S3CRET&se=2",
        "http://host -H 'Authorization: Bearer S3CRET'",
        "http://host Authorization: Basic S3CRET",
        'http://host {"token": "S3CRET", "user": "me"}',
        "http://host password: S3CRET",
    ],
)
def test_no_secret_of_an_address_is_shown(uri: str) -> None:
    shown = redact(f"cannot reach {uri}: refused")
    assert "S3CRET" not in shown
    assert "host" in shown
    assert shown.endswith("refused")


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////home/me@work/mlflow.db",
        "http://127.0.0.1:5000/#/experiments/1/runs?user=me@work",
        "Basic statistics of basic columns",
        "column 'token' is missing; found: temp, season",
        "no file /home/me/data.csv; did you mean 'date.csv'?",
        "/data/rows.csv line 3: 2 cells where the header has 4",
    ],
)
def test_what_holds_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("MLFLOW_TRACKING_PASSWORD", "S3CRET!", "refused for me, S3CRET!"),
        ("AWS_SECRET_ACCESS_KEY", "abc/S3CRET", "the key abc/S3CRET and abc%2FS3CRET"),
        ("DATABRICKS_TOKEN", "dapiS3CRET", "dapiS3CRET is not valid"),
        ("MLFLOW_TRACKING_URI", "http://me:p%40S3CRET@host", "no user me with p@S3CRET"),
    ],
)
def test_what_the_environment_calls_a_secret_is_hidden_wherever_it_stands(
    name: str, value: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "S3CRET" in redact(shown)
    monkeypatch.setenv(name, value)
    assert "S3CRET" not in redact(shown)


def test_a_login_in_base64_is_hidden() -> None:
    assert redact("no entry for Basic bWU6UzNDUkVU here") == "no entry for Basic *** here"


def test_a_short_value_is_no_secret_that_every_word_could_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "a")
    assert redact("a table") == "a table"
