"""What a study file may write for a row of the table -> its domain, with every fault found on the way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hpsearch.errors import as_written, suggestion
from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange, Value, describe
from hpsearch.space.table import Row

Fault = tuple[str, str]
"""(sub-field, '' for the row itself; message)"""


MOST_STEPS = 1_000_000_000


class DomainError(ValueError):
    """A row is written wrongly; `faults` lists each (sub-field, message)."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("; ".join(message for _, message in faults))


def parse_domain(row: Row, given: object) -> Domain:
    """Return the domain a study file gives a row.

    A scalar fixes it, a list (or `{choices: [...]}`) offers choices, a mapping of `low`, `high`, `step`, `log`
    narrows the default range. Raises `DomainError` with all faults.
    """
    if isinstance(given, IntRange | FloatRange | Choices):
        return given
    if isinstance(given, Mapping):
        return _from_choices(row, given) if "choices" in given else _from_range(row, given)
    if isinstance(given, list | tuple):
        return _choices(row, list(given), "")
    value, message = _value(row, given)
    if message:
        raise DomainError([("", message)])
    return Choices((value,))


def write_domain(domain: Domain) -> Any:
    """Return the shortest way to write a domain in a study file; `parse_domain` reads it back."""
    if isinstance(domain, Choices):
        return domain.choices[0] if len(domain.choices) == 1 else list(domain.choices)
    written: dict[str, Any] = {"low": domain.low, "high": domain.high}
    if domain.step is not None and not (isinstance(domain, IntRange) and domain.step == 1):
        written["step"] = domain.step
    written["log"] = domain.log
    return written


def _value(row: Row, given: object) -> tuple[Value, str]:
    """Return (value, '') or (anything, what is wrong with it)."""
    if isinstance(row.legal, Choices):
        if isinstance(given, str) and given in row.legal.choices:
            return given, ""
        names = [str(choice) for choice in row.legal.choices]
        return "", f"{as_written(given)} is no {row.name}" + suggestion(str(given), names)
    found = as_written(given)
    allowed = f"{row.name} takes {'whole numbers' if row.kind == 'int' else 'numbers'} {describe(row.legal)}"
    if isinstance(given, bool) or not isinstance(given, int | float):
        return 0, f"{found} is not a number; {allowed}"
    if isinstance(given, float) and not math.isfinite(given):
        return 0, f"{found} is not finite; {allowed}"
    if not row.legal.low <= given <= row.legal.high:
        return 0, f"{found} is out of bounds; {allowed}"
    if row.kind == "float":
        return float(given), ""
    if given != int(given):
        return 0, f"{found} is not a whole number; {allowed}"
    return int(given), ""


def _from_choices(row: Row, given: Mapping[Any, Any]) -> Domain:
    beside = [str(key) for key in given if key != "choices"]
    unknown = [(key, f"{as_written(key)} cannot stand beside choices; remove it") for key in beside]
    if unknown:
        raise DomainError(unknown)
    choices = given["choices"]
    if not isinstance(choices, list | tuple):
        raise DomainError([("choices", f"{as_written(choices)} is not a list; write choices: [a, b, ...]")])
    return _choices(row, list(choices), "choices")


def _choices(row: Row, given: list[object], at: str) -> Choices:
    if not given:
        raise DomainError([(at, "the list of choices is empty; give at least one")])
    faults: list[Fault] = []
    values: list[Value] = []
    for index, item in enumerate(given):
        value, message = _value(row, item)
        if not message and value in values:
            message = f"{as_written(item)} stands twice; remove one"
        if message:
            faults.append((f"{at}.{index}" if at else str(index), message))
        else:
            values.append(value)
    if faults:
        raise DomainError(faults)
    return Choices(tuple(values))


def _from_range(row: Row, given: Mapping[Any, Any]) -> Domain:
    if isinstance(row.legal, Choices):
        names = describe(row.legal)
        raise DomainError([("", f"found a range; {row.name} takes {names}; write one, or a list of them")])
    keys = ("low", "high", "step", "log", *(("per_layer",) if row.per_layer else ()))
    others = [str(key) for key in given if key not in keys]
    faults = [(key, f"{as_written(key)} is not known here{suggestion(key, keys)}") for key in others]
    default = row.default if not isinstance(row.default, Choices) else None
    ends: dict[str, Value] = {}
    for key in ("low", "high"):
        if key in given:
            ends[key], message = _value(row, given[key])
            if message:
                faults.append((key, message))
        elif default is not None:
            ends[key] = getattr(default, key)
        else:
            faults.append((key, f"'{key}' is missing; {row.name} has no default range; give low and high"))
    step, log = given.get("step"), given.get("log")
    if step is not None and (
        isinstance(step, bool) or not isinstance(step, int | float) or not 0 < step < math.inf
        or (row.kind == "int" and step != int(step))
    ):  # fmt: skip
        whole = "whole " if row.kind == "int" else ""
        faults.append(("step", f"{as_written(step)} is no step; give a {whole}number above 0"))
    if log is not None and not isinstance(log, bool):
        faults.append(("log", f"{as_written(log)} is not true or false; write one of them"))
    if faults:
        raise DomainError(faults)
    if log is None:
        log = bool(default and default.log and step is None)
    _check_range(ends["low"], ends["high"], step, log, [key for key in ("low", "high") if key not in given])
    if row.kind == "int":
        return IntRange(int(ends["low"]), int(ends["high"]), int(step or 1), log)
    return FloatRange(float(ends["low"]), float(ends["high"]), None if step is None else float(step), log)


def _check_range(low: Any, high: Any, step: Any, log: bool, absent: list[str]) -> None:
    if low > high:
        fix = f"give {absent[0]} too, this one is the default" if absent else "swap them"
        at = "high" if absent == ["low"] else "low"
        raise DomainError([(at, f"low {as_written(low)} is above high {as_written(high)}; {fix}")])
    if log and step is not None:
        raise DomainError([("step", "step and log cannot go together; remove one")])
    if log and low <= 0:
        message = f"low {as_written(low)} is not above 0, which log needs; raise it or set log: false"
        raise DomainError([("low", message)])
    if step is None:
        return
    # In decimal, as Optuna does it: 0.1 goes six times into 0.6.
    first, last, stride = (Decimal(str(number)) for number in (low, high, step))
    if last - first > MOST_STEPS * stride:
        message = f"step {as_written(step)} makes more than {MOST_STEPS:,} values; raise or remove it"
        raise DomainError([("step", message)])
    if (last - first) % stride:
        reached = first + (last - first) // stride * stride
        message = f"step {as_written(step)} from {as_written(low)} does not reach {as_written(high)}"
        raise DomainError([("step", f"{message}; write high: {reached.normalize():f}")])
