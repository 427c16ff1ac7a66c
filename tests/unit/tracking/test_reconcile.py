from __future__ import annotations

from dataclasses import replace
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from hpsearch.records import TrialRecord, TrialState
from hpsearch.tracking.items import STATUS
from hpsearch.tracking.reconcile import Action, Close, Create, Delete, Progress, RunFound, plan


def record(number: int, state: TrialState = "completed", value: float | None = 1.5) -> TrialRecord:
    return TrialRecord(number, {}, state, value=value if state == "completed" else None)


def run_of(done: TrialRecord, run_id: str = "r", parent: str | None = None) -> RunFound:
    tags = {"hpsearch.state": done.state, "hpsearch.owner": "dead"} | ({"mlflow.parentRunId": parent} if parent else {})
    return RunFound(run_id, "trial", done.number, STATUS[done.state], tags, done.value)


def running(run_id: str, number: int | None = 0, owner: str = "dead", kind: str = "trial") -> RunFound:
    tags = {"hpsearch.state": "running", "hpsearch.owner": owner}
    return RunFound(run_id, kind, number if kind == "trial" else None, "RUNNING", tags)


def carry_out(actions: list[Action], runs: list[RunFound]) -> list[RunFound]:
    """What MLflow holds after a plan: a store of dictionaries in place of MLflow's."""
    held = {run.run_id: run for run in runs}
    for action in actions:
        if isinstance(action, Delete):
            del held[action.run_id]
        elif isinstance(action, Create):
            new = run_of(action.record, f"new-{action.record.number}", action.parent)
            held[new.run_id] = new
        elif isinstance(action, Close):
            old = held[action.run_id]
            held[action.run_id] = replace(old, status="KILLED", tags={**old.tags, "hpsearch.state": "interrupted"})
        else:
            old = held[action.run_id]
            held[action.run_id] = replace(old, steps=old.steps | {record.number for record in action.records})
    return list(held.values())


def test_what_is_right_is_left_alone() -> None:
    done = [record(0), record(1, "pruned"), record(2, "failed"), record(3, "interrupted")]
    assert plan(done, [run_of(one, str(one.number)) for one in done], "me") == []


def test_a_missing_run_is_created_under_the_launch() -> None:
    launch = RunFound("L", "launch", None, "RUNNING", {"hpsearch.owner": "me"})
    actions = plan([record(0, "pruned")], [launch], "me", "L")
    assert actions == [Create(record(0, "pruned"), "L", "had no run")]


def test_a_run_left_running_is_replaced_where_it_was() -> None:
    left = replace(running("r"), tags={"hpsearch.owner": "dead", "mlflow.parentRunId": "old"})
    actions = plan([record(0, "pruned")], [left], "me", "new")
    assert actions == [Delete("r", 0), Create(record(0, "pruned"), "old", "its run was left running")]


def test_a_run_without_the_objective_is_replaced() -> None:
    actions = plan([record(0)], [replace(run_of(record(0)), objective=None)], "me")
    assert [type(action) for action in actions] == [Delete, Create]


def test_of_doubles_the_right_one_stays() -> None:
    assert plan([record(0)], [running("a"), run_of(record(0), "b"), run_of(record(0), "c")], "me") == [
        Delete("a", 0),
        Delete("c", 0),
    ]


def test_a_lost_trial_is_closed_and_one_at_work_is_not() -> None:
    records = [record(0, "running"), record(1, "running")]
    actions = plan(records, [running("lost", 0), running("mine", 1, owner="me")], "me")
    assert actions == [Close("lost", 0, "the process that ran it is gone")]


def test_an_orphan_is_closed() -> None:
    assert plan([], [run_of(record(9), "r")], "me") == [Close("r", 9, "the study has no record of it")]


def test_a_dead_launch_is_closed_and_this_one_and_finished_ones_are_not() -> None:
    mine, dead = running("mine", kind="launch", owner="me"), running("dead", kind="launch")
    finished = RunFound("done", "launch", None, "FINISHED", {"hpsearch.owner": "dead"})
    assert plan([], [finished, dead, mine], "me", "mine") == [Close("dead", None, "the process that ran it is gone")]


def test_a_launch_is_given_the_objectives_it_lacks() -> None:
    launch = RunFound("L", "launch", None, "FINISHED", steps=frozenset({0}))
    done = [record(0), record(1), record(2, "pruned")]
    runs = [launch, *(run_of(one, str(one.number), "L") for one in done)]
    assert plan(done, runs, "me") == [Progress("L", (record(1),))]


def test_runs_of_other_kinds_are_left_alone() -> None:
    assert plan([], [RunFound("r", "evaluation", None, "RUNNING")], "me") == []


def test_finalists_are_no_doubles_of_their_trial_nor_orphans() -> None:
    others = [RunFound(f"f{trial}", "finalist", trial, "FINISHED", {"hpsearch.owner": "dead"}) for trial in (0, 9)]
    assert plan([record(0)], [run_of(record(0)), *others], "me") == []


_NUMBERS = st.integers(0, 5)
_STATES = st.sampled_from(get_args(TrialState))
_RECORDS = st.dictionaries(_NUMBERS, _STATES).map(lambda states: [record(n, state) for n, state in states.items()])


@st.composite
def _runs(draw: st.DrawFn) -> list[RunFound]:
    found = []
    for index in range(draw(st.integers(0, 10))):
        kind = draw(st.sampled_from(["trial", "trial", "launch", "other"]))
        state = draw(_STATES)
        tags = {"hpsearch.state": state, "hpsearch.owner": draw(st.sampled_from(["me", "dead"]))}
        if kind == "trial" and draw(st.booleans()):
            tags["mlflow.parentRunId"] = str(draw(st.integers(0, 10)))
        status = draw(st.sampled_from([STATUS[state], "RUNNING"]))
        number = draw(_NUMBERS) if kind == "trial" else None
        objective = draw(st.sampled_from([None, 1.5]))
        found.append(RunFound(str(index), kind, number, status, tags, objective))
    return found


@given(_RECORDS, _runs())
def test_a_second_plan_is_empty(records: list[TrialRecord], runs: list[RunFound]) -> None:
    after = carry_out(plan(records, runs, "me"), runs)
    assert plan(records, after, "me") == []


@given(_RECORDS, _runs())
def test_afterwards_each_finished_trial_has_one_right_run(records: list[TrialRecord], runs: list[RunFound]) -> None:
    after = carry_out(plan(records, runs, "me"), runs)
    for one in records:
        held = [run for run in after if run.kind == "trial" and run.trial == one.number]
        if one.state != "running":
            assert [(run.status, run.tags["hpsearch.state"]) for run in held] == [(STATUS[one.state], one.state)]
    assert not [
        run for run in after if run.status == "RUNNING" and run.tags["hpsearch.owner"] != "me" and run.kind != "other"
    ]
