from __future__ import annotations

import optuna
import pytest

from hpsearch.errors import SpecError
from hpsearch.search.pruners import make_pruner
from hpsearch.spec.sections import NamedOptions
from hpsearch.spec.strategies import PRUNERS

NEEDED = {"threshold": {"upper": 100.0}}


def first_pruned(name: str, steps: int, **options: object) -> int | None:
    """Return the step at which a hopeless trial is pruned, after ten good ones."""
    pruner = make_pruner(NamedOptions(name=name, options=NEEDED.get(name, {}) | options), steps)
    study = optuna.create_study(study_name="study", pruner=pruner)  # hyperband draws brackets by name and number
    for _ in range(10):
        trial = study.ask()
        for step in range(1, steps + 1):
            trial.report(1.0, step)
            trial.should_prune()
        study.tell(trial, 1.0)
    trial = study.ask()
    for step in range(1, steps + 1):
        trial.report(1000.0 + step, step)
        if trial.should_prune():
            return step
    return None


@pytest.mark.parametrize(
    ("name", "step"),
    [("median", 5), ("percentile", 5), ("successive_halving", 3), ("threshold", 1), ("none", None), ("patient", 7)],
)
def test_a_hopeless_trial_of_many_epochs_is_pruned_in_time(name: str, step: int | None) -> None:
    assert first_pruned(name, 30) == step


def test_hyperband_prunes_before_the_last_epoch() -> None:
    step = first_pruned("hyperband", 30)
    assert step is not None
    assert step < 30


@pytest.mark.parametrize("folds", [2, 3, 5, 10])
@pytest.mark.parametrize("name", ["median", "percentile", "successive_halving"])
def test_folds_are_few_and_yet_a_hopeless_trial_does_not_see_the_last(name: str, folds: int) -> None:
    step = first_pruned(name, folds)
    assert step is not None
    assert step < folds


def test_options_reach_optuna() -> None:
    assert first_pruned("median", 30, n_warmup_steps=12) == 12
    assert first_pruned("threshold", 30, upper=1010.5) == 11


@pytest.mark.parametrize("name", PRUNERS)
@pytest.mark.parametrize("steps", [1, 2, 3, 100])
def test_every_pruner_is_made_for_any_number_of_steps(name: str, steps: int) -> None:
    first_pruned(name, steps)


def test_a_least_resource_above_the_most_is_refused() -> None:
    with pytest.raises(SpecError, match=r"min_resource 50 is above max_resource 30 \(by default a trial's steps\)"):
        make_pruner(NamedOptions(name="hyperband", options={"min_resource": 50}), 30)
    make_pruner(NamedOptions(name="hyperband", options={"min_resource": 50, "max_resource": "auto"}), 30)
