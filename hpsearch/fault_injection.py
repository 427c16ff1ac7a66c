"""Faults on request, so that tests can have them for real: a process that dies or hangs at a named place.

Both variables are looked at only where HPSEARCH_TESTING is 1:

    HPSEARCH_CRASH_AT=history-written             the driver ends there, at once (os._exit)
    HPSEARCH_CRASH_AT=history-written:3:kill      the third time it gets there, by SIGKILL
    HPSEARCH_FAULT=kill@trial7:epoch2,hang@trial9:epoch1
                                                  what happens to a worker once it has trained that epoch of that trial
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections import Counter

CRASH_POINTS = {
    "study-written": "study.json says what the study is; it has no trial yet",
    "study-aside": "--new has moved the earlier study aside; the new one is not begun",
    "study-widened": "a study in its changed space is whole, beside the old one, which still has the name",
    "study-swapped": "the old study is aside; the widened one has not taken its name",
    "trial-asked": "Optuna has a trial running that nobody trains",
    "trial-started": "a worker trains a trial; MLflow has not heard of it",
    "weights-saved": "the weights of a trial are kept; its line is not in the history",
    "history-written": "a trial's line is in the history; Optuna still has it running",
    "optuna-told": "Optuna has a trial ended; MLflow has not heard of it",
    "retry-queued": "an interrupted trial is queued again",
    "recovery-recorded": "a lost trial is in the history as interrupted; Optuna still has it running",
    "recovery-told": "Optuna has a lost trial ended; it is not queued again",
    "run-created": "a trial's run is in MLflow, and still open",
    "run-logged": "a trial's metrics are in MLflow; its run is still open",
    "run-ended": "a trial's run is ended; the launch's chart lacks it",
    "repair-deleted": "reconciling, a wrong run is removed; the right one is not written",
    "repair-created": "reconciling, a missing run is written and still open",
    "repair-closed": "reconciling, an orphan is tagged as interrupted, and still open",
    "spool-written": "what MLflow did not take is in the spool; MLflow lacks it, or has it and could not say so",
    "spool-launch-begun": "the run of a launch that waited is in MLflow; what waited for it is still in the spool",
    "spool-sent": "all that waited is in MLflow; it is in the spool still",
    "finalist-weights-saved": "a finalist's weights are kept; its line is not in finalists.jsonl",
    "finalist-recorded": "a finalist's line is in finalists.jsonl; MLflow has not heard of it",
    "finalists-compared": "all finalists are trained; there is no verdict on disk",
    "verdict-written": "the verdict is on disk; there is no package",
    "look-noted": "the test rows are noted as looked at; there is no evaluation",
    "evaluation-written": "the evaluation is on disk; the package is not",
    "package-built": "a package is whole, beside its place",
    "package-aside": "the old package is moved aside; the new one has not taken its place",
    "package-placed": "the new package is in its place; the old one is still beside it",
    "delivery-logged": "the package is in MLflow; the launch's run is still open",
}
"""Every place between two commits of the driver, by name: what is on disk there."""

FAULTS = ("kill", "abort", "stop", "hang", "exit", "error", "out-of-memory", "grow")
"""What can happen to a worker: SIGKILL, SIGABRT, SIGSTOP, a loop without end, sys.exit, ValueError, MemoryError, memory
that grows by 50 MB every 0.05 s."""

_passed: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """End this process if a test has asked for it to end here. name: one of `CRASH_POINTS`."""
    asked = _asked("HPSEARCH_CRASH_AT")
    if not asked:
        return
    if name not in CRASH_POINTS:
        raise KeyError(f"'{name}' is no crash point")
    wanted, time_, how = (*asked.split(":"), "", "")[:3]
    if name != wanted:
        return
    _passed[name] += 1
    if _passed[name] == int(time_ or 1):
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(70)


def worker_fault(trial: int, epoch: int) -> None:
    """Do to this worker what a test has asked for after this epoch (from 1) of this trial."""
    for asked in _asked("HPSEARCH_FAULT").split(","):
        found = re.fullmatch(r"([a-z-]+)@trial(\d+):epoch(\d+)", asked)
        if found and (int(found[2]), int(found[3])) == (trial, epoch):
            _do(found[1])


def _asked(variable: str) -> str:
    return os.environ.get(variable, "") if os.environ.get("HPSEARCH_TESTING") == "1" else ""


def _do(fault: str) -> None:
    if fault == "error":
        raise ValueError("the fault that was asked for")
    if fault == "out-of-memory":
        raise MemoryError
    if fault == "exit":
        sys.exit(1)
    numbers = {"kill": signal.SIGKILL, "abort": signal.SIGABRT, "stop": signal.SIGSTOP}
    if fault in numbers:
        os.kill(os.getpid(), numbers[fault])
        return
    held = []
    while True:
        if fault == "grow":
            held.append(b"\1" * 50_000_000)
        time.sleep(0.05)
