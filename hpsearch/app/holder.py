"""What a process that holds a study is known by."""

from __future__ import annotations

import datetime
import os
import socket


def driver_name() -> str:
    """Return what this process is known by: to a second driver of the study, and in MLflow."""
    since = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return f"process {os.getpid()} on {socket.gethostname()} since {since}"
