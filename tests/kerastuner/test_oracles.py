"""keras-tuner's tuners propose a study's trials; the journal stays the truth."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from fakes import SMALL, small_space, write_dataset

from hpsearch.errors import SpecError
from hpsearch.search.optuna_study import Asked
from hpsearch.search.oracles import OracleStudy, open_trials
from hpsearch.search.settings import settle
from hpsearch.space.domain import Choices, FloatRange, IntRange, Value
from hpsearch.space.space import Space, build_space, members
from hpsearch.spec import StudySpec, make_spec

pytestmark = pytest.mark.xdist_group("keras-tuner")

NAMES = ("random", "bayesian", "hyperband", "grid")
SPACE = small_space()
BUDGETS = build_space({**SMALL, "epochs": IntRange(1, 9)})


def opened(folder: Path, name: str, space: Space = SPACE, pruner: str = "none", **options: Any) -> OracleStudy:
    values = {"sampler": {"name": f"keras-tuner/{name}", **options}, "pruner": pruner, "seed": 3}
    study = open_trials(folder / "optuna.journal", spec({"search": values}).search, space, "minimize", 9)
    assert isinstance(study, OracleStudy)
    return study


def spec(values: dict[str, Any]) -> StudySpec:
    return make_spec({"data": {"sklearn": "diabetes"}} | values)


def asked(study: OracleStudy) -> Asked:
    trial = study.ask()
    assert trial is not None
    return trial


def worth(configuration: Any) -> float:
    return float(configuration["learning_rate"]) + 1 / int(configuration["epochs"])


def run(study: OracleStudy, trials: int) -> list[dict[str, Value]]:
    seen = []
    for _ in range(trials):
        trial = asked(study)
        study.tell(trial.number, "completed", worth(trial.configuration))
        seen.append(dict(trial.configuration))
    return seen


@pytest.mark.parametrize("name", NAMES)
def test_what_it_proposes_lies_in_the_space_and_has_active_parameters_alone(tmp_path: Path, name: str) -> None:
    space = BUDGETS if name == "hyperband" else SPACE
    seen = run(opened(tmp_path, name, space), 12)
    assert [space.faults(configuration) for configuration in seen] == [[]] * 12
    assert len({str(configuration) for configuration in seen}) == 12


@pytest.mark.parametrize("name", ["random", "grid"])
def test_the_top_of_a_range_with_a_step_is_proposed_and_known_again(tmp_path: Path, name: str) -> None:
    space = build_space({**SMALL, "dropout": FloatRange(0.0, 0.6, 0.2), "hidden_layers": Choices((1,))})
    (dropout,) = (p for p in space if p.name == "dropout")
    seen = {configuration["dropout"] for configuration in run(opened(tmp_path, name, space), 20)}
    seen |= {configuration["dropout"] for configuration in run(opened(tmp_path, name, space), 20)}
    assert seen == set(members(dropout.domain))
    assert max(seen) == 0.6


def test_bayesian_optimization_fits_its_model_to_what_it_is_told(tmp_path: Path) -> None:
    alone = build_space({**SMALL, "hidden_layers": Choices((0,))})
    study = opened(tmp_path, "bayesian", alone, num_initial_points=3)
    seen = run(study, 3)
    assert list(study._oracle._vectorize_trials()[1]) == [worth(configuration) for configuration in seen]
    assert not hasattr(study._oracle.gpr, "X_train_")
    assert alone.contains(asked(study).configuration)
    assert len(study._oracle.gpr.X_train_) == 3


def test_hyperband_s_epochs_are_the_trial_s(tmp_path: Path) -> None:
    study = opened(tmp_path, "hyperband", BUDGETS)
    seen = run(study, 20)
    first = study._oracle._get_size(2, 0)
    assert [c["epochs"] for c in seen[:first]] == [1] * first
    grown = seen[first]
    assert grown["epochs"] == 3
    best = min(seen[:first], key=worth)
    assert grown | {"epochs": 1} == best


@pytest.mark.parametrize("name", NAMES)
def test_a_study_that_is_opened_again_knows_what_was_tried(tmp_path: Path, name: str) -> None:
    space = BUDGETS if name == "hyperband" else SPACE
    first = opened(tmp_path, name, space)
    seen = run(first, 11)
    again = opened(tmp_path, name, space)
    assert scores(again) == scores(first)
    if name == "hyperband":
        assert again._oracle._brackets == first._oracle._brackets
    later = run(again, 5)
    assert not {str(c) for c in later} & {str(c) for c in seen}


def scores(study: OracleStudy) -> dict[str, tuple[str, float | None]]:
    return {name: (trial.status, trial.score) for name, trial in study._oracle.trials.items()}


def test_a_trial_that_is_run_again_is_one_to_the_oracle(tmp_path: Path) -> None:
    study = opened(tmp_path, "random")
    lost = asked(study)
    study.tell(lost.number, "interrupted", None)
    study.enqueue(lost.configuration, retry_of=lost.number)
    again = opened(tmp_path, "random")
    retried = asked(again)
    assert (retried.retry_of, retried.configuration) == (lost.number, lost.configuration)
    again.tell(retried.number, "completed", 0.5)
    assert list(scores(again).values()) == [("COMPLETED", 0.5)]


def test_a_failed_trial_has_no_score_and_a_pruned_one_its_last(tmp_path: Path) -> None:
    study = opened(tmp_path, "random", pruner="median")
    failed, pruned = asked(study), asked(study)
    study.tell(failed.number, "failed", None)
    step = min(study._reports)
    study.report(pruned.number, step, 0.75)
    study.tell(pruned.number, "pruned", None)
    assert list(scores(study).values()) == [("FAILED", None), ("COMPLETED", 0.75)]


def test_the_study_file_s_own_first_trials_are_told_to_it(tmp_path: Path) -> None:
    study = opened(tmp_path, "random")
    study.enqueue(SPACE.defaults())
    first = asked(study)
    assert first.configuration == SPACE.defaults()
    study.tell(first.number, "completed", 0.25)
    assert scores(study) == {"own-0": ("COMPLETED", 0.25)}


def test_a_grid_ends_when_all_is_tried(tmp_path: Path) -> None:
    small = build_space({**SMALL, "hidden_layers": Choices((0, 1)), "learning_rate": Choices((0.1, 0.01))})
    study = opened(tmp_path, "grid", small)
    assert len(run(study, 10)) == small.count() == 10
    assert study.ask() is None


def test_nothing_is_pruned_unless_the_file_asks_for_it() -> None:
    assert spec({"search": {"sampler": "keras-tuner/bayesian"}}).search.pruner.name == "none"
    asked_for = {"sampler": "keras-tuner/bayesian", "pruner": "median"}
    assert spec({"search": asked_for}).search.pruner.name == "median"
    with pytest.raises(SpecError, match=r"search.pruner.*decides how long a trial trains"):
        spec({"search": {"sampler": "keras-tuner/hyperband", "pruner": "median"}})


def test_hyperband_has_the_epochs_from_one_to_the_most() -> None:
    study = spec({"search": {"sampler": "keras-tuner/hyperband"}, "space": {"epochs": {"low": 20, "high": 81}}})
    assert next(p.domain for p in study.build_space() if p.name == "epochs") == IntRange(1, 81)


def test_without_keras_tuner_the_command_that_installs_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keras_tuner", None)
    with pytest.raises(SpecError, match=r'pip install "hpsearch\[keras-tuner\]"'):
        settle(spec({"search": {"sampler": "keras-tuner/random"}}), write_dataset(tmp_path / "data"))
