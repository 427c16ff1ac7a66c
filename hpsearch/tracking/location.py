"""Where MLflow's data of a store are, and how an address is shown without its secrets."""

from __future__ import annotations

import os
import re
from pathlib import Path

_SERVERS = ("http://", "https://", "databricks", "uc:")


def tracking_uri(store: Path) -> str:
    """Return MLFLOW_TRACKING_URI if it is set, else the SQLite database in the store."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{store.absolute() / 'mlflow.db'}"


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
