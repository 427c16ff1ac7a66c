"""`hpsearch ui`, as a person opens it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import pytest

pytestmark = pytest.mark.xdist_group("commands")


def test_the_link_leads_to_the_completed_trials_and_ctrl_c_ends_the_server(finished: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("hpsearch")),
        "ui",
        "rentals",
        "--port",
        "5987",
        "--store",
        str(finished),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A suite that runs in the background was told to ignore Ctrl-C, and its children would too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as ui:  # fmt: skip
        watchdog = threading.Timer(120, ui.kill)
        watchdog.start()
        assert ui.stdout is not None
        lines = [ui.stdout.readline() for _ in range(4)]
        link = urlsplit(lines[2].split(": ", 1)[1].strip())
        path, _, query = link.fragment.partition("?")
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        opener = build_opener(ProxyHandler({}))
        page = opener.open(f"{link.scheme}://{link.netloc}/").read()
        body = {
            "experiment_ids": [path.split("/")[2]],
            "filter": asked["searchFilter"],
            "order_by": [asked["orderByKey"]],
        }
        search = Request(
            f"{link.scheme}://{link.netloc}/api/2.0/mlflow/runs/search", json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )  # fmt: skip
        found = json.loads(opener.open(search).read())["runs"]
        ui.send_signal(signal.SIGINT)
        _, errors = ui.communicate()
        watchdog.cancel()
    assert link.hostname == "127.0.0.1"
    assert lines[3].startswith(f"  rentals, finalists: {link.scheme}://{link.netloc}/#/experiments/")
    assert b"<html" in page.lower()
    assert [run["info"]["run_name"] for run in found] == ["trial-000", "trial-003"]
    assert asked["workflowType"] == "machine_learning"
    assert (ui.returncode, errors) == (0, ""), lines
