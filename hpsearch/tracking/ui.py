"""The MLflow UI on this machine, and the link that opens it on a study."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from hpsearch.errors import StoreError
from hpsearch.metrics import Direction
from hpsearch.tracking.answer import mlflow_asked
from hpsearch.tracking.database import database_made_once, private_folder, sqlite_path
from hpsearch.tracking.finalists import PREFIX
from hpsearch.tracking.location import artifact_root, is_server, tracking_uri
from hpsearch.tracking.server import EXPOSE, HOST, Server, base_url, free_port, is_loopback, own_names, start_module
from hpsearch.tracking.silence import ENVIRONMENT, import_mlflow


def serve_ui(
    store: Path,
    port: int = 5000,
    workers: int = 1,
    patience: float = 90.0,
    *,
    host: str = HOST,
    exposed: bool = False,
) -> Ui:
    """Serve the store's MLflow UI to this machine alone, and return once it answers.

    port: another free one is taken if it is in use. patience: seconds to wait for the first answer (5 to 10 are
    usual). Where MLFLOW_TRACKING_URI names a server, that one is returned and none is started. host: one that other
    machines reach is refused unless `exposed` says that this is meant. Raises StoreError for that, and, with the end of
    the server's log, if it does not come up.
    """
    uri = tracking_uri(store)
    if is_server(uri):
        return Ui(without_user(uri), None)
    if not (exposed or is_loopback(host)):
        raise StoreError(
            f"{host} can be reached from other machines, and MLflow asks nobody for a password: whoever reaches it can "
            f"read, change and delete every run; leave --host away, or say {EXPOSE} too"
        )
    _make_database(uri)
    private_folder(store.absolute())
    port = free_port(port, host)
    arguments = ["server", "--host", host, "--port", str(port), "--workers", str(workers)]
    environment = _environment(uri, artifact_root(store)) | {"MLFLOW_SERVER_ALLOWED_HOSTS": _allowed(host, port)}
    process = start_module("mlflow", arguments, environment, ui_log(store))
    ui = Ui(base_url(host, port), process)
    ui.await_answer(ui_log(store), patience)
    return ui


def ui_log(store: Path) -> Path:
    """Return the file for what the server prints."""
    return store.absolute() / "ui.log"


class Ui(Server):
    """A UI that answers at `url`; `stop` ends it if it was started here."""

    def link(self, experiment_id: str, metric: str = "objective", direction: Direction = "minimize") -> str:
        """Return `study_link` on this server."""
        return study_link(self.url, experiment_id, metric, direction)


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
    """Make the database before the server does, which knows nothing of our lock.

    One that does not answer is told here: the server would write its address, with the password, into its log.
    """
    path = sqlite_path(uri)
    if path is not None and path.exists():
        return
    import_mlflow()
    from mlflow import MlflowClient

    with mlflow_asked(uri), database_made_once(uri):
        MlflowClient(tracking_uri=uri)


def _allowed(host: str, port: int) -> str:
    """Return the Host headers that are answered. MLflow's own list would take any name that begins with `10.`."""
    names = [f"[{name}]" if ":" in name else name for name in sorted(own_names(host))]
    return ",".join([*names, *(f"{name}:{port}" for name in names)])


def _environment(uri: str, artifacts: Path | None) -> dict[str, str]:
    """Return the server's environment. Its job runner would be a second process with an open endpoint."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_SERVER_")}
    return {
        **inherited,
        **ENVIRONMENT,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_BACKEND_STORE_URI": uri,
        **({"MLFLOW_DEFAULT_ARTIFACT_ROOT": artifacts.as_uri()} if artifacts else {}),
    }
