"""The driver dies between any two commits; the same command again ends with the exact trials, and all is well."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sample_studies import write_study

import hpsearch
from hpsearch.app.doctor import doctor
from hpsearch.fault_injection import CRASH_POINTS

from .conftest import mlflow_runs, optuna_states
from .drivers import cheap_launches, drive

TRIALS = 5
TINY: dict[str, Any] = {
    "name": "tiny",
    "data": {"csv": "tiny.csv", "target": "y"},
    "space": {
        "hidden_layers": 0, "optimizer": "adam", "batch_size": 8, "epochs": 2,
        "learning_rate": {"low": 1e-3, "high": 1e-1, "log": True},
    },
    "search": {"trials": TRIALS, "workers": 2, "sampler": "random", "pruner": "none", "early_stopping": None},
    "winner": {"finalists": 2, "seeds": 2, "baselines": False},
}  # fmt: skip


Change = tuple[str, str, Any]
"""(section, field, value); without a field the section becomes the value."""


@dataclass(frozen=True)
class Way:
    """How a driver gets to a crash point."""

    options: tuple[str, ...] = ()
    before: tuple[tuple[tuple[str, ...], str], ...] = ()
    """earlier launches: their options, and where they die ('' for those that come to their end)"""
    fault: str = ""
    """what happens to a worker of the launch"""
    first: tuple[Change, ...] = ()
    """how the study file of the earlier launches differs"""
    changes: tuple[Change, ...] = ()
    """how the study file differs then"""
    away: tuple[bool, bool] = (False, False)
    """MLflow is away: in the earlier launches, in this one"""
    again: bool = True
    """a second launch gets there too"""


AWAY = {True: {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1"}, False: {}}
NO_WINNER = ("winner", "", "none")
NARROWER = ("space", "learning_rate", {"low": 1e-3, "high": 0.09, "log": True})
WAYS = {
    "study-aside": Way(("--new",), before=(((), ""),), again=False),
    "study-widened": Way(("--widen",), before=(((), "optuna-told:3"),), changes=(NARROWER,)),
    "study-swapped": Way(("--widen",), before=(((), "optuna-told:3"),), changes=(NARROWER,), again=False),
    "retry-queued": Way(fault="kill@trial1:epoch1", again=False),
    "recovery-recorded": Way(before=(((), "trial-started"),), again=False),
    "recovery-told": Way(before=(((), "trial-started"),), again=False),
    "run-ended": Way(again=False),
    "repair-deleted": Way(before=(((), "run-logged"),), again=False),
    "repair-created": Way(before=(((), "optuna-told"),)),
    "repair-closed": Way(before=(((), "run-logged"),), again=False),
    "spool-written": Way(away=(False, True)),
    "spool-launch-begun": Way(before=(((), ""),), away=(True, False), again=False),
    "spool-sent": Way(before=(((), ""),), away=(True, False)),
    "package-placed": Way(again=False),
    "package-aside": Way(before=(((), ""),), first=(NO_WINNER,)),
}
"""Those that a plain launch does not get to, or not twice."""


def tiny(folder: Path, *changes: Change) -> Path:
    """Write the study and its 60 rows."""
    rows = [f"{a},{b},{a + 2 * b}" for a in range(10) for b in range(6)]
    (folder / "tiny.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    values = dict(TINY)
    for section, field, value in changes:
        values[section] = values[section] | {field: value} if field else value
    return write_study(folder, values)


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_a_driver_that_dies_anywhere_leaves_what_the_same_command_finishes(
    point: str, tmp_path: Path, store: Path
) -> None:
    way, said = WAYS.get(point, Way()), tmp_path / "said.txt"
    command = ["run", str(tiny(tmp_path, *way.first)), "--store", str(store)]
    for options, at in way.before:
        code = drive([*command, *options], said, HPSEARCH_TESTING="1", HPSEARCH_CRASH_AT=at, **AWAY[way.away[0]])
        assert code == (70 if at else 0), said.read_text()
    tiny(tmp_path, *way.changes)
    faults = {"HPSEARCH_TESTING": "1", "HPSEARCH_FAULT": way.fault, **AWAY[way.away[1]]}
    assert drive([*command, *way.options], said, HPSEARCH_CRASH_AT=point, **faults) == 70, said.read_text()
    if way.again:
        code = drive([*command, *way.options], said, HPSEARCH_CRASH_AT=f"{point}:1:kill", **faults)
        assert code == -9, said.read_text()

    again = {"new": False, "widen": "--widen" in way.options}
    with cheap_launches():
        result = hpsearch.run(tmp_path / "tiny.yaml", store=store, **again)
    assert result.done() == TRIALS
    assert result.verdict is not None
    assert optuna_states(store, "tiny")["COMPLETE"] == TRIALS
    (examined,) = doctor(store=store)
    assert examined.findings == ()
    runs = mlflow_runs(store, "tiny")
    completed = [run.data.tags["hpsearch.trial"] for run in runs if run.data.tags["hpsearch.state"] == "completed"]
    trials = [run for run in runs if run.data.tags["hpsearch.kind"] == "trial" and run.info.status == "FINISHED"]
    assert len({run.data.tags["hpsearch.trial"] for run in trials}) == len(trials) == TRIALS, completed
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
