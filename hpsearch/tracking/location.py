"""Where MLflow's data of a store are, and how an address is shown without its secrets."""

from __future__ import annotations

import os
import re
from importlib.metadata import entry_points
from pathlib import Path

from hpsearch.errors import StoreError, as_written

_SERVERS = ("http://", "https://", "databricks", "uc:")
_SCHEMES = ("http", "https", "databricks", "databricks-uc", "uc", "sqlite", "postgresql", "mysql", "mssql", "file")


def tracking_uri(store: Path) -> str:
    """Return MLFLOW_TRACKING_URI if it is set, else the SQLite database in the store.

    Raises StoreError where it is set to an address that neither MLflow nor an installed plugin of it reads.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI")
    if not given:
        return f"sqlite:///{store.absolute() / 'mlflow.db'}"
    scheme = given.partition("://")[0].partition("+")[0].lower() if "://" in given else "file"
    if scheme not in _SCHEMES and scheme not in entry_points(group="mlflow.tracking_store").names:
        found = f"MLFLOW_TRACKING_URI is {as_written(redact(given))}, which MLflow does not read"
        raise StoreError(f"{found}; it takes {'://, '.join(_SCHEMES)}://; set it to such an address, or unset it")
    return given


def artifact_root(store: Path) -> Path | None:
    """Return the folder of artifacts in the store; None where an MLflow server keeps them itself."""
    return None if is_server(tracking_uri(store)) else store.absolute() / "artifacts"


def is_server(uri: str) -> bool:
    """Tell whether an address is that of an MLflow server rather than of a database."""
    return uri.startswith(_SERVERS)


def redact(text: str) -> str:
    """Return a text with the secrets of the addresses in it hidden: `user:password@`, tokens and keys."""
    without_users = re.sub(r"(?<=://)[^/\s@]+(?:@[^/\s@]+)*@", "***@", text)
    return re.sub(
        r"(?i)\b([\w-]*(?:token|password|passwd|secret|api_?key|access_?key|signature|sig)=)[^&\s'\"]+",
        r"\1***",
        without_users,
    )
