"""Which finished trials TPE learns from, so that asking it does not take longer with every trial.

TPE divides the trials into the best few (a tenth of them, 25 at most) and all others, whose weight falls with their
age. The few are kept as they are; of the others the latest. On three functions of 6 to 11 parameters, six seeds each,
the best value after 1,000 and after 2,000 trials was as good as with all of them within its scatter, or better.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable

from optuna.trial import FrozenTrial, TrialState

from hpsearch.metrics import Direction

BEST = 25
"""As many as Optuna's TPE takes for good ones at most; it does from 241 trials on."""
MOST = 500
"""Of both. With 250 or 350 a poor category was left later than with all trials; with as many it is not."""

Rank = tuple[int, float, float, int]


class BestAndLatest:
    """Hears of trials as they finish, and returns those to learn from."""

    def __init__(self, direction: Direction, finished: Iterable[FrozenTrial] = ()) -> None:
        self._sign = 1.0 if direction == "minimize" else -1.0
        self._best: list[tuple[Rank, FrozenTrial]] = []
        self._latest: list[FrozenTrial] = []
        for trial in finished:
            self.add(trial)

    def add(self, trial: FrozenTrial) -> None:
        """Hear of a finished trial; of one that failed there is nothing to learn."""
        if trial.state is TrialState.FAIL:
            return
        insort(self._best, (self._rank(trial), trial), key=lambda ranked: ranked[0])
        insort(self._latest, trial, key=_number)
        del self._best[BEST:], self._latest[:-MOST]

    def trials(self) -> list[FrozenTrial]:
        """Return at most `MOST` trials by number."""
        best = [trial for _, trial in self._best]
        numbers = {trial.number for trial in best}
        others = [trial for trial in self._latest if trial.number not in numbers]
        return sorted(best + others[-(MOST - len(best)) :], key=_number)

    def _rank(self, trial: FrozenTrial) -> Rank:
        """Return what TPE sorts by: completed trials by their value, then pruned ones by how far they came."""
        if trial.state is TrialState.COMPLETE:
            return (0, 0.0, self._sign * (trial.value or 0.0), trial.number)
        step = trial.last_step
        if step is None:
            return (2, 0.0, 0.0, trial.number)
        value = trial.intermediate_values[step]
        return (1, -step, math.inf if math.isnan(value) else self._sign * value, trial.number)


def _number(trial: FrozenTrial) -> int:
    return trial.number
