"""Which program trains a trial: one that is there, wasting time on padding, or a new one, at the cost of compiling.

Rent or buy (ski rental; Karlin et al. 1988). To rent is to train with the program that is cheapest for this trial
alone, among those open and those on disk: the time its padding wastes, and that of loading it where it is not open. A
trial rents until the rents of its shape would add up to the price of a program of that very shape, and then buys that.
Where nothing can be rented for less than the price, and nothing there holds the trial, it buys a program with more room
than it needs, as long as the room costs this trial no more than half the price.

What holds of the costs that a choice makes (waste, compiling and loading; what exact programs take to train is none),
as long as the costs' model is fixed and nothing has to be closed:

- All trials of a shape together cost at most three times the price of its exact program, and at most twice where the
  first of them found a program that holds it, or bought no room to spare. Then they cost at most twice their rents,
  too: ski rental's bound, against the better of buying at first sight and renting for ever what was there.
- So a study costs at most three times what an exact program for each shape costs. Where its first program holds all
  trials, it costs at most twice what that program and training every trial with it costs.

What does not hold: a constant factor over the best set of shared programs in hindsight, which no rule has that decides
as trials come (online facility location; Fotakis 2008). Long trials that each need a little more than those before make
this rule buy for each, where one program with room for all would do. Measured: over 4,000 random sequences of at most 5
shapes, against the best subset of their programs, these costs are 1.0 times (median), 2.4 (95 %) and at worst 5.1 times
the best. Over 40 and 200 trials of the default space the whole time, training included, is at most 1.12 times what a
search in hindsight reaches. To buy what the waste of all shapes together would pay for gains nothing there.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from hpsearch.training.compiled.activations import BLEND, is_blend
from hpsearch.training.compiled.costs import Costs
from hpsearch.training.compiled.shape import Shape

MOST_OPEN = 16
"""Programs of a process: 6 MB and ten idle threads each. What is closed opens again in a seventh of the time."""


class Planner:
    """Chooses shapes one trial after another. most: programs open at once, beyond which the longest unused closes."""

    def __init__(self, costs: Costs, most: int = MOST_OPEN) -> None:
        self._costs = costs
        self._most = most
        self._open: dict[Shape, None] = {}
        self._rents: defaultdict[Shape, float] = defaultdict(float)

    @property
    def open(self) -> tuple[Shape, ...]:
        """What was chosen and is not to be closed, the one used last at the end."""
        return tuple(self._open)

    def choose(self, exact: Shape, steps: int) -> Shape:
        """Return the shape that trains a trial of so many steps. If it was not open, it is now."""
        shape = self._choose(exact, steps)
        self._open.pop(shape, None)
        self._open[shape] = None
        if len(self._open) > self._most:
            del self._open[next(iter(self._open))]
        return shape

    def _choose(self, exact: Shape, steps: int) -> Shape:
        price = self._costs.opening_seconds(exact)
        there = [shape for shape in {*self._open, *self._costs.kept} if shape.holds(exact)]
        rents = {shape: self._rent(shape, exact, steps) for shape in there}
        cheapest = min(there, key=lambda shape: (rents[shape], shape.weights, shape.penalized), default=None)
        if cheapest is not None and self._rents[exact] + rents[cheapest] < price:
            self._rents[exact] += rents[cheapest]
            return cheapest
        if there:
            return exact
        roomy = self._roomy(exact, steps)
        self._rents[exact] += self._rent(roomy, exact, steps) - price
        return roomy

    def _rent(self, shape: Shape, exact: Shape, steps: int) -> float:
        waste = steps * (self._costs.step_seconds(shape) - self._costs.step_seconds(exact))
        return max(waste, 0.0) + (0.0 if shape in self._open else self._costs.opening_seconds(shape))

    def _roomy(self, exact: Shape, steps: int) -> Shape:
        price = self._costs.opening_seconds(exact)
        shapes = [shape for shape in _roomier(exact) if self._rent(shape, exact, steps) <= 1.5 * price]
        return max([exact, *shapes], key=lambda shape: shape.weights * shape.batch)


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
