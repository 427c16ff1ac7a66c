import argparse
from collections import Counter
from pathlib import Path

import pytest
import quality
from contest.problem import Problem
from quality import CONTENDERS, Run, groups

PROBLEM = Problem({"csv": "table.csv", "target": "y"}, Path("arrays"), "0" * 64, {}, 3, 1.0)


def kept(contender: str, seed: int, rmse: float, minutes: float = 10.0) -> dict[str, object]:
    curve = [[30.0, rmse + 5], [200.0, rmse]]
    return {
        "row": "run", "contender": contender, "seed": seed, "minutes": minutes, "trials": 4, "curve": curve
    }  # fmt: skip


def test_every_contender_runs_once_with_each_seed() -> None:
    runs = [run for group in groups(3, 2) for run in group]
    assert Counter(runs) == Counter(Run(contender, seed) for contender in CONTENDERS for seed in range(3))


@pytest.mark.parametrize("seeds", [2, 4, 6])
def test_contenders_meet_evenly(seeds: int) -> None:
    met = Counter(frozenset(run.contender for run in group) for group in groups(seeds, 2))
    assert set(met.values()) == {seeds // 2}
    assert len(met) == 3


def test_runs_in_the_file_are_not_run_again(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    quality._begin(results, PROBLEM)
    group = [Run(CONTENDERS[0], 0), Run(CONTENDERS[1], 0)]
    for run in group:
        quality._append(results, kept(run.contender, run.seed, 40.0))
    before = results.read_text()
    given = argparse.Namespace(results=results, minutes=10.0, seeds=1)
    quality._run_missing(group, PROBLEM, given)
    assert results.read_text() == before


def test_runs_of_another_length_are_others(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    quality._begin(results, PROBLEM)
    quality._append(results, kept(CONTENDERS[0], 0, 40.0, minutes=0.5))
    assert quality._known(results, 10.0) == {}
    assert list(quality._known(results, 0.5)) == [Run(CONTENDERS[0], 0)]


def test_a_file_of_other_data_is_refused(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    quality._begin(results, PROBLEM)
    quality._begin(results, PROBLEM)
    other = Problem(PROBLEM.data, PROBLEM.arrays, "1" * 64, {}, 3, 1.0)
    with pytest.raises(SystemExit, match="holds runs on other data"):
        quality._begin(results, other)


def test_the_summary_has_median_and_range_at_each_mark() -> None:
    rows = [kept(CONTENDERS[0], seed, rmse) for seed, rmse in enumerate((42.0, 40.0, 47.0))]
    about = quality._summary(CONTENDERS[0], rows, 10.0)
    assert about["after 1 min"] == {"median": 47.0, "range": [45.0, 52.0], "without_result": 0}
    assert about["after 10 min"] == {"median": 42.0, "range": [40.0, 47.0], "without_result": 0}


def test_the_summary_says_where_nothing_was_known_yet() -> None:
    rows = [kept(CONTENDERS[0], 0, 42.0) | {"curve": [[90.0, 42.0]]}]
    about = quality._summary(CONTENDERS[0], rows, 10.0)
    assert about["after 1 min"] == {"median": None, "without_result": 1}
    assert quality._summary(CONTENDERS[1], rows, 10.0)["seeds"] == 0


@pytest.mark.parametrize(
    ("minutes", "marks"), [(10.0, [1, 3, 10]), (0.5, [0.5]), (2.0, [1, 2]), (20.0, [1, 3, 10, 20])]
)
def test_marks_end_with_the_run(minutes: float, marks: list[float]) -> None:
    assert quality._marks(minutes) == marks
