"""Which finished trials TPE learns from, so that asking it does not take longer with every trial.

TPE divides the trials into the best few (a tenth of them, 25 at most) and all others, whose weight falls with their
age. The few are kept as they are; of the others a sample spread evenly over the study stands for the same density.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable

from optuna.trial import FrozenTrial, TrialState

from hpsearch.metrics import Direction

BEST = 25
"""As many as Optuna's TPE takes for good ones at most; it does from 241 trials on."""
LATEST = 25
"""As many as it gives their full weight."""
SAMPLED = 450

Rank = tuple[int, float, float, int]


class Thinned:
    """Hears of trials as they finish, and returns some that stand for all of them."""

    def __init__(self, direction: Direction, finished: Iterable[FrozenTrial] = ()) -> None:
        self._sign = 1.0 if direction == "minimize" else -1.0
        self._best: list[tuple[Rank, FrozenTrial]] = []
        self._all: list[FrozenTrial] = []
        for trial in finished:
            self.add(trial)

    def add(self, trial: FrozenTrial) -> None:
        """Hear of a finished trial; of one that failed there is nothing to learn."""
        if trial.state is TrialState.FAIL:
            return
        insort(self._all, trial, key=_number)
        insort(self._best, (self._rank(trial), trial), key=lambda ranked: ranked[0])
        del self._best[BEST:]

    def trials(self) -> list[FrozenTrial]:
        """Return at most 250 trials by number: the best, the latest, and of those before a sample spread evenly."""
        older = len(self._all) - LATEST
        if older <= BEST + SAMPLED:
            return list(self._all)
        sample = [self._all[int((index + 0.5) * older / SAMPLED)] for index in range(SAMPLED)]
        chosen = {trial.number: trial for trial in (*sample, *self._all[older:], *(trial for _, trial in self._best))}
        return sorted(chosen.values(), key=_number)

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
