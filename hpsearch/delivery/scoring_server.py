"""A package served over HTTP by MLflow's scoring server, to this machine alone, in the present environment."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pandas as pd

from hpsearch.delivery.mlflow_model import save_model
from hpsearch.delivery.package import with_own_code
from hpsearch.delivery.predictor import verify_package
from hpsearch.errors import DeliveryError
from hpsearch.tracking.server import EXPOSE, HOST, Server, base_url, free_port, is_loopback, start_module
from hpsearch.tracking.silence import ENVIRONMENT


def serve_package(
    package: Path,
    folder: Path,
    log: Path,
    *,
    port: int = 5001,
    host: str = HOST,
    exposed: bool = False,
    patience: float = 120.0,
) -> Server:
    """Serve a package and return once it answers; POST rows to `/invocations` of the server's `url`.

    folder: an empty one, where the MLflow model is made; it must stay while the server runs. log: a file for what the
    server prints. port: another free one is taken if it is in use. patience: seconds to wait for the first answer (10
    are usual: TensorFlow is imported). Raises DeliveryError for a host that other machines reach unless `exposed` says
    that this is meant, PackageError for a damaged package, StoreError with the end of the log where the server does not
    come up.
    """
    check_host(host, exposed)
    verify_package(package)
    model = save_model(folder / "model", with_own_code(folder / "package", package))
    port = free_port(port, host)
    arguments = [str(model), host, str(port), *([EXPOSE] if exposed else [])]
    process = start_module("hpsearch.delivery.scoring_app", arguments, _environment(), log)
    server = Server(base_url(host, port), process)
    server.await_answer(log, patience)
    return server


def check_host(host: str, exposed: bool = False) -> None:
    """Raise DeliveryError for a host that other machines reach, unless `exposed` says that this is meant."""
    if not (exposed or is_loopback(host)):
        raise DeliveryError(
            f"{host} can be reached from other machines, and MLflow's scoring server asks nobody for a password; "
            f"serve at {HOST}, and put a proxy that does before it; or say {EXPOSE} too"
        )


def curl_command(url: str, rows: pd.DataFrame) -> str:
    """Return a command for a shell that asks a server for the predictions of some raw rows."""
    values = json.loads(rows.to_json(orient="records", date_format="iso", double_precision=15))
    data = json.dumps({"dataframe_records": values}, ensure_ascii=False)
    header = shlex.quote("Content-Type: application/json")
    return f"curl {url}/invocations -H {header} -d {shlex.quote(data)}"


def typical_row(preparation: dict[str, Any]) -> pd.DataFrame:
    """Return a raw row made up from a preparation: medians, the first category, a date of the median year."""
    cells = {column["name"]: [_typical_cell(column)] for column in preparation["columns"]}
    return pd.DataFrame(cells)


def _typical_cell(column: dict[str, Any]) -> Any:
    if column["kind"] == "numeric":
        return column["fill"]
    if column["kind"] == "categorical":
        return next(iter(column["index"]), None)
    parts = {part["part"]: int(part["fill"]) for part in column["parts"]}
    return f"{parts.get('year', 2000):04d}-{parts.get('month', 1):02d}-{min(parts.get('day', 1), 28):02d}"


def _environment() -> dict[str, str]:
    """Return the server's environment: no pickle, no word to anyone, no address or password of a tracking server."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_TRACKING_")}
    return {
        **inherited,
        **ENVIRONMENT,
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
