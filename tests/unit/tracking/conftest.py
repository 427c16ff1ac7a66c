from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from hpsearch.records import EpochRecord, StudyInfo, TrialRecord, TrialState
from hpsearch.tracking.database import database_made_once
from hpsearch.tracking.mlflow import Tracker
from hpsearch.tracking.silence import import_mlflow


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow takes seconds to make its database, and it is the same every time."""
    import_mlflow()
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    with database_made_once(f"sqlite:///{path}"):
        MlflowClient(f"sqlite:///{path}")
    return path


@pytest.fixture
def uri(tmp_path: Path, empty_database: Path) -> str:
    for suffix in ("", "-wal", "-shm"):
        if (file := empty_database.with_name(empty_database.name + suffix)).exists():
            shutil.copy(file, tmp_path / file.name)
    return f"sqlite:///{tmp_path}/mlflow.db"


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

        def open_one(owner: str = "me", clock: Callable[[], float] = time.time) -> Tracker:
            return stack.enter_context(Tracker(uri, info, tmp_path / "artifacts", owner, clock))

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
