"""One hostile study, run once as a person would: by the command line, with secrets in the environment, umask 022."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sample_studies import new_store, write_study

from hpsearch.tracking.ui import Ui, serve_ui

from .hostile_study import STUDY, write_rows

SECRET = "S3CRET"
SECRETS = {
    "MLFLOW_TRACKING_PASSWORD": f"{SECRET}-password",
    "MLFLOW_TRACKING_TOKEN": f"{SECRET}-token",
    "AWS_SECRET_ACCESS_KEY": f"{SECRET}/key",
    "MLFLOW_TRACKING_USERNAME": "me",
}


@dataclass(frozen=True)
class Attacked:
    """The folder a person works in, the study file, the rows and the store."""

    folder: Path
    study: Path
    rows: Path
    store: Path
    said: str

    @property
    def package(self) -> Path:
        return self.store / "studies" / "hostile" / "package"


def as_a_person(*arguments: str | Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the installed program with the usual umask."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "HPSEARCH_"))}
    return subprocess.run(
        [Path(sys.executable).with_name("hpsearch"), *arguments], capture_output=True, text=True, check=False,
        cwd=folder, env=given | environment, umask=0o022, timeout=400,
    )  # fmt: skip


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path) -> Attacked:
    """The hostile study, finished. Look, but do not change it."""
    folder = tmp_path_factory.mktemp("attacked")
    rows = folder / str(STUDY["data"]["csv"])
    write_rows(rows)
    study = write_study(folder, STUDY)
    store = new_store(folder / "store", mlflow_database)
    ended = as_a_person("run", study, "--store", store, folder=folder, **SECRETS)
    assert ended.returncode == 0, ended.stderr
    return Attacked(folder, study, rows, store, ended.stdout + ended.stderr)


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: Any
    out: str
    err: str


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Call the command line in this process; what reaches the file descriptors counts."""

    def called(*arguments: str | Path) -> Said:
        from hpsearch.cli import main

        monkeypatch.setattr(sys, "argv", ["hpsearch", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Said(ended.value.code, *capfd.readouterr())

    return called


@pytest.fixture(scope="session")
def exposed_ui(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path) -> Iterator[tuple[Ui, Path]]:
    """A UI that lets other machines in, by the flag, and its store."""
    place = new_store(tmp_path_factory.mktemp("ui") / "store", mlflow_database)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        # What a person's environment says of MLflow's own guards does not count.
        patch.setenv("MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE", "true")
        patch.setenv("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", "*")
        patch.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "true")
        ui = serve_ui(place, 0, host="0.0.0.0", exposed=True)
    with ui:
        yield ui, place


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)
