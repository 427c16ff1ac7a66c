from dataclasses import replace
from pathlib import Path

import pytest
from contest.ours import read_trials, write_study
from contest.problem import Problem, draw_configurations

from hpsearch.records import EpochRecord, TrialRecord
from hpsearch.search.history import append_record
from hpsearch.space.space import build_space
from hpsearch.spec import load_spec

PROBLEM = Problem({"csv": "table.csv", "target": "y"}, Path("arrays"), "0", {}, 3, 1.0)


def test_the_study_file_starts_with_the_very_configurations(tmp_path: Path) -> None:
    drawn = [dict(configuration) for configuration in draw_configurations(build_space({}), 20, 0)]
    search = {"trials": 20, "sampler": "random", "pruner": "none", "early_stopping": None, "start_with": drawn}
    spec = load_spec(write_study(tmp_path, "ours", PROBLEM, {}, search))
    assert spec.search.start_with == drawn
    assert spec.search.early_stopping is None
    assert spec.data.target == "y"


def test_trials_are_read_while_the_study_runs(tmp_path: Path) -> None:
    history = tmp_path / "studies" / "ours" / "history.jsonl"
    history.parent.mkdir(parents=True)
    done = TrialRecord(
        0, {"epochs": 2}, "completed", value=40.0, epochs=(EpochRecord(0, 1, {}), EpochRecord(0, 2, {})),
        started="1970-01-01T00:01:00.500+00:00", seconds=2.0, trainer="compiled",
    )  # fmt: skip
    append_record(history, done)
    append_record(history, replace(done, number=1, state="pruned", value=None))
    with history.open("a") as file:
        file.write('{"number": 2')
    first, second = read_trials(tmp_path, "ours")
    assert (first.rmse, first.epochs, first.trainer) == (40.0, 2, "compiled")
    assert (first.started, first.ended) == pytest.approx((60.5, 62.5))
    assert second.rmse is None
