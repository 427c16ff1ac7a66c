from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from sample_studies import new_store

from hpsearch.records import EpochRecord, StudyInfo, TrialRecord, TrialState
from hpsearch.tracking.mlflow import Tracker


@pytest.fixture
def uri(tmp_path: Path, mlflow_database: Path) -> str:
    return f"sqlite:///{new_store(tmp_path / 'store', mlflow_database)}/mlflow.db"


@pytest.fixture
def client(uri: str) -> Any:
    return MlflowClient(uri)


@pytest.fixture
def info() -> StudyInfo:
    return StudyInfo(
        "bike", "0123456789abcdef", "rmse", "minimize", "regression", "d" * 64, description="# Bike demand"
    )


@pytest.fixture
def trial() -> Callable[..., TrialRecord]:
    return _trial


@pytest.fixture
def open_tracker(uri: str, tmp_path: Path, info: StudyInfo) -> Iterator[Callable[..., Tracker]]:
    with ExitStack() as stack:
        spool = tmp_path / "mlflow.spool"

        def open_one(owner: str = "me", clock: Callable[[], float] = time.time) -> Tracker:
            made = Tracker(uri, info, tmp_path / "artifacts", owner, spool=spool, clock=clock, steady=clock)
            return stack.enter_context(made)

        yield open_one


def _trial(number: int, state: TrialState = "completed", value: float = 50.0) -> TrialRecord:
    """A trial of three epochs, the best one the last."""
    epochs = tuple(EpochRecord(0, step, {"train_loss": 1 / step, "val_rmse": value + 3 - step}) for step in (1, 2, 3))
    done = state == "completed"
    return TrialRecord(
        number,
        {"hidden_layers": 1, "neurons_1": 16, "learning_rate": 0.01},
        state,
        reason="" if done else "because",
        value=value if done else None,
        best_epoch=3,
        metrics=dict(epochs[-1].metrics),
        epochs=() if state == "running" else epochs,
        parameters=97,
        started=f"2026-01-02T03:{number:02d}:00+00:00",
        seconds=0.0 if state == "running" else 4.0,
        seed=number,
        trainer="keras",
    )
