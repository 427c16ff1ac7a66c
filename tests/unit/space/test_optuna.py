from __future__ import annotations

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
    json_to_distribution,
)

from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange
from hpsearch.space.optuna import from_distribution, to_distribution, to_distributions
from hpsearch.space.space import Space
from hpsearch.space.table import TABLE

from .domains import domains, spaces

any_domain = st.one_of([domains(row) for row in TABLE])


@given(any_domain)
@settings(deadline=None)
def test_a_domain_comes_back_from_optuna_as_it_was(domain: Domain) -> None:
    distribution = to_distribution(domain)
    assert from_distribution(distribution) == domain
    assert from_distribution(json_to_distribution(distribution_to_json(distribution))) == domain


@pytest.mark.parametrize(
    ("domain", "distribution"),
    [
        (IntRange(1, 9, 2), IntDistribution(1, 9, step=2)),
        (IntRange(1, 9, log=True), IntDistribution(1, 9, log=True)),
        (FloatRange(0.1, 0.5), FloatDistribution(0.1, 0.5)),
        (FloatRange(0.0, 0.5, 0.1), FloatDistribution(0.0, 0.5, step=0.1)),
        (Choices(("a", 1, 0.5)), CategoricalDistribution(("a", 1, 0.5))),
        (Choices((50,)), CategoricalDistribution((50,))),
    ],
)
def test_fields_keep_their_names(domain: Domain, distribution: BaseDistribution) -> None:
    assert to_distribution(domain) == distribution


@pytest.mark.parametrize("choice", [True, None])
def test_a_choice_that_is_no_number_and_no_text_has_no_place(choice: object) -> None:
    with pytest.raises(TypeError, match="has no place in a space; it takes numbers and text"):
        from_distribution(CategoricalDistribution((choice, 1)))


@given(spaces())
@settings(deadline=None, max_examples=30)
def test_what_optuna_draws_lies_in_the_space_and_has_active_parameters_only(space: Space) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(3):
        trial = study.ask(fixed_distributions=to_distributions(space))
        configuration = space.active(trial.params)
        assert space.faults(configuration) == []
        study.tell(trial, 0.0)


@given(spaces())
@settings(deadline=None)
def test_the_widths_of_the_deepest_net_are_always_asked_for(space: Space) -> None:
    assert list(to_distributions(space)) == [parameter.name for parameter in space]
