"""Our space <-> keras-tuner's, exact where both can say it; else an error that names the parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import keras_tuner
from keras_tuner.engine import hyperparameters as kt

from hpsearch.errors import Fault, SpecError, as_written, suggestion
from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange, Value
from hpsearch.space.parse import DomainError, parse_domain, write_domain
from hpsearch.space.space import Parameter, Space
from hpsearch.space.table import ROWS, TABLE, Row

_SOURCE = "HyperParameters"


def to_keras_tuner(space: Space) -> Any:
    """Return a space as `keras_tuner.HyperParameters`, the usual values as defaults.

    What only deeper nets have (`neurons_3`) stands in a conditional scope of hidden_layers. Raises SpecError naming the
    parameters that keras-tuner cannot express: choices of several types, log together with step.
    """
    hp = keras_tuner.HyperParameters()
    depths = _depths(space)
    faults: list[Fault] = []
    for parameter in space:
        active = [depth for depth in depths if parameter.active(depth)]
        conditional = len(active) < len(depths)
        try:
            with hp._maybe_conditional_scope("hidden_layers" if conditional else None, active):
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
    given: dict[str, Any] = {}
    for entry in hp.space:
        row, _ = _row(entry.name)
        if row is None:
            hint = suggestion(entry.name, ROWS)
            faults.append(Fault(entry.name, f"'{entry.name}' is no hyperparameter of the table{hint}"))
        elif entry.name in given:
            faults.append(Fault(entry.name, "it stands twice, under several conditions; a space has it once"))
        else:
            given[entry.name] = entry
    parameters = [_parameter(name, entry, faults) for name, entry in given.items()]
    found = Space(tuple(sorted((p for p in parameters if p is not None), key=_place)))
    if not faults:
        faults += _missing(found)
    if not faults:
        faults += _wrong_conditions(found, given)
    if faults:
        raise SpecError(faults, _SOURCE)
    return found


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


def _parameter(name: str, entry: Any, faults: list[Fault]) -> Parameter | None:
    row, layer = _row(name)
    assert row is not None
    try:
        domain = domain_of(entry)
        return Parameter(name, _checked(row, domain), row, layer)
    except DomainError as error:
        faults += [Fault(f"{name}.{at}".rstrip("."), message) for at, message in error.faults]
    except ValueError as error:
        faults.append(Fault(name, str(error)))
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


def _missing(space: Space) -> list[Fault]:
    names = {p.name for p in space}
    if "hidden_layers" not in names:
        return [Fault("hidden_layers", "it is missing; add it, as Fixed('hidden_layers', 2)")]
    deepest = max(_depths(space))
    layers = {f"neurons_{layer}" for layer in range(1, deepest + 1)}
    faults = []
    for row in TABLE:
        if row.optional or (row.needs_hidden and deepest == 0):
            continue
        wanted = {row.name} if not row.per_layer or row.name in names else layers
        faults += [
            Fault(name, f"it is missing; add it, as Fixed({as_written(name)}, {row.usual!r})")
            for name in sorted(wanted - names)
        ]
    if "neurons" in names:
        both = sorted(layers & names)
        faults += [Fault(name, "'neurons' is the width of every layer already; remove one") for name in both]
    beyond = [p for p in space if p.layer is not None and p.layer > deepest]
    faults += [Fault(p.name, f"no net has {p.layer} hidden layers, {deepest} are the most; remove it") for p in beyond]
    return faults


def _wrong_conditions(space: Space, given: Mapping[str, Any]) -> list[Fault]:
    """Compare the conditions with what makes a parameter active here: that a net has its layer."""
    depths = set(_depths(space))
    faults = []
    for parameter in space:
        allowed = set(depths)
        foreign = []
        for condition in given[parameter.name].conditions:
            if condition.name == "hidden_layers":
                allowed &= set(condition.values)
            else:
                foreign.append(condition.name)
        active = {depth for depth in depths if parameter.active(depth)}
        if foreign:
            message = f"it depends on {', '.join(foreign)}; here a parameter depends on hidden_layers alone"
            faults.append(Fault(parameter.name, message))
        elif allowed != active:
            message = f"it is active for hidden_layers in {sorted(allowed)}, here for {sorted(active)}"
            faults.append(Fault(parameter.name, f"{message}; use conditional_scope('hidden_layers', {sorted(active)})"))
    return faults


def _row(name: str) -> tuple[Row | None, int | None]:
    """Return the row of a parameter's name, and the layer of `neurons_3`."""
    if name in ROWS:
        return ROWS[name], None
    stem, _, layer = name.rpartition("_")
    if stem in ROWS and ROWS[stem].per_layer and layer.isdecimal() and layer[0] != "0":
        return ROWS[stem], int(layer)
    return None, None


def _place(parameter: Parameter) -> tuple[int, int]:
    return TABLE.index(parameter.row), parameter.layer or 0


def _depths(space: Space) -> list[int]:
    domain = next(p.domain for p in space if p.name == "hidden_layers")
    if isinstance(domain, Choices):
        return [int(depth) for depth in domain.choices]
    return list(range(int(domain.low), int(domain.high) + 1, int(domain.step or 1)))


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
