"""The MLflow UI on this machine, and the link that opens it on a study."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

from hpsearch.errors import StoreError
from hpsearch.metrics import Direction
from hpsearch.tracking.database import database_made_once, private_folder, sqlite_path
from hpsearch.tracking.finalists import PREFIX
from hpsearch.tracking.location import artifact_root, is_server, redact, tracking_uri
from hpsearch.tracking.silence import ENVIRONMENT, import_mlflow

HOST = "127.0.0.1"

_SERVER = """
import ctypes, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: whoever started the server is gone, so it goes too
from mlflow.cli import cli
cli()
"""


def serve_ui(store: Path, port: int = 5000, workers: int = 1, patience: float = 90.0) -> Ui:
    """Serve the store's MLflow UI to this machine alone, and return once it answers.

    port: another free one is taken if it is in use. patience: seconds to wait for the first answer (5 to 10 are
    usual). Where MLFLOW_TRACKING_URI names a server, that one is returned and none is started. Raises StoreError,
    with the end of the server's log, if it does not come up.
    """
    uri = tracking_uri(store)
    if is_server(uri):
        return Ui(without_user(uri), None)
    _make_database(uri)
    private_folder(store.absolute())
    log = store.absolute() / "ui.log"
    port = _free_port(port)
    with os.fdopen(os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as output:
        # The address goes by the environment: an argument, and a password in it, would be seen by every user of the
        # machine. A session of its own, so that Ctrl-C reaches this process first, which then stops the server.
        process = subprocess.Popen(  # noqa: S603  no shell, no text of anybody's but numbers
            [sys.executable, "-c", _SERVER, "server", "--host", HOST, "--port", str(port), "--workers", str(workers)],
            env=_environment(uri, artifact_root(store)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    ui = Ui(f"http://{HOST}:{port}", process)
    try:
        _wait_for_answer(ui.url, process, log, patience)
    except BaseException:
        ui.stop()
        raise
    return ui


class Ui:
    """A UI that answers at `url`; `stop` ends it if it was started here."""

    def __init__(self, url: str, process: subprocess.Popen[bytes] | None) -> None:
        self.url = url
        self._process = process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def link(self, experiment_id: str, metric: str = "objective", direction: Direction = "minimize") -> str:
        """Return `study_link` on this server."""
        return study_link(self.url, experiment_id, metric, direction)

    def wait(self) -> None:
        """Wait until the server ends; Ctrl-C ends it."""
        if self._process is None:
            return
        try:
            self._process.wait()
        except KeyboardInterrupt:
            self.stop()

    def stop(self) -> None:
        """End the server and its workers."""
        if self._process is None:
            return
        for signal_number, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            try:
                os.killpg(self._process.pid, signal_number)
                self._process.wait(seconds)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.wait()


def study_link(base: str, experiment_id: str, objective: str = "objective", direction: Direction = "minimize") -> str:
    """Return the link that opens a study with its completed trials charted, best first.

    Without it MLflow opens in GenAI mode; and without the filter, trials are nested and folded away under their launch,
    nothing of them is charted, and the finalists' trainings stand among them.
    """
    return _runs_link(base, experiment_id, "trial", objective, direction)


def finalists_link(base: str, experiment_id: str, objective: str, direction: Direction) -> str:
    """Return the link that opens the finalists' trainings on new seeds, best first. objective: the metric, `rmse`."""
    return _runs_link(base, experiment_id, "finalist", f"{PREFIX}val_{objective}", direction)


def _runs_link(base: str, experiment_id: str, kind: str, metric: str, direction: Direction) -> str:
    query = {
        "workflowType": "machine_learning",
        "compareRunsMode": "CHART",
        "orderByKey": f"metrics.`{metric}`",
        "orderByAsc": "true" if direction == "minimize" else "false",
        "searchFilter": f"tags.`hpsearch.kind` = '{kind}' and tags.`hpsearch.state` = 'completed'",
    }
    return f"{base.rstrip('/')}/#/experiments/{experiment_id}/runs?{urlencode(query).replace('+', '%20')}"


def without_user(uri: str) -> str:
    """Return a server's address fit to print: no `user:password@`."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")


def _make_database(uri: str) -> None:
    """Make the database before the server does, which knows nothing of our lock."""
    path = sqlite_path(uri)
    if path is None or path.exists():
        return
    import_mlflow()
    from mlflow import MlflowClient

    with database_made_once(uri):
        MlflowClient(tracking_uri=uri)


def _environment(uri: str, artifacts: Path | None) -> dict[str, str]:
    """Return the server's environment. Its job runner would be a second process with an open endpoint."""
    return {
        **os.environ,
        **ENVIRONMENT,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_BACKEND_STORE_URI": uri,
        **({"MLFLOW_DEFAULT_ARTIFACT_ROOT": artifacts.as_uri()} if artifacts else {}),
    }


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StoreError(f"no free port on {HOST}; close a program that listens there")


def _wait_for_answer(url: str, process: subprocess.Popen[bytes], log: Path, patience: float) -> None:
    opener = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with opener.open(f"{url}/health", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    tail = redact("\n".join(log.read_text(errors="replace").splitlines()[-10:]))
    what = "ended" if process.poll() is not None else f"did not answer within {patience:.0f} s"
    raise StoreError(f"the MLflow server {what}; its log is {log}, and ends so:\n{tail}")
