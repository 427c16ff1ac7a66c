"""Trials whose configurations are drawn at random from a space, for what judges trials."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hpsearch.records import TrialRecord
from hpsearch.space.domain import Choices, Domain, Value
from hpsearch.space.space import Configuration, Space

Score = Callable[[Configuration], float]


def drawn_trials(space: Space, count: int, score: Score, seed: int = 0, noise: float = 1.0) -> list[TrialRecord]:
    """Return completed trials: the value is the score of the configuration, with normal noise on it."""
    draw = np.random.default_rng(seed)
    records = []
    for number in range(count):
        point = {parameter.name: _drawn(parameter.domain, draw.random()) for parameter in space}
        configuration = space.active(point)
        value = score(configuration) + noise * float(draw.normal())
        records.append(TrialRecord(number, configuration, "completed", value=value))
    return records


def _drawn(domain: Domain, share: float) -> Value:
    if isinstance(domain, Choices):
        return domain.choices[int(share * len(domain.choices))]
    if domain.log:
        return domain.nearest(float(domain.low * (domain.high / domain.low) ** share))
    return domain.nearest(float(domain.low + (domain.high - domain.low) * share))
