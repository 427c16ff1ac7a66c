"""Faults happen where a test asks for them, to a process of their own, and nowhere else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import hpsearch
from hpsearch.fault_injection import CRASH_POINTS, FAULTS, crash_point, worker_fault


def run(code: str, **environment: str) -> int:
    """Return how a process ends that runs this code."""
    program = f"from hpsearch.fault_injection import crash_point, worker_fault\n{code}"
    return subprocess.run([sys.executable, "-c", program], env=environment, timeout=60, check=False).returncode


def test_a_process_ends_where_it_was_asked_to() -> None:
    asked = {"HPSEARCH_TESTING": "1", "HPSEARCH_CRASH_AT": "optuna-told"}
    assert run("crash_point('history-written')", **asked) == 0
    assert run("crash_point('optuna-told')", **asked) == 70


def test_a_process_can_be_killed_the_second_time_it_gets_to_a_place() -> None:
    asked = {"HPSEARCH_TESTING": "1", "HPSEARCH_CRASH_AT": "optuna-told:2:kill"}
    assert run("crash_point('optuna-told')", **asked) == 0
    assert run("crash_point('optuna-told'); crash_point('optuna-told')", **asked) == -9


def test_nothing_happens_without_the_word_that_this_is_a_test() -> None:
    asked = {"HPSEARCH_CRASH_AT": "optuna-told", "HPSEARCH_FAULT": "kill@trial7:epoch2"}
    assert run("crash_point('optuna-told'); worker_fault(7, 2)", **asked) == 0


def test_a_worker_fails_at_its_own_trial_and_epoch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_TESTING", "1")
    monkeypatch.setenv("HPSEARCH_FAULT", "error@trial7:epoch2,out-of-memory@trial9:epoch1")
    worker_fault(7, 1)
    worker_fault(2, 7)
    with pytest.raises(ValueError, match="asked for"):
        worker_fault(7, 2)
    with pytest.raises(MemoryError):
        worker_fault(9, 1)


def test_a_place_that_is_not_in_the_list_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_TESTING", "1")
    monkeypatch.setenv("HPSEARCH_CRASH_AT", "optuna-told:99")
    with pytest.raises(KeyError, match="no crash point"):
        crash_point("somewhere")


def test_the_list_names_the_places_that_are_in_the_code_and_no_others() -> None:
    code = "".join(path.read_text() for path in Path(hpsearch.__file__).parent.rglob("*.py"))
    assert set(re.findall(r'crash_point\("([^"]+)"\)', code)) == set(CRASH_POINTS)
    assert len(FAULTS) == len(set(FAULTS))
