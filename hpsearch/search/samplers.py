"""A sampler by name: what a study file calls it -> Optuna's object, its seed stated."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import optuna

from hpsearch.errors import Fault, SpecError
from hpsearch.search.options import make_named
from hpsearch.space.domain import Choices, IntRange, Value
from hpsearch.space.space import Space, configuration_key
from hpsearch.spec.sections import NamedOptions

_SAMPLERS: dict[str, tuple[Callable[..., optuna.samplers.BaseSampler], dict[str, Any]]] = {
    "tpe": (optuna.samplers.TPESampler, {"multivariate": True, "constant_liar": True}),
    "random": (optuna.samplers.RandomSampler, {}),
    "grid": (optuna.samplers.RandomSampler, {}),
    "qmc": (optuna.samplers.QMCSampler, {"warn_independent_sampling": False, "warn_asynchronous_seeding": False}),
    "cmaes": (optuna.samplers.CmaEsSampler, {"warn_independent_sampling": False}),
    "nsga2": (optuna.samplers.NSGAIISampler, {}),
}


def make_sampler(named: NamedOptions, seed: int, told: int) -> optuna.samplers.BaseSampler:
    """Return the sampler of a study in which `told` trials exist already.

    The seed takes `told` in, since an Optuna sampler made again with the same seed draws its first points again.
    Raises SpecError for options that the sampler does not have.
    """
    make, defaults = _SAMPLERS[named.name]
    return make_named("sampler", make, named, defaults | {"seed": (seed + 1_000_003 * told) % 2**32})


def grid(space: Space, seed: int) -> Iterator[dict[str, Value]]:
    """Yield every configuration of a space once, in a shuffled order; raises SpecError where a parameter is continuous.

    Optuna's grid counts points; this one counts configurations, so a width that a shallower net lacks costs nothing.
    """
    values = {parameter.name: _members(parameter.name, parameter.domain) for parameter in space}
    return _distinct(space, values, seed)


def _distinct(space: Space, values: dict[str, list[Value]], seed: int) -> Iterator[dict[str, Value]]:
    total = math.prod(len(members) for members in values.values())
    seen: set[str] = set()
    order = np.random.default_rng(seed).permutation(total) if total <= 10_000_000 else range(total)
    for index in order:
        point, rest = {}, int(index)
        for name, members in values.items():
            rest, at = divmod(rest, len(members))
            point[name] = members[at]
        configuration = space.active(point)
        key = configuration_key(configuration)
        if key not in seen:
            seen.add(key)
            yield configuration


def _members(name: str, domain: Any) -> list[Value]:
    count = domain.count()
    if count is None:
        message = f"{name} is continuous, which a grid cannot walk; list choices or give a step"
        raise SpecError(
            [Fault(f"space.{name.split('_', maxsplit=1)[0] if name.startswith('neurons') else name}", message)]
        )
    if isinstance(domain, Choices):
        return list(domain.choices)
    if isinstance(domain, IntRange):
        return list(range(domain.low, domain.high + 1, domain.step))
    return [domain.low + index * (domain.step or 0.0) for index in range(count)]
