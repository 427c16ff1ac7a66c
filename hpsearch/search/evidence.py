"""What a search's trials say of one parameter at a time, with what the others did taken out.

A sampler that learns makes trials that are not independent: it tries again, whole, what did well, so that a parameter
of no effect is found in good company (its value came along with good values of others), and late trials are better than
early ones. Tests that compare good trials with bad ones as if they were drawn at random would take either for an
effect. Here scores and values are both regressed on all other parameters first, and what remains is compared (Frisch &
Waugh 1933; Lovell 1963).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.metrics import Direction
from hpsearch.records import TrialRecord
from hpsearch.search.book import rank
from hpsearch.search.failures import has_diverged
from hpsearch.space.domain import Choices
from hpsearch.space.space import Parameter, Space

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SPARE = 20
"""Degrees of freedom that a regression must leave."""


class Evidence:
    """Trials that ended by themselves, each configuration once, best first: completed ones, then pruned ones."""

    def __init__(self, records: Sequence[TrialRecord], space: Space, direction: Direction) -> None:
        own = [record for record in records if record.copy_of is None and space.contains(record.configuration)]
        self.space = space
        self.completed = rank(own, direction)
        pruned = sorted((r for r in own if r.state == "pruned"), key=lambda r: (-_last_step(r), r.number))
        self.failed = [record for record in own if record.state == "failed"]
        self.diverged = [record for record in self.failed if has_diverged(record)]
        self.ended = sum(record.state != "interrupted" for record in records)
        """trials that count against the budget"""
        self.trials = [*self.completed, *pruned]
        """best first; of pruned trials those first that came farther"""
        self._scores = _normal_scores(self.completed, pruned)
        self._columns = {parameter.name: _columns(parameter, self.trials) for parameter in space}

    def better(self, parameter: Parameter, more: NDArray[Any]) -> float:
        """Return the one-sided p-value that trials with more of something are better, at equal other parameters.

        more: (n,) by trial: places of the parameter, or whether it has a value. Only trials whose net has the parameter
        count. 1 where there are too few to tell.
        """
        from scipy import stats

        active = np.array([parameter.name in trial.configuration for trial in self.trials], bool)
        others = self._others(parameter, active)
        score, member = self._scores[active], more[active].astype(np.float64)
        free = len(score) - int(np.linalg.matrix_rank(others)) - 1
        if free < SPARE:
            return 1.0
        score, member = _remains(score, others), _remains(member, others)
        spread = float(member @ member)
        if spread < 1e-9 * len(member):  # it is the same in all trials, or the others say it all
            return 1.0
        slope = float(member @ score) / spread
        error = math.sqrt(float(((score - slope * member) ** 2).sum()) / free / spread)
        return float(stats.t.sf(slope / error, free)) if error > 0 else 1.0

    def more_than(self, parameter: Parameter, share: float) -> float:
        """Return the p-value that a parameter explains this share (0 to 1) of what the others leave open of the score.

        A small one says that it explains less: the partial R^2 has a noncentral F distribution (Steiger & Fouladi 1997,
        "Noncentrality interval estimation"). 1 where there are too few trials to tell.
        """
        from scipy import stats

        active = np.array([parameter.name in trial.configuration for trial in self.trials], bool)
        others, score = self._others(parameter, active), self._scores[active]
        both = np.hstack([others, self._columns[parameter.name][active]])
        ranks = [int(np.linalg.matrix_rank(columns)) for columns in (others, both)]
        own, free = ranks[1] - ranks[0], len(score) - ranks[1]
        if own == 0 or free < SPARE:
            return 1.0
        open_before, open_after = (float((_remains(score, columns) ** 2).sum()) for columns in (others, both))
        if open_after <= 1e-9 * open_before:
            return 1.0
        f = max((open_before - open_after) / own / (open_after / free), 0.0)
        return float(stats.ncf.cdf(f, own, free, len(score) * share / (1 - share)))

    def _others(self, parameter: Parameter, active: Flags) -> Floats:
        columns = [of for name, of in self._columns.items() if name != parameter.name]
        return np.hstack([np.ones((int(active.sum()), 1)), *(of[active] for of in columns)])


def positions(parameter: Parameter, trials: Sequence[TrialRecord]) -> Floats:
    """Return where in its range a numeric parameter lies in each trial, 0 to 1; NaN where the net lacks it.

    Of a list of numbers the places in rising order, evenly apart.
    """
    domain = parameter.domain
    values = [trial.configuration.get(parameter.name) for trial in trials]
    if isinstance(domain, Choices):
        ordered = sorted(float(choice) for choice in domain.choices)
        last = max(len(ordered) - 1, 1)
        return np.array([math.nan if v is None else ordered.index(float(v)) / last for v in values], np.float64)
    low, high = float(domain.low), float(domain.high)
    numbers = np.array([math.nan if value is None else float(value) for value in values], np.float64)
    if low == high:
        return np.zeros_like(numbers)
    if domain.log:
        return np.asarray(np.log(numbers / low) / math.log(high / low), np.float64)
    return np.asarray((numbers - low) / (high - low), np.float64)


def numeric(parameter: Parameter) -> bool:
    """Tell whether a parameter's values have an order, and there are several."""
    domain = parameter.domain
    if domain.count() == 1:
        return False
    return not isinstance(domain, Choices) or not any(isinstance(choice, str) for choice in domain.choices)


def _columns(parameter: Parameter, trials: Sequence[TrialRecord]) -> Floats:
    """Return what a regression sees of a parameter: place and its square, or a column a choice; 0 where absent."""
    domain = parameter.domain
    if isinstance(domain, Choices):
        values = [trial.configuration.get(parameter.name) for trial in trials]
        columns = [[float(value == choice) for value in values] for choice in domain.choices[1:]]
        return np.array(columns, np.float64).reshape(len(columns), len(trials)).T
    place = np.nan_to_num(positions(parameter, trials) - 0.5, nan=0.0)
    return np.column_stack([place, place**2, np.abs(place)])


def _remains(values: Floats, columns: Floats) -> Floats:
    """Return the residuals of a least-squares regression."""
    fitted = columns @ np.linalg.lstsq(columns, values, rcond=None)[0]
    return np.asarray(values - fitted, np.float64)


def _normal_scores(completed: Sequence[TrialRecord], pruned: Sequence[TrialRecord]) -> Floats:
    """Return the normal quantiles of the ranks, the best highest; equal values share one (van der Waerden 1952)."""
    from scipy import stats

    worth: list[tuple[float, ...]] = [(0.0, record.value or 0.0) for record in completed]
    worth += [(1.0, -float(_last_step(record))) for record in pruned]
    kinds = {key: place for place, key in enumerate(dict.fromkeys(worth))}
    ranks = stats.rankdata([-kinds[key] for key in worth])
    return np.asarray(stats.norm.ppf(ranks / (len(worth) + 1)), np.float64)


def _last_step(record: TrialRecord) -> int:
    return len(record.epochs)
