import csv
from collections import Counter
from pathlib import Path
from statistics import fmean

import numpy as np
import optuna
import pytest
from contest.problem import draw_configurations, plain_space, prepare_problem, spread_subset, steps
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.space.domain import Choices
from hpsearch.space.optuna import to_distributions
from hpsearch.space.space import build_space

SPACE = build_space({"epochs": Choices((30,))})
DRAWN = draw_configurations(SPACE, 200, 0)


def write_table(path: Path, target: list[str]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["x", "y"])
        writer.writerows(zip(range(len(target)), target, strict=True))
    return path


def test_configurations_are_points_of_the_space_and_follow_from_the_seed() -> None:
    assert all(SPACE.contains(configuration) for configuration in DRAWN)
    assert draw_configurations(SPACE, 3, 0) == DRAWN[:3]
    assert draw_configurations(SPACE, 3, 1) != DRAWN[:3]


@given(st.integers(1, 200))
def test_a_subset_keeps_the_list_s_order_and_repeats_nothing(count: int) -> None:
    places = spread_subset(DRAWN, count)
    assert len(places) == count
    assert places == sorted(set(places))


@given(st.integers(8, 60), st.integers(0, 100))
def test_a_subset_has_each_batch_size_about_as_often_as_the_list(count: int, first: int) -> None:
    drawn = DRAWN[first : first + 100]
    sample = [drawn[place] for place in spread_subset(drawn, count)]
    whole, some = (Counter(configuration["batch_size"] for configuration in several) for several in (drawn, sample))
    assert all(abs(some[size] - times * count / 100) < 2 for size, times in whole.items())


def test_eight_of_two_hundred_take_about_the_steps_of_all() -> None:
    whole = fmean(steps(configuration, 11_122) for configuration in DRAWN)
    assert fmean(steps(DRAWN[place], 11_122) for place in spread_subset(DRAWN, 8)) == pytest.approx(whole, rel=0.05)


def test_a_subset_of_more_than_there_are_is_all() -> None:
    assert spread_subset(DRAWN[:5], 8) == [0, 1, 2, 3, 4]


def test_an_epoch_s_last_batch_counts_though_it_is_short() -> None:
    assert steps({"epochs": 30, "batch_size": 16}, 33) == 90
    assert steps({"epochs": 30, "batch_size": 16}, 32) == 60
    assert steps({"epochs": 30, "batch_size": 16}, 33, epochs=2) == 6


def test_the_plain_space_has_optuna_s_bounds() -> None:
    distributions = to_distributions(SPACE)
    for plain in plain_space(SPACE):
        distribution = distributions[plain["name"]]
        if isinstance(distribution, optuna.distributions.CategoricalDistribution):
            assert tuple(plain["choices"]) == distribution.choices
            continue
        assert (plain["low"], plain["high"], plain["log"]) == (distribution.low, distribution.high, distribution.log)
        assert plain["whole"] == isinstance(distribution, optuna.distributions.IntDistribution)


def test_a_table_of_one_s_own_is_split_and_scaled(tmp_path: Path) -> None:
    table = write_table(tmp_path / "table.csv", [str(3.0 * row) for row in range(100)])
    problem = prepare_problem(table, "y", tmp_path / "prepared")
    x, y = (np.load(problem.arrays / f"{name}_train.npy") for name in "xy")
    assert problem.rows == {"train": 64, "validation": 16, "test": 20}
    assert x.shape == (64, problem.inputs)
    assert y.std() == pytest.approx(1.0, rel=1e-3)
    assert problem.data == {"csv": str(table), "target": "y"}


@pytest.mark.parametrize(
    ("target", "says"),
    [(["a", "b"] * 50, "y makes a binary task"), (None, "table.csv")],
    ids=["classes", "no file"],
)
def test_a_table_that_will_not_do_is_refused_in_words(tmp_path: Path, target: list[str] | None, says: str) -> None:
    if target is not None:
        write_table(tmp_path / "table.csv", target)
    with pytest.raises(SystemExit, match=says):
        prepare_problem(tmp_path / "table.csv", "y", tmp_path / "prepared")


def test_a_table_needs_its_target() -> None:
    with pytest.raises(SystemExit, match="--csv and --target go together"):
        prepare_problem(Path("table.csv"), None, Path("prepared"))
