"""Every combination of a space's values, one after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras_tuner

from hpsearch.kerastuner.coding import is_continuous, members
from hpsearch.space.domain import Value


def combinations(hp: Any) -> Iterator[dict[str, Value]]:
    """Yield the active values of every combination, defaults first, the last parameter changing fastest.

    Of a continuous parameter ten values are taken, as keras-tuner's own grid does.
    """
    yield from _combinations(keras_tuner.HyperParameters(), list(hp.space), 0)


def is_finite(hp: Any) -> bool:
    """Tell whether there are finitely many combinations."""
    return not any(is_continuous(entry) for entry in hp.space)


def _combinations(hp: Any, entries: list[Any], at: int) -> Iterator[dict[str, Value]]:
    if at == len(entries):
        yield dict(hp.values)
        return
    entry = entries[at]
    if not hp.is_active(entry):
        yield from _combinations(hp, entries, at + 1)
        return
    for value in members(entry):
        hp.values[entry.name] = value
        yield from _combinations(hp, entries, at + 1)
    del hp.values[entry.name]
