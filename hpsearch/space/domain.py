"""What a parameter may be: a range of integers, a range of reals, or a list of choices."""

from __future__ import annotations

import math
from dataclasses import dataclass

Value = int | float | str


@dataclass(frozen=True)
class IntRange:
    """The integers low, low + step, ..., high (both ends included). `log` asks for log-uniform sampling."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def contains(self, value: object) -> bool:
        """Tell whether `value` is one of the integers."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self.low <= value <= self.high and (value - self.low) % self.step == 0

    def count(self) -> int:
        """Return how many values there are."""
        return (self.high - self.low) // self.step + 1

    def nearest(self, value: Value) -> int:
        """Return the member nearest to a number (the low end for anything else)."""
        if isinstance(value, str):
            return self.low
        steps = round((value - self.low) / self.step)
        return self.low + self.step * min(max(steps, 0), self.count() - 1)


@dataclass(frozen=True)
class FloatRange:
    """The reals low..high, or with `step` the grid low, low + step, ..., high."""

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def contains(self, value: object) -> bool:
        """Tell whether `value` lies in the range (and, with a step, on the grid)."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        if not self.low <= value <= self.high:
            return False
        return self.step is None or math.isclose(self.nearest(value), value, rel_tol=1e-9, abs_tol=1e-12)

    def count(self) -> int | None:
        """Return how many values there are; None where they are a continuum."""
        if self.low == self.high:
            return 1
        return None if self.step is None else round((self.high - self.low) / self.step) + 1

    def nearest(self, value: Value) -> float:
        """Return the member nearest to a number (the low end for anything else)."""
        if isinstance(value, str):
            return self.low
        inside = min(max(float(value), self.low), self.high)
        if self.step is None:
            return inside
        return min(self.low + self.step * round((inside - self.low) / self.step), self.high)


@dataclass(frozen=True)
class Choices:
    """A list of values in the order given. A fixed parameter is a list of one."""

    choices: tuple[Value, ...]

    def contains(self, value: object) -> bool:
        """Tell whether `value` is one of the choices (1 and 1.0 are the same, True is not 1)."""
        return not isinstance(value, bool) and value in self.choices

    def count(self) -> int:
        """Return how many choices there are."""
        return len(self.choices)

    def nearest(self, value: Value) -> Value:
        """Return the choice itself if present, else the nearest number, else the first choice."""
        if value in self.choices:
            return self.choices[self.choices.index(value)]
        numbers = [choice for choice in self.choices if not isinstance(choice, str)]
        if isinstance(value, str) or not numbers:
            return self.choices[0]
        return min(numbers, key=lambda choice: abs(choice - value))


Domain = IntRange | FloatRange | Choices


def describe(domain: Domain) -> str:
    """Return the domain as a person reads it: `16..256, log`, `relu, tanh`, `50`."""
    if isinstance(domain, Choices):
        return ", ".join(_short(choice) for choice in domain.choices)
    if domain.low == domain.high:
        return _short(domain.low)
    step = domain.step if domain.step not in (None, 1) or isinstance(domain, FloatRange) else None
    extras = ([] if step is None else [f"step {_short(step)}"]) + ["log"] * domain.log
    return ", ".join([f"{_short(domain.low)}..{_short(domain.high)}", *extras])


def _short(value: Value) -> str:
    """Write a value so that it reads back as the same: `1e-05`, `0.1`, `1048576`."""
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)
