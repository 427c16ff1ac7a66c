"""Launches that die anywhere, in any order, with repairs, more trials and fresh starts between: nothing is lost."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sample_studies import new_store

import hpsearch
from hpsearch.app.doctor import doctor
from hpsearch.fault_injection import CRASH_POINTS

from .conftest import mlflow_runs
from .drivers import cheap_launches, drive
from .test_crash_points import tiny


class AnyOrder(RuleBasedStateMachine):
    """One study, and all that can happen to it."""

    database: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="hpsearch-any-order-"))
        self.said = self.folder / "said.txt"
        self.trials = 3
        self.begun = False
        self.known: dict[int, str] = {}
        """what is known of each trial that has ended: it must never change"""

    @initialize()
    def begin(self) -> None:
        self.store = new_store(self.folder / "store", self.database)
        self.study = tiny(self.folder)

    @rule(
        point=st.sampled_from(sorted(CRASH_POINTS)), passes=st.integers(1, 3), how=st.sampled_from(["exit", "kill"]),
        fault=st.sampled_from(["", "kill@trial1:epoch1", "error@trial2:epoch1", "exit@trial0:epoch2"]),
    )  # fmt: skip
    def a_launch_dies(self, point: str, passes: int, how: str, fault: str) -> None:
        code = self._drive(HPSEARCH_CRASH_AT=f"{point}:{passes}:{how}", HPSEARCH_FAULT=fault)
        assert code in (0, 70, -9), self.said.read_text()

    @rule()
    def a_launch_comes_to_its_end(self) -> None:
        assert self._drive() == 0, self.said.read_text()
        assert self._load().done() == self.trials

    @rule()
    def it_is_repaired(self) -> None:
        if self.begun:
            arguments = ["doctor", "--repair", "--store", str(self.store)]
            assert drive(arguments, self.said) == 0, self.said.read_text()
            assert all(one.well for one in doctor(store=self.store))

    @rule()
    def more_trials_are_asked_for(self) -> None:
        self.trials = min(self.trials + 1, 6)

    @rule()
    def it_starts_afresh(self) -> None:
        if self.begun:
            assert self._drive("--new", HPSEARCH_CRASH_AT="history-written") in (0, 70), self.said.read_text()
            self.known = {}

    @invariant()
    def no_trial_that_ended_changes_or_is_lost(self) -> None:
        if not self.begun:
            return
        now = {record.number: repr(record) for record in self._load().records}
        assert now.items() >= self.known.items()
        self.known = now
        assert self._load().done() <= self.trials

    def teardown(self) -> None:
        try:
            with cheap_launches():
                hpsearch.run(self.study, trials=self.trials, store=self.store)
            assert self._load().done() == self.trials
            assert [one.findings for one in doctor(store=self.store)] == [()]
            ended = [run for run in mlflow_runs(self.store, "tiny") if run.data.tags["hpsearch.kind"] == "trial"]
            finished = [run.data.tags["hpsearch.trial"] for run in ended if run.info.status == "FINISHED"]
            assert len(finished) == len(set(finished)) == self._load().states()["completed"]
        finally:
            shutil.rmtree(self.folder)

    def _drive(self, *options: str, **environment: str) -> int:
        arguments = ["run", str(self.study), "--trials", str(self.trials), "--store", str(self.store), *options]
        code = drive(arguments, self.said, HPSEARCH_TESTING="1", **environment)
        self.begun = (self.store / "studies" / "tiny" / "study.json").exists()
        return code

    def _load(self) -> hpsearch.StudyResult:
        return hpsearch.load("tiny", store=self.store)


def test_nothing_is_lost_in_any_order_of_faults(mlflow_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AnyOrder, "database", mlflow_database, raising=False)
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=3, stateful_step_count=6, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
