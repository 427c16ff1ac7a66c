"""Space <-> Optuna: distributions both ways, and a point from a trial's suggestions."""

from __future__ import annotations

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange
from hpsearch.space.space import Space

# Every use of Optuna comes by this module; it would print a line for each study and each trial.
optuna.logging.set_verbosity(optuna.logging.ERROR)


def to_distribution(domain: Domain) -> BaseDistribution:
    """Return the Optuna distribution of a domain (choices, also a single one, become categories)."""
    if isinstance(domain, IntRange):
        return IntDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
    if isinstance(domain, FloatRange):
        return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
    return CategoricalDistribution(domain.choices)


def from_distribution(distribution: BaseDistribution) -> Domain:
    """Return the domain of an Optuna distribution. Raises TypeError for choices that are no int, float or text."""
    if isinstance(distribution, IntDistribution):
        return IntRange(distribution.low, distribution.high, distribution.step, distribution.log)
    if isinstance(distribution, FloatDistribution):
        return FloatRange(distribution.low, distribution.high, distribution.step, distribution.log)
    if isinstance(distribution, CategoricalDistribution):
        choices = []
        for choice in distribution.choices:
            if isinstance(choice, bool) or not isinstance(choice, int | float | str):
                raise TypeError(f"choice {choice!r} has no place in a space; it takes numbers and text")
            choices.append(choice)
        return Choices(tuple(choices))
    raise TypeError(f"{type(distribution).__name__} has no domain")


def to_distributions(space: Space) -> dict[str, BaseDistribution]:
    """Return every parameter's distribution, inactive layers' widths too.

    A sampler that is asked for all of them in every trial learns across depths; one that is asked only for the active
    ones samples those that differ between trials on their own (multivariate TPE, Optuna 5.0).
    """
    return {parameter.name: to_distribution(parameter.domain) for parameter in space}
