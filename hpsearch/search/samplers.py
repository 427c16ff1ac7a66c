"""A sampler by name: what a study file calls it -> Optuna's object, its seed stated."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import optuna

from hpsearch.errors import Fault, SpecError
from hpsearch.search.options import make_named
from hpsearch.search.tpe import QuickTPESampler
from hpsearch.space.domain import Choices, Domain, IntRange, Value
from hpsearch.space.space import Space
from hpsearch.spec.sections import NamedOptions
from hpsearch.spec.strategies import KERAS_TUNER

_SAMPLERS: dict[str, tuple[Callable[..., optuna.samplers.BaseSampler], dict[str, Any]]] = {
    "tpe": (QuickTPESampler, {"multivariate": True, "constant_liar": True}),
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
    if named.name.startswith(KERAS_TUNER):  # Optuna is handed what keras-tuner proposes, and draws nothing
        named = NamedOptions(name="random")
    make, defaults = _SAMPLERS[named.name]
    return make_named("sampler", make, named, defaults | {"seed": (seed + 1_000_003 * told) % 2**32})


def grid(space: Space, seed: int) -> Iterator[dict[str, Value]]:
    """Yield every configuration of a space once, in a shuffled order; raises SpecError where parameters are continuous.

    Optuna's grid counts points; this one counts configurations, so a width that a shallower net lacks costs nothing.
    """
    if endless := space.continuous():
        message = "is continuous, which a grid cannot walk; list choices or give a step"
        raise SpecError([Fault(f"space.{row}", f"{row} {message}") for row in endless])
    nets = list(space.structures())
    return _walk(nets, seed)


LARGEST_SHUFFLE = 1_000_000


def _walk(nets: list[dict[str, Domain]], seed: int) -> Iterator[dict[str, Value]]:
    """Yield the products of several domains in one shuffled order; of more than a million in strides."""
    sizes = [math.prod(domain.count() or 0 for domain in net.values()) for net in nets]
    total, draw = sum(sizes), np.random.default_rng(seed)
    if total <= LARGEST_SHUFFLE:
        order: Iterable[int] = (int(index) for index in draw.permutation(total))
    else:
        # A stride that shares no factor with the total comes by every index once; near the golden ratio of the total,
        # the first few are spread evenly over all of them.
        stride = next(s for s in itertools.count(int(total * 0.6180339887)) if math.gcd(s, total) == 1)
        first = int(draw.integers(LARGEST_SHUFFLE))
        order = ((first + i * stride) % total for i in range(total))
    for index in order:
        rest = index
        for net, size in zip(nets, sizes, strict=True):
            if rest < size:
                yield _at(net, rest)
                break
            rest -= size


def _at(net: dict[str, Domain], index: int) -> dict[str, Value]:
    configuration = {}
    for name, domain in net.items():
        index, at = divmod(index, domain.count() or 1)
        configuration[name] = _member(domain, at)
    return configuration


def _member(domain: Domain, index: int) -> Value:
    """Return a value of a domain by its place: a list of all would not fit in memory, where a step makes a billion."""
    if isinstance(domain, Choices):
        return domain.choices[index]
    if isinstance(domain, IntRange):
        return domain.low + index * domain.step
    return domain.nearest(domain.low + index * (domain.step or 0.0))
