from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sample_studies import write_study

from hpsearch.app.check import check
from hpsearch.errors import SpecError

IRIS: dict[str, Any] = {"name": "iris", "data": {"sklearn": "iris"}, "search": {"trials": 30, "workers": 2}}


def test_it_tells_what_the_study_will_do(tmp_path: Path) -> None:
    found = check(write_study(tmp_path, IRIS), store=tmp_path / "store")
    assert (found.study, found.task, found.objective, found.inputs) == ("iris", "multiclass", "log_loss", 4)
    assert found.rows == {"train": 96, "validation": 24, "test": 30, "total": 150}
    assert (found.trials, found.workers, found.configurations) == (30, 2, None)
    assert found.read == {"name": "iris", "data.sklearn": "iris", "search.trials": 30, "search.workers": 2}
    assert 0 < found.step_seconds < found.estimated_seconds
    assert found.store.folder == str(tmp_path / "store")
    assert 5_000_000 < found.store.needed < 100_000_000 < found.store.free


def test_it_makes_no_study(tmp_path: Path) -> None:
    check(write_study(tmp_path, IRIS), store=tmp_path / "store")
    assert not (tmp_path / "store" / "studies").exists()


def test_a_grid_takes_no_more_trials_than_it_has_points(tmp_path: Path) -> None:
    space = {
        "hidden_layers": 0,
        "optimizer": ["adam", "sgd"],
        "learning_rate": [0.1, 0.01],
        "batch_size": 32,
        "epochs": 5,
    }
    grid = IRIS | {"space": space, "search": {"sampler": "grid", "trials": 30}}
    found = check(write_study(tmp_path, grid), store=tmp_path / "store")
    assert (found.configurations, found.trials) == (4, 4)
    assert found.notes[-1] == "the grid has 4 configurations; the search ends with the last, before 30 trials"


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ({"objective": "rmse"}, "'rmse' does not fit a multiclass task"),
        ({"loss": "mse"}, "'mse' does not fit a multiclass task"),
        ({"sampler": {"name": "tpe", "n_startup_trails": 3}}, "n_startup_trails"),
        ({"pruner": {"name": "median", "warmup": 3}}, "warmup"),
        ({"sampler": "grid"}, "dropout"),
    ],
)
def test_what_run_would_refuse_is_refused_before_a_net_is_trained(
    tmp_path: Path, search: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        check(write_study(tmp_path, IRIS | {"search": search}), store=tmp_path / "store")


def test_a_column_that_gives_the_target_away_is_told(tmp_path: Path) -> None:
    rows = [f"{(7 * row) % 60},{row % 5},{3 * ((7 * row) % 60)}" for row in range(60)]
    (tmp_path / "leak.csv").write_text("\n".join(["copied,other,y", *rows]) + "\n")
    leak = {"name": "leak", "data": {"csv": "leak.csv", "target": "y"}}
    found = check(write_study(tmp_path, leak), store=tmp_path / "store")
    assert "'copied' alone reproduces the target" in found.warnings[0]
