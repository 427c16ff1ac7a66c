"""Where MLflow's data of a store are, and how an address is shown without its secrets."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import quote, unquote

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
    """Return a text with the secrets in it hidden.

    That is `user:password@` of an address, what follows `token=`, `"password":` and the like, `Bearer ...`, and
    whatever the environment calls a password, a token or a key, wherever it stands.
    """
    for secret in _known_secrets():
        text = text.replace(secret, "***")
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return _BASIC.sub(_without_password, text)


_NAMED = r"(?:token|password|passwd|pwd|secret|api_?key|access_?key|account_?key|credentials?|signature|sig)"
_SECRETS = (
    # Of a database's address the password may hold / and @; `host:5000/` is no password.
    (re.compile(r"(?<=://)[^/\s@:]*:(?!\d{1,5}/)\S*@"), "***@"),
    (re.compile(r"(?<=://)[^/\s@]+(?:@[^/\s@]+)*@"), "***@"),
    (re.compile(rf"(?i)\b([\w-]*{_NAMED}=)[^&\s'\"]+"), r"\1***"),
    (re.compile(rf"(?i)([\"']?\b[\w-]*{_NAMED}[\"']?\s*:\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;}}]+)"), r"\1***"),
    (re.compile(r"(?i)\b(bearer\s+|authorization[\"']?\s*[:=]\s*[\"']?(?:basic|token)\s+)[^\s'\",;]+"), r"\1***"),
)
_BASIC = re.compile(r"(?i)\b(basic\s+)([a-z0-9+/_-]{4,}={0,2})")
_SHORTEST = 6
"""Characters: a shorter secret would be found in the middle of words."""


def _without_password(found: re.Match[str]) -> str:
    """Hide what follows `Basic` where it is a user and a password, rather than a word."""
    try:
        is_login = b":" in b64decode(found[2] + "==", altchars=b"-_" if set("-_") & set(found[2]) else None)
    except ValueError:
        is_login = False
    return f"{found[1]}***" if is_login else found[0]


def _known_secrets() -> list[str]:
    """Return the secrets in the environment, as they are and as an address quotes them, the longest first."""
    named = re.compile(rf"(?i){_NAMED}$|^PGPASS")
    found = {value for name, value in os.environ.items() if named.search(name)}
    for name, value in os.environ.items():
        if name.endswith(("_URI", "_URL")):
            found |= {part.partition(":")[2] for part in re.findall(r"://([^\s@]*:[^\s]*)@", value)}
    found |= {unquote(secret) for secret in found} | {quote(secret, safe="") for secret in found}
    return sorted((secret for secret in found if len(secret) >= _SHORTEST), key=len, reverse=True)
