from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.samplers import TPESampler
from optuna.samplers._tpe import _truncnorm
from optuna.trial import TrialState

from hpsearch.search.tpe import QuickTPESampler, scipy_normal
from hpsearch.space.optuna import to_distributions
from hpsearch.spec.sections import SpaceSection

SPACE = to_distributions(SpaceSection().build())


def told(study: optuna.Study, trials: int) -> None:
    """Tell a study trials of every kind, three of them unfinished and one without a parameter."""
    study.sampler = optuna.samplers.RandomSampler(seed=0)
    running = [study.ask(SPACE) for _ in range(3)]
    for number in range(trials):
        trial = study.ask(SPACE)
        trial.report(float(number % 5), 1)
        state = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.COMPLETE, TrialState.FAIL)[number % 4]
        value = number * 37 % 11 + trial.params["dropout"] if state is TrialState.COMPLETE else None
        study.tell(trial, value, state)
    study.tell(running.pop(0), 3.0)


def asked(study: optuna.Study, sampler: TPESampler, times: int = 4) -> list[dict[str, Any]]:
    """Return what a sampler asks for, each trial running while the next is asked for."""
    study.sampler = sampler
    return [study.ask(SPACE).params for _ in range(times)]


def near(configuration: dict[str, Any]) -> dict[str, Any]:
    return {n: pytest.approx(v, rel=1e-6) if isinstance(v, float) else v for n, v in configuration.items()}


@pytest.mark.parametrize("trials", [0, 8, 60])
@pytest.mark.parametrize(
    "options", [{}, {"multivariate": False}, {"constant_liar": False}, {"group": True, "multivariate": True}]
)
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_it_asks_for_what_optunas_own_asks_for(trials: int, options: dict[str, Any]) -> None:
    ours, theirs = optuna.create_study(), optuna.create_study()
    told(ours, trials)
    told(theirs, trials)
    found = asked(ours, QuickTPESampler(seed=1, **options))
    assert found == [near(params) for params in asked(theirs, TPESampler(seed=1, **options))]


def test_a_trial_that_ran_when_it_was_seen_first_is_seen_again_when_it_has_finished() -> None:
    ours, theirs = optuna.create_study(), optuna.create_study()
    for study, sampler in ((ours, QuickTPESampler(seed=1)), (theirs, TPESampler(seed=1))):
        told(study, 40)
        asked(study, sampler)
        study.tell(study.trials[-1].number, -5.0)
        study.tell(study.trials[-2].number, state=TrialState.PRUNED)
    found = asked(ours, ours.sampler)  # type: ignore[arg-type]
    assert found == [near(params) for params in asked(theirs, theirs.sampler)]  # type: ignore[arg-type]


def test_a_trial_without_a_parameter_is_left_out_as_optuna_does() -> None:
    ours, theirs = optuna.create_study(), optuna.create_study()
    for study in (ours, theirs):
        told(study, 40)
        study.add_trial(optuna.trial.create_trial(value=1.0))
    found = asked(ours, QuickTPESampler(seed=1, multivariate=False))
    assert found == [near(params) for params in asked(theirs, TPESampler(seed=1, multivariate=False))]


@pytest.mark.parametrize(("name", "low"), [("_log_ndtr", -300.0), ("erf", -6.0)])
def test_the_functions_that_stand_in_give_optunas_numbers(name: str, low: float) -> None:
    x = np.linspace(low, 8.0, 2001)
    own = getattr(_truncnorm, name)
    with scipy_normal():
        stand_in = getattr(_truncnorm, name)
    assert stand_in is not own
    np.testing.assert_allclose(stand_in(x), own(x), rtol=1e-9, atol=1e-15)


def test_optuna_has_its_own_back_even_after_an_error() -> None:
    own = _truncnorm._log_ndtr
    with pytest.raises(KeyError), scipy_normal():
        raise KeyError
    assert _truncnorm._log_ndtr is own


def test_an_optuna_without_these_functions_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType("other")
    monkeypatch.setitem(sys.modules, "optuna.samplers._tpe._truncnorm", other)
    with scipy_normal():
        assert not hasattr(other, "_log_ndtr")


def test_optuna_still_has_the_place_where_values_are_remembered() -> None:
    assert callable(TPESampler._get_internal_repr)
