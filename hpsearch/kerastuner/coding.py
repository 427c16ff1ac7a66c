"""One of keras-tuner's hyperparameters as a question that Optuna can be asked, and the answer back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras_tuner.engine import hyperparameters as kt

from hpsearch.kerastuner.spaces import domain_of
from hpsearch.space.domain import Domain, FloatRange, IntRange, Value
from hpsearch.space.space import members as domain_members

_BELOW_ONE = 1.0 - 1e-12
"""keras-tuner's places are."""


@dataclass(frozen=True)
class Coding:
    """A name and a domain for Optuna, with the way from its values to keras-tuner's and back."""

    name: str
    domain: Domain
    decode: Callable[[Value], Value]
    encode: Callable[[Value], Value]


def coding_of(entry: Any) -> Coding:
    """Return how to ask for a hyperparameter.

    What Optuna has no distribution for (reverse_log; log with a step) is asked for as a place: the share of the range
    below it, or its index on the grid. keras-tuner's own formula makes the value of it.
    """
    name = question(entry)
    try:
        return Coding(name, domain_of(entry), _same, _same)
    except ValueError:
        pass

    def within(value: Value) -> Value:
        """Keep to the range: rounding leaves it, and so does keras-tuner's reverse_log of whole numbers, by one."""
        inside: Value = min(max(value, entry.min_value), entry.max_value)
        return inside

    if entry.step is None:
        return Coding(
            name,
            FloatRange(0.0, 1.0),
            lambda place: within(entry.prob_to_value(min(float(place), _BELOW_ONE))),
            lambda value: min(max(float(entry.value_to_prob(within(value))), 0.0), 1.0),
        )
    count = len(list(entry.values))
    return Coding(
        name,
        IntRange(0, count - 1),
        lambda index: within(entry.prob_to_value((float(index) + 0.5) / count)),
        lambda value: min(max(round(entry.value_to_prob(within(value)) * count - 0.5), 0), count - 1),
    )


def question(entry: Any) -> str:
    """Return the name that Optuna knows it by: keras-tuner tells hyperparameters of one name by their conditions."""
    conditions = [f"{condition.name} in {condition.values}" for condition in entry.conditions]
    return str(entry.name) + (f" if {' and '.join(conditions)}" if conditions else "")


def members(entry: Any) -> list[Value]:
    """Return the values that a grid takes, the default first: all there are, of a continuum ten, evenly spread."""
    try:
        domain = domain_of(entry)
    except ValueError:
        found = sorted(entry.values)
    else:
        found = _values(entry, domain)
    default = entry.default
    return [default, *(value for value in found if value != default)] if default in found else found


def is_continuous(entry: Any) -> bool:
    """Tell whether there are more values than a grid could have."""
    return isinstance(entry, kt.Float) and entry.step is None and entry.min_value < entry.max_value


def _values(entry: Any, domain: Domain) -> list[Value]:
    if (isinstance(domain, FloatRange) and domain.step is not None) or (
        isinstance(domain, IntRange) and not domain.log
    ):
        return domain_members(domain)
    found = list(entry.values)
    return sorted(found) if isinstance(domain, IntRange | FloatRange) else found


def _same(value: Value) -> Value:
    return value
