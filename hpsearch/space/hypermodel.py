"""The space of a hypermodel: what was found in its builds, as a study file narrows it, and the study's own parameters.

What is found is plain JSON, as it stands in `study.json`: for each parameter

    {"name", "kind": int | float | category, "domain": {"choices"} | {"low", "high", "step", "log"}, "usual", "asked",
     "needs": [[{"parent", "values"}, ...], ...]}

`training/hypermodel/discover.py` writes it. True and false are the texts `true` and `false`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.errors import suggestion
from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange
from hpsearch.space.parse import DomainError, Fault, parse_domain
from hpsearch.space.space import Condition, Parameter, Space
from hpsearch.space.table import ROWS, Row

GROUP = "hypermodel"
OWN = ("batch_size", "epochs")
"""Rows of the table that are the trainer's, not the net's: they stand in the space of a hypermodel too."""
Found = Mapping[str, Any]


def hypermodel_space(
    found: Sequence[Found], narrowed: Mapping[str, Any] | None = None, own: Mapping[str, Domain] | None = None
) -> Space:
    """Return the space of a hypermodel, then the rows of the table that are the trainer's.

    narrowed: what the study file's `model.space` writes for parameters of the hypermodel. own: what its `space` writes
    for `batch_size` and `epochs`; where it writes nothing and the hypermodel asks for a parameter of that name, the
    hypermodel's range is the study's. Raises `DomainError` with a fault for each name that is not found, or wrong.
    """
    narrowed, own = narrowed or {}, own or {}
    names = [one["name"] for one in found]
    faults: list[Fault] = [
        (name, f"the hypermodel has no parameter '{name}'{suggestion(name, names)}")
        for name in narrowed
        if name not in names
    ]
    parameters = []
    for one in found:
        row, domain = _row(one), _domain(one)
        if one["name"] in own:
            domain = own[one["name"]]
        elif one["name"] in narrowed:
            try:
                domain = _narrowed(row, narrowed[one["name"]])
            except DomainError as error:
                faults += [(f"{one['name']}.{at}" if at else one["name"], message) for at, message in error.faults]
        parameters.append(Parameter(one["name"], domain, row, None, _needs(one)))
    if faults:
        raise DomainError(faults)
    rest = [Parameter(name, own.get(name, ROWS[name].default), ROWS[name]) for name in OWN if name not in names]
    return Space((*parameters, *rest))


def _row(one: Found) -> Row:
    domain = _domain(one)
    legal = domain
    if isinstance(domain, Choices) and one["kind"] != "category":
        numbers = [choice for choice in domain.choices if not isinstance(choice, str)]
        whole = one["kind"] == "int"
        legal = IntRange(int(min(numbers)), int(max(numbers))) if whole else FloatRange(min(numbers), max(numbers))
    meaning = "what the hypermodel makes of it"
    return Row(one["name"], GROUP, one["kind"], domain, one["usual"], meaning, one["asked"], legal)


def _domain(one: Found) -> Domain:
    written = one["domain"]
    if "choices" in written:
        return Choices(tuple(written["choices"]))
    kind = IntRange if one["kind"] == "int" else FloatRange
    return kind(written["low"], written["high"], written["step"], written["log"])


def _narrowed(row: Row, given: Any) -> Domain:
    """Read what a study file writes, in which true and false are no texts."""
    if isinstance(row.legal, Choices):
        listed = given.get("choices", given) if isinstance(given, Mapping) else given
        listed = listed if isinstance(listed, list) else [listed]
        given = [str(value).lower() if isinstance(value, bool) else value for value in listed]
    return parse_domain(row, given)


def _needs(one: Found) -> tuple[tuple[Condition, ...], ...]:
    return tuple(
        tuple(Condition(condition["parent"], tuple(condition["values"])) for condition in conditions)
        for conditions in one["needs"]
    )
