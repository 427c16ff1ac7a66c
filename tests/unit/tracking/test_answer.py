from __future__ import annotations

import sqlite3

import pytest
from mlflow.exceptions import MlflowException

from hpsearch.errors import StoreError
from hpsearch.tracking.answer import mlflow_asked

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
