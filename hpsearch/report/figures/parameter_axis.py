"""A hyperparameter as an axis: where a value stands between 0 and 1, and which ticks to write."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import MaxNLocator

from hpsearch.records import TrialRecord
from hpsearch.report.style import log_ticks, plain
from hpsearch.space.domain import Choices, FloatRange, IntRange, Value
from hpsearch.space.space import Parameter, Space


@dataclass(frozen=True)
class ParameterAxis:
    """A searched hyperparameter with its domain from 0 to 1; logarithmic where that is, choices spread evenly."""

    name: str
    domain: IntRange | FloatRange | Choices
    partial: bool = False
    """some of the nets do not have it"""

    def place(self, value: Value) -> float:
        """Return where a value stands, 0 to 1."""
        if isinstance(self.domain, Choices):
            choices = self.domain.choices
            return (choices.index(value) + 0.5) / len(choices) if value in choices else 0.0
        return min(max(self._share(float(value)), 0.0), 1.0)

    @property
    def wobble(self) -> float:
        """Return how far points of one value may be spread so that they do not hide each other (width of the band)."""
        count = self.domain.count()
        if isinstance(self.domain, Choices):
            return 0.5 / len(self.domain.choices)
        return 0.25 / count if isinstance(self.domain, IntRange) and count is not None and count <= 12 else 0.0

    def _share(self, value: float) -> float:
        assert not isinstance(self.domain, Choices)
        low, high = float(self.domain.low), float(self.domain.high)
        if high <= low:
            return 0.5
        if self.domain.log:
            return math.log(max(value, low) / low) / math.log(high / low)
        return (value - low) / (high - low)

    def ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """Return (place, label) of round values, both ends of a range among them."""
        if isinstance(self.domain, Choices):
            every = math.ceil(len(self.domain.choices) / 16)
            return [(self.place(choice), _label(choice)) for choice in self.domain.choices[::every]]
        low, high = self.domain.low, self.domain.high
        if self.domain.log:
            inner = log_ticks(low, high)
        else:
            whole = isinstance(self.domain, IntRange)
            inner = [float(tick) for tick in MaxNLocator(most, integer=whole).tick_values(low, high)]
        places = {self._share(tick): _label(tick) for tick in inner if low < tick < high}
        ends = {0.0: _label(low), 1.0: _label(high)}
        return sorted(ends.items()) + [(at, text) for at, text in places.items() if 0.09 < at < 0.895]


def searched_axes(records: Sequence[TrialRecord], space: Space) -> list[ParameterAxis]:
    """Return an axis for each parameter that the study varies and some trial has, in the table's order."""
    axes = []
    for parameter in space:
        having = sum(parameter.name in record.configuration for record in records)
        if having and parameter.domain.count() != 1:
            axes.append(_axis(parameter, records, partial=having < len(records)))
    return axes


def _axis(parameter: Parameter, records: Sequence[TrialRecord], *, partial: bool) -> ParameterAxis:
    domain = parameter.domain
    if isinstance(domain, Choices):
        tried = {record.configuration[parameter.name] for record in records if parameter.name in record.configuration}
        foreign = sorted(tried - set(domain.choices), key=str)
        domain = Choices((*domain.choices, *foreign))
    return ParameterAxis(parameter.name, domain, partial)


def _label(value: Value) -> str:
    return plain(value, 16) if isinstance(value, str) else f"{value:.4g}"
