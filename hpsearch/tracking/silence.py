"""MLflow, imported so that it neither prints, nor reports home, nor waits for minutes."""

from __future__ import annotations

import logging
import os

ENVIRONMENT = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # Untouched, one call to a server that is away blocks for 246 s. It would also make a run twice whose answer was
    # late; whoever tries again must look first what there is (`catch_up.py`).
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
}
"""What MLflow's variables are set to where the environment does not say otherwise."""


def import_mlflow() -> None:
    """Import mlflow with telemetry off, short waits and silent loggers; what the environment already says stands.

    MLflow reads some of these once, when it is imported: call this before any other import of it.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401  the import is the point: it sets its loggers' levels, which are then set anew

    # Its failures reach the caller as exceptions; the loggers would only print them a second time.
    for logger in ("mlflow", "alembic", "urllib3.connectionpool"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)
