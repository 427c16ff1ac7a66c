"""Domains to suggest in the place of others: bounds moved, choices left out, numbers as a person writes them."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any, Literal

from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange, Value
from hpsearch.space.parse import write_domain
from hpsearch.space.table import Row

End = Literal["low", "high"]

_DIGITS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8)


def study_line(row: Row, domain: Domain, *, shared: bool = False) -> str:
    """Return a row as a line of a study file's `space` section: `learning_rate: {low: 1e-4, high: 0.3, log: true}`.

    shared: all layers have the same, in a row that could have one for each.
    """
    written = write_domain(domain)
    if isinstance(written, dict) and not written["log"] and not getattr(row.default, "log", False):
        del written["log"]  # it goes without saying
    if shared:
        choices = {"choices": list(domain.choices)} if isinstance(domain, Choices) else written
        written = {**choices, "per_layer": False}
    return f"{row.name}: {_flow(written)}"


def wider(row: Row, domain: Domain, end: End) -> Domain | None:
    """Return the domain with one end moved out as far as the table allows; None where it does not.

    A log range of reals goes on by a decade (by a factor 3 if it is shorter than two), one of integers by a factor 2;
    any other by half its length, but down to half its low end at most; a list of numbers by one more.
    """
    legal = row.legal
    if isinstance(legal, Choices) or domain.count() == 1:
        return None
    if isinstance(domain, Choices):
        return _longer(row, legal, domain, end)
    old = getattr(domain, end)
    moved = _stepped_out(domain, end, legal) if _has_grid(domain) else _moved_out(domain, end)
    bound = min(max(moved, legal.low), legal.high)
    if isinstance(domain, IntRange):
        bound = int(bound)
    if bound == old or (domain.log and bound <= 0):
        return None
    return _with_end(domain, end, bound)


def narrower(domain: Domain, end: End, bound: float) -> Domain | None:
    """Return the domain with one end moved in to about `bound`; None where that leaves all, or less than two values."""
    if isinstance(domain, Choices):
        numbers = [choice for choice in domain.choices if not isinstance(choice, str)]
        kept = tuple(c for c in numbers if (c <= bound if end == "high" else c >= bound))
        return Choices(kept) if 0 < len(kept) < len(domain.choices) else None
    if _has_grid(domain):
        low, high, step = (Decimal(str(number)) for number in (domain.low, domain.high, domain.step))
        inside = Decimal(str(bound)) - low if end == "high" else high - Decimal(str(bound))
        steps = int(inside / step)
        moved = float(low + steps * step if end == "high" else high - steps * step)
    else:
        moved = rounded(bound)
    if isinstance(domain, IntRange):
        moved = int(moved)
    return _with_end(domain, end, moved) if domain.low < moved < domain.high else None


def without(domain: Choices, choices: Collection[Value]) -> Choices:
    """Return the choices but for some."""
    return Choices(tuple(choice for choice in domain.choices if choice not in choices))


def fixed(domain: Domain, value: Value) -> Choices:
    """Return a single choice: a value of the domain, or a rounder one near it."""
    if isinstance(domain, Choices) or isinstance(value, str) or _has_grid(domain):
        return Choices((domain.nearest(value),))
    return Choices((domain.nearest(rounded(value)),))


def rounded(value: float, toward: Literal["nearest", "up", "down"] = "nearest") -> float:
    """Return a number that a person would write: 1, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten; 0 as it is.

    value: at least 0, finite.
    """
    if value == 0:
        return 0.0
    decade = math.floor(math.log10(value))
    written = [float(f"{digit}e{power}") for power in (decade - 1, decade, decade + 1) for digit in _DIGITS]
    if toward == "up":
        return min(number for number in written if number >= value * (1 - 1e-9))
    if toward == "down":
        return max(number for number in written if number <= value * (1 + 1e-9))
    return min(written, key=lambda number: abs(math.log(number / value)))


def number_text(value: float) -> str:
    """Return a number, as short as it reads back the same: `1e-4`, `0.3`, `512`."""
    short = f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if 0 < abs(value) < 1e-2 and "e" not in short:
        tiny = re.sub(r"\.?0*e", "e", f"{value:.5e}")
        short = tiny if float(tiny) == value else short
    return re.sub(r"e(-?)\+?0*(\d)", r"e\1\2", short)


def _has_grid(domain: IntRange | FloatRange) -> bool:
    return domain.step not in (None, 1) or (isinstance(domain, FloatRange) and domain.step is not None)


def _moved_out(domain: IntRange | FloatRange, end: End) -> float:
    low, high = domain.low, domain.high
    if domain.log:
        factor = 2.0 if isinstance(domain, IntRange) else 10.0 if high >= 100 * low else 3.0
        return float(f"{low / factor if end == 'low' else high * factor:.6g}")
    whole = isinstance(domain, IntRange)
    if end == "high":
        further = high + (high - low) / 2
        return rounded(math.ceil(further) if whole else further, "up") if further > 0 else further
    further = max(low - (high - low) / 2, low / 2)
    return rounded(math.floor(further) if whole else further, "down") if further > 0 else further


def _stepped_out(domain: IntRange | FloatRange, end: End, legal: IntRange | FloatRange) -> float:
    low, high, step = (Decimal(str(number)) for number in (domain.low, domain.high, domain.step))
    steps = max(1, int((high - low) / 2 / step))
    room = Decimal(str(legal.high)) - high if end == "high" else low - Decimal(str(legal.low))
    steps = min(steps, int(room / step))
    return float(high + steps * step if end == "high" else low - steps * step)


def _with_end(domain: IntRange | FloatRange, end: End, bound: float) -> Domain:
    low, high = (bound, domain.high) if end == "low" else (domain.low, bound)
    if isinstance(domain, IntRange):
        return IntRange(int(low), int(high), domain.step, domain.log)
    return FloatRange(float(low), float(high), domain.step, domain.log)


def _longer(row: Row, legal: IntRange | FloatRange, domain: Choices, end: End) -> Choices | None:
    """Return a list of numbers with one more at an end, as far from the last as that is from the one before."""
    numbers = sorted(float(choice) for choice in domain.choices)
    last, before = (numbers[0], numbers[1]) if end == "low" else (numbers[-1], numbers[-2])
    doubling = numbers[0] > 0 and numbers[-1] / numbers[0] >= 2 ** (len(numbers) - 1)
    following = float(f"{last * last / before if doubling else 2 * last - before:.6g}")
    new: int | float = round(following) if row.kind == "int" else following
    if not legal.low <= new <= legal.high or new in domain.choices:
        return None
    falling = float(domain.choices[0]) > float(domain.choices[-1])
    return Choices((new, *domain.choices) if (end == "low") != falling else (*domain.choices, new))


def _flow(value: Any) -> str:
    """Return plain values as one line of YAML."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if isinstance(value, float) else str(value)
