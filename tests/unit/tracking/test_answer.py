from __future__ import annotations

import sqlite3
from types import SimpleNamespace

import pytest
from mlflow.exceptions import MlflowException

from hpsearch.errors import StoreError
from hpsearch.tracking.answer import mlflow_asked, reason_of

URI = "https://me:S3CRET@tracking.example"


@pytest.mark.parametrize("error", [
    MlflowException(f"no answer from {URI}\nHTTP 503"), ConnectionError("refused"), sqlite3.DatabaseError("malformed"),
])  # fmt: skip
def test_what_mlflow_raises_becomes_one_line_without_a_secret(error: Exception) -> None:
    with pytest.raises(StoreError, match=r"https://\*\*\*@tracking.example does not answer") as told, mlflow_asked(URI):
        raise error
    assert "S3CRET" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_long_reason_is_cut() -> None:
    with pytest.raises(StoreError) as told, mlflow_asked("sqlite:///x.db"):
        raise MlflowException("word " * 1000)
    assert len(str(told.value)) < 300


def test_an_error_of_ours_is_left() -> None:
    with pytest.raises(KeyError), mlflow_asked(URI):
        raise KeyError("ours")


@pytest.mark.parametrize(
    ("uri", "said", "told"),
    [
        ("http://a", "Max retries exceeded (Caused by ReadTimeoutError: Read timed out.)", "no answer within 5 s"),
        ("http://a", "NewConnectionError: [Errno 111] Connection refused", "connection refused"),
        ("http://a", "Max retries exceeded (Caused by ProtocolError('Connection aborted.', RemoteDisconnected('')))",
         "the connection broke off"),
        ("sqlite:////a b/m.db", "(sqlite3.OperationalError) database is locked\n[SQL: INSERT INTO runs]",
         "/a b/m.db is locked by another process; fuser '/a b/m.db' tells which"),
        ("sqlite:////m.db", "(sqlite3.OperationalError) database or disk is full",
         "/m.db cannot be written: the disk is full or limited (7 MB free)"),
    ],
)  # fmt: skip
def test_why_mlflow_is_away_is_told_in_words(monkeypatch: pytest.MonkeyPatch, uri: str, said: str, told: str) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=7_000_000))
    assert reason_of(uri, MlflowException(said)) == told
