from __future__ import annotations

import subprocess
import sys

from hpsearch.tracking.silence import ENVIRONMENT

_CODE = """
import os
os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "9"
from hpsearch.tracking.silence import import_mlflow
import_mlflow()
import logging
from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT
from mlflow.telemetry.utils import is_telemetry_disabled
assert is_telemetry_disabled()
assert MLFLOW_HTTP_REQUEST_TIMEOUT.get() == 9, "what the user set stands"
logging.getLogger("mlflow.store.db.utils").error("a failure that the caller hears of anyway")
logging.getLogger("alembic.runtime.migration").info("a step of a migration")
"""


def test_mlflow_is_imported_without_telemetry_and_without_a_word() -> None:
    done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_a_call_to_a_server_takes_five_seconds_at_most_and_is_made_once() -> None:
    assert (ENVIRONMENT["MLFLOW_HTTP_REQUEST_TIMEOUT"], ENVIRONMENT["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]) == ("5", "0")
