"""The search space of one study: the table's rows as parameters, and which of them a net really has."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hpsearch.errors import as_written, suggestion
from hpsearch.space.domain import Choices, Domain, Value, describe
from hpsearch.space.table import ROWS, TABLE, Row

Configuration = Mapping[str, Value]
"""One point of a space, active parameters only: a two-layer net has no `neurons_3`."""


@dataclass(frozen=True)
class Parameter:
    """A row of the table as this study searches it; `layer` counts from 1 where there is one for each layer."""

    name: str
    domain: Domain
    row: Row
    layer: int | None = None

    def active(self, hidden_layers: int) -> bool:
        """Tell whether a net with that many hidden layers has this parameter."""
        return not self.row.needs_hidden or hidden_layers >= (self.layer or 1)


@dataclass(frozen=True)
class Space:
    """The parameters in the table's order. A *point* names all of them, a *configuration* the active ones."""

    parameters: tuple[Parameter, ...]

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def active(self, point: Mapping[str, Value]) -> dict[str, Value]:
        """Return the configuration of a point: the parameters that its net has, in order."""
        depth = int(point["hidden_layers"])
        return {p.name: point[p.name] for p in self.parameters if p.active(depth)}

    def faults(self, configuration: Configuration) -> list[str]:
        """Say what keeps a configuration out of this space: missing, inactive, unknown, out of range."""
        depth = configuration.get("hidden_layers")
        if not isinstance(depth, int) or isinstance(depth, bool):
            found = "is missing" if depth is None else f"{as_written(depth)} is not a whole number"
            return [f"hidden_layers {found}; it decides which other parameters exist; give it first"]
        known = {p.name: p for p in self.parameters}
        if "hidden_layers" in known and not known["hidden_layers"].domain.contains(depth):
            return [_outside(known["hidden_layers"], depth)]
        faults = [
            f"{as_written(n)} is not in this space{suggestion(n, known)}" for n in configuration if n not in known
        ]
        for parameter in self.parameters:
            name, given = parameter.name, configuration.get(parameter.name)
            if name not in configuration:
                faults += [f"{name} is missing; it takes {describe(parameter.domain)}; add it"] * parameter.active(
                    depth
                )
            elif not parameter.active(depth):
                layers = f"{depth} hidden layer{'s' if depth != 1 else ''}"
                faults.append(f"{name} does not exist in a net with {layers}; remove it, or give more hidden_layers")
            elif not parameter.domain.contains(given):
                faults.append(_outside(parameter, given))
        return faults

    def contains(self, configuration: Configuration) -> bool:
        """Tell whether a configuration has exactly the active parameters, each in its domain."""
        return not self.faults(configuration)

    def completed(self, configuration: Configuration) -> dict[str, Value]:
        """Return a configuration with the active parameters added that this space leaves no choice of."""
        only = {p.name: p.domain.nearest(p.row.usual) for p in self.parameters if p.domain.count() == 1}
        depth = configuration.get("hidden_layers", only.get("hidden_layers"))
        added = {
            p.name: only[p.name]
            for p in self.parameters
            if p.name in only and isinstance(depth, int) and p.active(depth) and p.name not in configuration
        }
        return {**configuration, **added}

    def defaults(self) -> dict[str, Value]:
        """Return the configuration a person would try first, moved into this space."""
        return self.active({p.name: p.domain.nearest(p.row.usual) for p in self.parameters})

    def depths(self) -> list[int]:
        """Return the numbers of hidden layers that a net may have."""
        return _depths(next(p.domain for p in self.parameters if p.name == "hidden_layers"))

    def continuous(self) -> list[str]:
        """Return the rows of the table that have no end of values here."""
        return list(dict.fromkeys(p.row.name for p in self.parameters if p.domain.count() is None))

    def count(self) -> int | None:
        """Return the number of distinct configurations; None where a parameter is continuous."""
        total = 0
        for depth in self.depths():
            counts = [p.domain.count() for p in self.parameters if p.active(depth) and p.name != "hidden_layers"]
            if None in counts:
                return None
            total += math.prod(count for count in counts if count is not None)
        return total


def build_space(domains: Mapping[str, Domain], *, per_layer: bool = True) -> Space:
    """Make the space of a study.

    `domains` overrides rows of the table by name; rows not named keep their default range, optional rows stay out
    unless named. With `per_layer` each hidden layer up to the deepest has its own width (`neurons_1`, ...).
    """
    chosen = {row.name: domains.get(row.name, row.default) for row in TABLE if row.name in domains or not row.optional}
    deepest = max(_depths(chosen["hidden_layers"]))
    parameters: list[Parameter] = []
    for name, domain in chosen.items():
        row = ROWS[name]
        if row.needs_hidden and deepest == 0:
            continue
        if row.per_layer and per_layer:
            parameters += [Parameter(f"{name}_{layer}", domain, row, layer) for layer in range(1, deepest + 1)]
        else:
            parameters.append(Parameter(name, domain, row))
    return Space(tuple(parameters))


def _outside(parameter: Parameter, given: object) -> str:
    allowed = describe(parameter.domain)
    return (
        f"{parameter.name} {as_written(given)} is outside {allowed}; give one of these, or widen {parameter.row.name}"
    )


def _depths(domain: Domain) -> list[int]:
    if isinstance(domain, Choices):
        return [int(choice) for choice in domain.choices]
    return list(range(int(domain.low), int(domain.high) + 1, int(domain.step or 1)))


def widths(configuration: Configuration) -> tuple[int, ...]:
    """Return the units of each hidden layer, first to last, whichever way the widths are written."""
    depth = int(configuration["hidden_layers"])
    shared = configuration.get("neurons")
    return tuple(int(configuration[f"neurons_{i}"] if shared is None else shared) for i in range(1, depth + 1))


def configuration_key(configuration: Configuration) -> str:
    """Return a text that is equal for equal configurations, whatever their order, and whether 0 stands as 0 or 0.0."""
    values = {n: int(v) if isinstance(v, float) and v.is_integer() else v for n, v in configuration.items()}
    return json.dumps(values, sort_keys=True)
