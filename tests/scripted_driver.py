"""`hpsearch` as it is, but that its workers are the scripted ones and nothing is delivered: a fault for two seconds.

    python tests/scripted_driver.py run study.yaml --store store

The search, its workers' processes, Optuna's journal, the history and MLflow are the real ones. What the trainer does is
asked for by HPSEARCH_FAULT, or by a configuration's `batch_size` (`fakes.SCRIPTS`).
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from worker_pools import PROGRAM

from hpsearch import cli
from hpsearch.app import launch
from hpsearch.search import finalists, study
from hpsearch.workers import child, processes


def nothing(*_: Any) -> None:
    """Stand in for what comes after the search, which takes TensorFlow and matplotlib and has tests of its own."""


vars(launch)["ProcessPool"] = partial(processes.ProcessPool, program=PROGRAM)
for name in ("deliver", "log_delivery", "log_models", "log_trial_pictures", "log_study_pictures", "log_report"):
    assert name in vars(launch)
    vars(launch)[name] = nothing
study.GRACE = finalists.GRACE = child.TERM_GRACE = 1.0

if __name__ == "__main__":
    sys.exit(cli.main())
