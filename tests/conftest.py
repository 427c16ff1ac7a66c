"""What the tests of whole studies share: an MLflow database made once, and one finished store that nobody changes."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings
from sample_studies import FLOWERS, RENTALS, new_store, write_rentals

# How long an example takes says something of the machine, nothing of the code.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


# Whoever runs the tests may have had signals ignored (nohup, a job in the background), and so would all they start.
for _number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(_number, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the person who runs the tests has set from deciding where studies go."""
    for name in ("HPSEARCH_STORE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow takes seconds to make its database, and it is the same every time."""
    from hpsearch.tracking.database import database_made_once
    from hpsearch.tracking.silence import import_mlflow

    import_mlflow()
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("database") / "mlflow.db"
    with database_made_once(f"sqlite:///{path}"):
        MlflowClient(f"sqlite:///{path}")
    return path


@pytest.fixture
def store(tmp_path: Path, mlflow_database: Path) -> Path:
    """An empty store."""
    return new_store(tmp_path / "store", mlflow_database)


@pytest.fixture(scope="session")
def rentals_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows with gaps, a category, a date, and hostile names: cnt follows from the temperature."""
    path = tmp_path_factory.mktemp("data") / "rentals.csv"
    write_rentals(path)
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path, rentals_csv: Path) -> Path:
    """A store with the finished studies RENTALS and FLOWERS. Look, but do not run them on."""
    import hpsearch

    with pytest.MonkeyPatch.context() as patch:
        for name in ("HPSEARCH_STORE", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        place = new_store(tmp_path_factory.mktemp("finished") / "store", mlflow_database)
        for values in (RENTALS, FLOWERS):
            spec = hpsearch.make_spec(values, folder=rentals_csv.parent)
            hpsearch.run(spec, workers="inline", store=place)
    return place
