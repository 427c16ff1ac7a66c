"""Best-so-far curves: steps in time, one a run, and what several of them say together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from itertools import chain

Curve = Sequence[tuple[float, float]]
"""(seconds, best value so far), both in order: time rises, the value (the less, the better) falls."""


def rising(known: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points, in order of time, that are better than all before them; rounded to 0.01 s and 0.001."""
    best, curve = math.inf, []
    for seconds, value in sorted(known):
        if value < best:
            best = value
            curve.append((round(seconds, 2), round(value, 3)))
    return curve


def best_by(curve: Curve, seconds: float) -> float | None:
    """Return the best value known at a time; None before the first one."""
    return min((value for when, value in curve if when <= seconds), default=None)


def spread(curves: Sequence[Curve], end: float) -> list[tuple[float, float, float, float]]:
    """Return (seconds, low, median, high) at each time any curve changes, from when all have a value until `end`."""
    if not curves or not all(curves):
        return []
    first = max(curve[0][0] for curve in curves)
    times = {seconds for seconds, _ in chain.from_iterable(curves)} | {end}
    points = []
    for seconds in sorted(when for when in times if first <= when <= end):
        values = [value for curve in curves if (value := best_by(curve, seconds)) is not None]
        points.append((seconds, min(values), statistics.median(values), max(values)))
    return points
