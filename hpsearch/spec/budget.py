"""keras-tuner's Hyperband decides how long a trial trains: the epochs of its space are a budget, and nothing prunes."""

from __future__ import annotations

from hpsearch.space.domain import IntRange
from hpsearch.space.space import Parameter, Space, members
from hpsearch.spec.strategies import KERAS_TUNER

EPOCHS_ARE_A_BUDGET = f"{KERAS_TUNER}hyperband"
"""The sampler that decides how long a trial trains, from one epoch to the most that the space has."""


def with_budget(space: Space) -> Space:
    """Return a space whose trials may train for any number of epochs up to the most that it has."""
    return Space(tuple(_budget(parameter) for parameter in space))


def _budget(parameter: Parameter) -> Parameter:
    if parameter.name != "epochs":
        return parameter
    most = max(int(value) for value in members(parameter.domain))
    return Parameter("epochs", IntRange(1, most), parameter.row, parameter.layer, parameter.needs)
