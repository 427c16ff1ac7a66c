"""Which program trains a trial: one that is there, wasting time on padding, or a new one, at the cost of compiling.

Rent or buy (ski rental; Karlin et al. 1988): a trial rents the cheapest program that holds it until the rents of its
shape add up to the price of a program of that very shape, and then buys. So no shape ever costs more than twice what
the better of the two would have cost from the start. Something must be bought first: a program with more room than the
trial needs, as long as the room costs this trial less than half of compiling.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from hpsearch.training.compiled.activations import BLEND, is_blend
from hpsearch.training.compiled.costs import Costs
from hpsearch.training.compiled.shape import Shape


class Planner:
    """Chooses shapes one trial after another; remembers what it bought. most: programs of this process.

    TensorFlow keeps every compiled program until the process ends (5 MB each), so past `most` nothing is bought that
    something there can do.
    """

    def __init__(self, costs: Costs, most: int = 100) -> None:
        self._costs = costs
        self._most = most
        self._bought: list[Shape] = []
        self._rents: defaultdict[Shape, float] = defaultdict(float)

    def choose(self, exact: Shape, steps: int) -> Shape:
        """Return the shape that trains a trial of so many steps. If it was never returned before, it is now bought."""
        held = [shape for shape in self._bought if shape.holds(exact)]
        if not held:
            return self._buy(self._roomy(exact, steps))
        cheapest = min(held, key=self._costs.step_seconds)
        rent = steps * (self._costs.step_seconds(cheapest) - self._costs.step_seconds(exact))
        if self._rents[exact] + rent < self._costs.compile_seconds(exact) or len(self._bought) >= self._most:
            self._rents[exact] += max(rent, 0.0)
            return cheapest
        return self._buy(exact)

    def _buy(self, shape: Shape) -> Shape:
        self._bought.append(shape)
        return shape

    def _roomy(self, exact: Shape, steps: int) -> Shape:
        price = self._costs.compile_seconds(exact)
        own = price + steps * self._costs.step_seconds(exact)

        def is_cheap(shape: Shape) -> bool:
            whole = self._costs.compile_seconds(shape) + steps * self._costs.step_seconds(shape)
            return whole - own <= price / 2

        return max([exact, *filter(is_cheap, _roomier(exact))], key=lambda shape: shape.weights * shape.batch)


_WIDTHS = (16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024)


def _roomier(exact: Shape) -> list[Shape]:
    """Return shapes with layers of one width, batches of up to eight times the rows, and any activation they can."""
    if not exact.widths:
        return []
    activation = BLEND if is_blend(exact.activation) else exact.activation
    return [
        replace(exact, widths=(width,) * len(exact.widths), batch=batch, activation=activation)
        for width in _WIDTHS
        if width >= max(exact.widths)
        for batch in (exact.batch * times for times in (1, 2, 4, 8))
        if batch <= exact.rows
    ]
