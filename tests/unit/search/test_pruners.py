from __future__ import annotations

import optuna
import pytest

from hpsearch.errors import SpecError
from hpsearch.search.pruners import make_pruner, reporting_steps
from hpsearch.spec.sections import NamedOptions
from hpsearch.spec.strategies import PRUNERS

NEEDED = {"threshold": {"upper": 100.0}}


def named(name: str, **options: object) -> NamedOptions:
    return NamedOptions(name=name, options=NEEDED.get(name, {}) | options)


def first_pruned(name: str, steps: int, **options: object) -> int | None:
    """Return the step at which a hopeless trial is pruned, after ten good ones, told at the steps it wants alone."""
    pruner, told = make_pruner(named(name, **options), steps), reporting_steps(named(name, **options), steps)
    study = optuna.create_study(study_name="study", pruner=pruner)  # hyperband draws brackets by name and number
    for _ in range(10):
        trial = study.ask()
        for step in sorted(told):
            trial.report(1.0, step)
            trial.should_prune()
        study.tell(trial, 1.0)
    trial = study.ask()
    for step in sorted(told):
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


@pytest.mark.parametrize("name", ["median", "percentile", "successive_halving", "hyperband"])
@pytest.mark.parametrize("steps", [30, 100, 500])
def test_rules_that_compare_trials_are_told_about_ten_times(name: str, steps: int) -> None:
    told = reporting_steps(named(name), steps)
    assert 2 <= len(told) <= 10
    assert max(told) < steps


@pytest.mark.parametrize("name", ["patient", "threshold"])
def test_rules_whose_options_count_epochs_are_told_of_each(name: str) -> None:
    assert reporting_steps(named(name), 30) == set(range(1, 31))


def test_without_a_pruner_nothing_is_told() -> None:
    assert reporting_steps(named("none"), 30) == set()


def test_the_end_of_a_warm_up_is_told() -> None:
    assert min(reporting_steps(named("median", n_warmup_steps=12), 100)) == 12
    assert min(reporting_steps(named("median", n_warmup_steps=0), 100)) == 1


@pytest.mark.parametrize(("name", "factor"), [("hyperband", 3), ("successive_halving", 4)])
def test_halving_is_told_at_its_own_resources(name: str, factor: int) -> None:
    assert reporting_steps(named(name), 100) == {step for k in range(5) if (step := 3 * factor**k) < 100}
    assert reporting_steps(named(name, min_resource=2, reduction_factor=5), 100) == {2, 10, 50}


@pytest.mark.parametrize(("name", "option"), [("hyperband", "max_resource"), ("successive_halving", "min_resource")])
def test_a_rule_that_finds_its_resources_out_is_told_from_the_first_step_to_the_last(name: str, option: str) -> None:
    told = reporting_steps(named(name, **{option: "auto"}), 100)
    assert {1, 100} <= told
    assert len(told) <= 10
