"""Our space <-> keras-tuner's, exact where both can say it; else an error that names the parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import keras_tuner
from keras_tuner.engine import hyperparameters as kt

from hpsearch.errors import Fault, SpecError, as_written, suggestion
from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange, Value
from hpsearch.space.parse import DomainError, parse_domain, write_domain
from hpsearch.space.space import Parameter, Space, build_space, members
from hpsearch.space.table import ROWS, Row

_SOURCE = "HyperParameters"


def to_keras_tuner(space: Space) -> Any:
    """Return a space as `keras_tuner.HyperParameters`, the usual values as defaults.

    What only deeper nets have (`neurons_3`) stands in a conditional scope of hidden_layers. Raises SpecError naming the
    parameters that keras-tuner cannot express: choices of several types, log together with step.
    """
    hp = keras_tuner.HyperParameters()
    depths, having = _depths(space), _depths_that_have(space)
    faults: list[Fault] = []
    for parameter in space:
        active = [depth for depth in depths if depth in having[parameter.name]]
        parent = "hidden_layers" if len(active) < len(depths) else None
        try:
            with hp._maybe_conditional_scope(parent, active):
                hp._retrieve(_to_hyperparameter(parameter, hp._conditions))
        except (TypeError, ValueError) as error:
            faults.append(Fault(parameter.name, f"keras-tuner cannot express it: {error}"))
    if faults:
        raise SpecError(faults, "space")
    return hp


def from_keras_tuner(hp: Any) -> Space:
    """Return `keras_tuner.HyperParameters` whose names are those of our table as a space.

    Raises SpecError with all that has no place in it, by name: unknown names, rows that are missing, values that a row
    does not take, other conditions than a layer's own, true and false, reverse_log, log together with step.
    """
    faults: list[Fault] = []
    found: dict[str, tuple[Row, Any, Domain | None]] = {}
    for entry in hp.space:
        row = _row(entry.name)
        if row is None:
            hint = suggestion(entry.name, ROWS)
            faults.append(Fault(entry.name, f"'{entry.name}' is no hyperparameter of the table{hint}"))
        elif entry.name in found:
            faults.append(Fault(entry.name, "it stands twice, under several conditions; a space has it once"))
        else:
            found[entry.name] = row, entry, _domain(row, entry, faults)
    if not faults and "hidden_layers" not in found:
        faults.append(Fault("hidden_layers", "it is missing; add it, as Fixed('hidden_layers', 2)"))
    if faults:
        raise SpecError(faults, _SOURCE)
    domains = {name: domain for name, (_, _, domain) in found.items() if domain is not None}
    rows = {row.name: domain for row, _, domain in found.values() if domain is not None}
    like = build_space(rows, per_layer="neurons" not in found)
    faults += _other_names(like, found)
    space = Space(tuple(replace(p, domain=domains.get(p.name, p.domain)) for p in like))
    faults = faults or _other_conditions(space, {name: entry for name, (_, entry, _) in found.items()})
    if faults:
        raise SpecError(faults, _SOURCE)
    return space


def domains_of(hp: Any) -> dict[str, Domain]:
    """Return the domain of every parameter of `keras_tuner.HyperParameters` by name, whatever the names.

    Conditions are left out. Raises SpecError naming the parameters that have no domain, or several.
    """
    found: dict[str, Domain] = {}
    faults: list[Fault] = []
    for entry in hp.space:
        try:
            domain = domain_of(entry)
        except ValueError as error:
            faults.append(Fault(entry.name, str(error)))
            continue
        if found.setdefault(entry.name, domain) != domain:
            faults.append(Fault(entry.name, "it has another domain under another condition; give it another name"))
    if faults:
        raise SpecError(faults, _SOURCE)
    return found


def domain_of(entry: Any) -> Domain:
    """Return the domain of one of keras-tuner's hyperparameters. Raises ValueError where none says the same.

    The high end of a range with a step is the last value on the grid. (keras-tuner's own grid of 0..1 by 0.2 ends at
    0.8, since 1.0 // 0.2 is 4.0, though its documentation has 1.0 in it; here it is in.)
    """
    if isinstance(entry, kt.Boolean):
        return Choices((True, False))
    if isinstance(entry, kt.Choice):
        return Choices(tuple(entry.values))
    if isinstance(entry, kt.Fixed):
        return Choices((entry.value,))
    if entry.sampling == "reverse_log":
        raise ValueError("no domain is sampled by reverse_log; use linear or log")
    log = entry.sampling == "log"
    if log and entry.step is not None:
        raise ValueError("no domain has both log and a step, which multiplies here; list the values as a Choice")
    if isinstance(entry, kt.Int):
        step = int(entry.step or 1)
        high = entry.max_value - (entry.max_value - entry.min_value) % step
        return IntRange(entry.min_value, high, step, log)
    if entry.step is None:
        return FloatRange(entry.min_value, entry.max_value, None, log)
    low, high, stride = (Decimal(str(number)) for number in (entry.min_value, entry.max_value, float(entry.step)))
    return FloatRange(entry.min_value, float(low + (high - low) // stride * stride), float(stride))


def _to_hyperparameter(parameter: Parameter, conditions: list[Any]) -> Any:
    domain, usual = parameter.domain, parameter.domain.nearest(parameter.row.usual)
    common = {"name": parameter.name, "conditions": list(conditions)}
    if isinstance(domain, Choices):
        if len(domain.choices) == 1:
            return kt.Fixed(value=domain.choices[0], **common)
        return kt.Choice(values=list(domain.choices), default=usual, **common)
    if domain.log and domain.step not in (None, 1):
        raise ValueError("log together with a step means another grid there; remove one of them")
    sampling = "log" if domain.log else "linear"
    step = None if domain.log else domain.step
    kind = kt.Int if isinstance(domain, IntRange) else kt.Float
    return kind(
        min_value=domain.low, max_value=domain.high, step=step, sampling=sampling, default=usual, **common
    )  # fmt: skip


def _domain(row: Row, entry: Any, faults: list[Fault]) -> Domain | None:
    try:
        return _checked(row, domain_of(entry))
    except DomainError as error:
        faults += [Fault(f"{entry.name}.{at}".rstrip("."), message) for at, message in error.faults]
    except ValueError as error:
        faults.append(Fault(entry.name, str(error)))
    return None


def _checked(row: Row, domain: Domain) -> Domain:
    """Return a domain as the study file would have it. Raises DomainError for what the row does not take."""
    if isinstance(domain, Choices):
        return parse_domain(row, list(domain.choices))
    if isinstance(domain, FloatRange) and row.kind == "int":
        raise DomainError([("", f"{row.name} takes whole numbers; use Int")])
    written = write_domain(domain)
    if domain.low == domain.high:
        parse_domain(row, written | {"step": None})
        return domain  # a grid of one, whose step says nothing and is kept
    return parse_domain(row, written)


def _other_names(space: Space, found: Mapping[str, Any]) -> list[Fault]:
    """Say which parameters of a space with these rows are missing, and which are too many."""
    faults = [
        Fault(p.name, f"it is missing; add it, as Fixed({as_written(p.name)}, {p.row.usual!r})")
        for p in space
        if p.name not in found
    ]
    names = {p.name for p in space}
    deepest = max(_depths(space))
    extra = (name for name in found if name not in names)
    return faults + [
        Fault(name, f"a net of at most {deepest} hidden layers has no such parameter; remove it") for name in extra
    ]


def _other_conditions(space: Space, entries: Mapping[str, Any]) -> list[Fault]:
    """Compare the conditions with what makes a parameter active here: that a net has its layer."""
    having = _depths_that_have(space)
    faults = []
    for name, entry in entries.items():
        allowed = set(_depths(space))
        foreign = [condition.name for condition in entry.conditions if condition.name != "hidden_layers"]
        for condition in entry.conditions:
            allowed &= set(condition.values) if condition.name == "hidden_layers" else allowed
        if foreign:
            message = f"it depends on {', '.join(foreign)}; here a parameter depends on hidden_layers alone"
            faults.append(Fault(name, message))
        elif allowed != having[name]:
            wanted = sorted(having[name])
            message = f"it is active for hidden_layers in {sorted(allowed)}, here for {wanted}"
            faults.append(Fault(name, f"{message}; use conditional_scope('hidden_layers', {wanted})"))
    return faults


def _row(name: str) -> Row | None:
    """Return the row of a parameter's name; `neurons_3` is of `neurons`."""
    if name in ROWS:
        return ROWS[name]
    stem, _, layer = name.rpartition("_")
    return ROWS[stem] if stem in ROWS and ROWS[stem].per_layer and layer.isdecimal() and layer[0] != "0" else None


def _depths(space: Space) -> list[int]:
    return [int(depth) for p in space if p.name == "hidden_layers" for depth in members(p.domain)]


def _depths_that_have(space: Space) -> dict[str, set[int]]:
    """Return the numbers of hidden layers with which a net has each parameter."""
    having: dict[str, set[int]] = {parameter.name: set() for parameter in space}
    point = {parameter.name: parameter.domain.nearest(parameter.row.usual) for parameter in space}
    for depth in _depths(space):
        for name in space.active(point | {"hidden_layers": depth}):
            having[name].add(depth)
    return having


def holds(entry: Any, value: Value) -> bool:
    """Tell whether one of keras-tuner's hyperparameters can have a value."""
    if isinstance(entry, kt.Boolean | kt.Choice | kt.Fixed):
        return any(value == member and type(value) is type(member) for member in entry.values)
    if isinstance(value, bool | str) or not _between(entry.min_value, value, entry.max_value):
        return False
    try:
        inside = min(max(value, entry.min_value), entry.max_value)
        return domain_of(entry).contains(int(inside) if isinstance(entry, kt.Int) else inside)
    except ValueError:
        return True


def _between(low: float, value: float, high: float) -> bool:
    """Tell whether a number is in a range, but for rounding."""
    return low <= value <= high or math.isclose(value, low, rel_tol=1e-9) or math.isclose(value, high, rel_tol=1e-9)
