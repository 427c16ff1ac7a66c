"""The search space of one study: its parameters, and which of them a net really has."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hpsearch.errors import as_written, suggestion
from hpsearch.space.domain import Choices, Domain, IntRange, Value, describe
from hpsearch.space.table import ROWS, TABLE, Row

Configuration = Mapping[str, Value]
"""One point of a space, active parameters only: a two-layer net has no `neurons_3`."""


@dataclass(frozen=True)
class Condition:
    """Holds where another parameter is there and has one of some values."""

    parent: str
    values: tuple[Value, ...]

    def holds(self, values: Mapping[str, object]) -> bool:
        """Tell whether it does, among the values of active parameters."""
        return self.parent in values and values[self.parent] in self.values


@dataclass(frozen=True)
class Parameter:
    """A row of the table, or of a hypermodel, as this study searches it; `layer` counts from 1 where there is one each.

    needs: what a net must be to have it: all conditions of one of these; () for a parameter that every net has. The
    parents stand before it in the space.
    """

    name: str
    domain: Domain
    row: Row
    layer: int | None = None
    needs: tuple[tuple[Condition, ...], ...] = ()

    def active(self, values: Mapping[str, object]) -> bool:
        """Tell whether the net that active parameters of these values make has this parameter."""
        return not self.needs or any(all(c.holds(values) for c in conditions) for conditions in self.needs)

    def parents(self) -> list[str]:
        """Return the parameters that decide whether a net has it."""
        return list(dict.fromkeys(c.parent for conditions in self.needs for c in conditions))


@dataclass(frozen=True)
class Space:
    """The parameters in the table's order. A *point* names all of them, a *configuration* the active ones."""

    parameters: tuple[Parameter, ...]

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    @property
    def tabular(self) -> bool:
        """Whether it is of the table's nets; else a hypermodel says what its parameters mean."""
        return any(p.row is ROWS["hidden_layers"] for p in self.parameters)

    def active(self, point: Mapping[str, Value]) -> dict[str, Value]:
        """Return the configuration of a point: the parameters that its net has, in order."""
        configuration: dict[str, Value] = {}
        for parameter in self.parameters:
            if parameter.active(configuration):
                configuration[parameter.name] = point[parameter.name]
        return configuration

    def faults(self, configuration: Configuration) -> list[str]:
        """Say what keeps a configuration out of this space: missing, inactive, unknown, out of range."""
        known = {p.name: p for p in self.parameters}
        if self.tabular and (fault := _depth_fault(known.get("hidden_layers"), configuration.get("hidden_layers"))):
            return [fault]
        faults = [
            f"{as_written(n)} is not in this space{suggestion(n, known)}" for n in configuration if n not in known
        ]
        there: dict[str, object] = {}
        for parameter in self.parameters:
            name, given = parameter.name, configuration.get(parameter.name)
            active = parameter.active(there)
            if active and name in configuration:
                there[name] = given
            if name not in configuration:
                faults += [f"{name} is missing; it takes {describe(parameter.domain)}; add it"] * active
            elif not active:
                faults.append(f"{name} does not exist in a net with {self._why_not(parameter, configuration)}")
            elif not parameter.domain.contains(given):
                faults.append(_outside(parameter, given))
        return faults

    def _why_not(self, parameter: Parameter, configuration: Configuration) -> str:
        if self.tabular:
            depth = configuration["hidden_layers"]
            layers = f"{depth} hidden layer{'s' if depth != 1 else ''}"
            return f"{layers}; remove it, or give more hidden_layers"
        found = [f"{p} {configuration[p]}" if p in configuration else f"no {p}" for p in parameter.parents()]
        return f"{' and '.join(found)}; remove it"

    def contains(self, configuration: Configuration) -> bool:
        """Tell whether a configuration has exactly the active parameters, each in its domain."""
        return not self.faults(configuration)

    def completed(self, configuration: Mapping[str, Value]) -> dict[str, Value]:
        """Return a configuration with the active parameters added that this space leaves no choice of.

        A hypermodel's true and false are written as texts.
        """
        values = {name: self._as_text(name, value) for name, value in configuration.items()}
        if self.tabular and not isinstance(values.get("hidden_layers", 0), int):
            return values
        for parameter in self.parameters:
            if parameter.name not in values and parameter.domain.count() == 1 and parameter.active(values):
                values[parameter.name] = parameter.domain.nearest(parameter.row.usual)
        return values

    def _as_text(self, name: str, value: Value) -> Value:
        domain = next((p.domain for p in self.parameters if p.name == name), None)
        text = str(value).lower()
        return text if isinstance(value, bool) and isinstance(domain, Choices) and text in domain.choices else value

    def defaults(self) -> dict[str, Value]:
        """Return the configuration a person would try first, moved into this space."""
        return self.active({p.name: p.domain.nearest(p.row.usual) for p in self.parameters})

    def continuous(self) -> list[str]:
        """Return the rows of the table that have no end of values here."""
        return list(dict.fromkeys(p.row.name for p in self.parameters if p.domain.count() is None))

    def count(self) -> int | None:
        """Return the number of distinct configurations; None where a parameter is continuous."""
        total = 0
        for structure in self.structures():
            counts = [domain.count() for domain in structure.values()]
            if None in counts:
                return None
            total += math.prod(count for count in counts if count is not None)
        return total

    def structures(self) -> Iterator[dict[str, Domain]]:
        """Yield each kind of net once, as the domains of the parameters that it has.

        Those that decide which others there are, are narrowed to the values that make this kind.
        """
        deciding: dict[str, list[Value]] = {}
        for parameter in self.parameters:
            for condition in (c for conditions in parameter.needs for c in conditions):
                deciding.setdefault(condition.parent, []).extend(condition.values)
        yield from self._structures(0, {}, {}, deciding)

    def _structures(
        self, at: int, chosen: dict[str, Domain], known: dict[str, Value], deciding: Mapping[str, list[Value]]
    ) -> Iterator[dict[str, Domain]]:
        if at == len(self.parameters):
            yield chosen
            return
        parameter = self.parameters[at]
        if not parameter.active(known):
            yield from self._structures(at + 1, chosen, known, deciding)
        elif parameter.name not in deciding:
            yield from self._structures(at + 1, {**chosen, parameter.name: parameter.domain}, known, deciding)
        else:
            for part in _parts(parameter.domain, deciding[parameter.name]):
                value = {} if not isinstance(part, Choices) else {parameter.name: part.choices[0]}
                following = {**chosen, parameter.name: part}
                yield from self._structures(at + 1, following, {**known, **value}, deciding)


def build_space(domains: Mapping[str, Domain], *, per_layer: bool = True) -> Space:
    """Make the space of a study.

    `domains` overrides rows of the table by name; rows not named keep their default range, optional rows stay out
    unless named. With `per_layer` each hidden layer up to the deepest has its own width (`neurons_1`, ...).
    """
    chosen = {row.name: domains.get(row.name, row.default) for row in TABLE if row.name in domains or not row.optional}
    deepest = max(int(depth) for depth in members(chosen["hidden_layers"]))
    parameters: list[Parameter] = []
    for name, domain in chosen.items():
        row = ROWS[name]
        if row.needs_hidden and deepest == 0:
            continue
        if row.per_layer and per_layer:
            layers = range(1, deepest + 1)
            parameters += [Parameter(f"{name}_{i}", domain, row, i, _needs_layer(i)) for i in layers]
        else:
            parameters.append(Parameter(name, domain, row, None, _needs_layer(1) if row.needs_hidden else ()))
    return Space(tuple(parameters))


def _outside(parameter: Parameter, given: object) -> str:
    allowed = describe(parameter.domain)
    return (
        f"{parameter.name} {as_written(given)} is outside {allowed}; give one of these, or widen {parameter.row.name}"
    )


def members(domain: Domain) -> list[Value]:
    """Return the values of a domain that is no continuum, in order."""
    if isinstance(domain, Choices):
        return list(domain.choices)
    if isinstance(domain, IntRange):
        return list(range(domain.low, domain.high + 1, domain.step))
    return [domain.nearest(domain.low + index * (domain.step or 0.0)) for index in range(domain.count() or 0)]


_DEEPEST = 16
"""Hidden layers, as the table allows them."""


def _needs_layer(layer: int) -> tuple[tuple[Condition, ...], ...]:
    return ((Condition("hidden_layers", tuple(range(layer, _DEEPEST + 1))),),)


def _depth_fault(parameter: Parameter | None, depth: object) -> str:
    if not isinstance(depth, int) or isinstance(depth, bool):
        found = "is missing" if depth is None else f"{as_written(depth)} is not a whole number"
        return f"hidden_layers {found}; it decides which other parameters exist; give it first"
    if parameter is not None and not parameter.domain.contains(depth):
        return _outside(parameter, depth)
    return ""


def _parts(domain: Domain, named: list[Value]) -> list[Domain]:
    """Part a domain into the values that conditions name, each by itself, and the others."""
    if domain.count() is None:
        return [domain]  # how many nets there are does not depend on it: a continuum
    values = members(domain)
    others = tuple(value for value in values if value not in named)
    return [*([Choices(others)] if others else []), *(Choices((value,)) for value in values if value in named)]


def widths(configuration: Configuration) -> tuple[int, ...]:
    """Return the units of each hidden layer, first to last, whichever way the widths are written."""
    depth = int(configuration["hidden_layers"])
    shared = configuration.get("neurons")
    return tuple(int(configuration[f"neurons_{i}"] if shared is None else shared) for i in range(1, depth + 1))


def configuration_key(configuration: Configuration) -> str:
    """Return a text that is equal for equal configurations, whatever their order, and whether 0 stands as 0 or 0.0."""
    values = {n: int(v) if isinstance(v, float) and v.is_integer() else v for n, v in configuration.items()}
    return json.dumps(values, sort_keys=True)
