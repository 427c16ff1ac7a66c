"""Strategies: every domain that a study file can write."""

from __future__ import annotations

from hypothesis import strategies as st

from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange
from hpsearch.space.space import Space, build_space
from hpsearch.space.table import TABLE, Row


def int_ranges(low: int, high: int) -> st.SearchStrategy[IntRange]:
    def stepped(first: int, step: int, steps: int) -> IntRange:
        return IntRange(first, min(first + step * steps, first + (high - first) // step * step), step)

    plain = st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda ends: IntRange(min(ends), max(ends)))
    spread = st.integers(max(low, 1), high).flatmap(
        lambda first: st.integers(first, high).map(lambda last: IntRange(first, last, log=True))
    )
    return plain | spread | st.builds(stepped, st.integers(low, high), st.integers(1, 9), st.integers(0, 9))


def float_ranges(low: float, high: float) -> st.SearchStrategy[FloatRange]:
    numbers = st.floats(low, high)
    plain = st.tuples(numbers, numbers).map(lambda ends: FloatRange(min(ends), max(ends)))
    spread = st.tuples(st.floats(max(low, 1e-9), high), st.floats(max(low, 1e-9), high))
    tenths = st.tuples(st.integers(1 if low > 0 else 0, 4), st.integers(0, 5)).map(
        lambda at: FloatRange(at[0] / 10, round(at[0] / 10 + at[1] / 10, 1), 0.1)
    )
    return plain | spread.map(lambda ends: FloatRange(min(ends), max(ends), log=True)) | tenths


def domains(row: Row) -> st.SearchStrategy[Domain]:
    """Every domain a row may have."""
    legal = row.legal
    if isinstance(legal, Choices):
        return st.lists(st.sampled_from(legal.choices), min_size=1, unique=True).map(
            lambda names: Choices(tuple(names))
        )
    if isinstance(legal, IntRange):
        values = st.lists(st.integers(legal.low, legal.high), min_size=1, max_size=4, unique=True)
        return int_ranges(legal.low, min(legal.high, 300)) | values.map(lambda given: Choices(tuple(given)))
    numbers = st.lists(st.floats(legal.low, legal.high), min_size=1, max_size=4, unique=True)
    return float_ranges(legal.low, min(legal.high, 0.9)) | numbers.map(lambda given: Choices(tuple(given)))


def spaces(deepest: int = 4) -> st.SearchStrategy[Space]:
    """Any space whose nets have at most some hidden layers."""
    depths: st.SearchStrategy[Domain] = int_ranges(0, deepest)
    rows = {row.name: domains(row) for row in TABLE if row.name != "hidden_layers"}
    chosen = st.fixed_dictionaries({"hidden_layers": depths}, optional=rows)
    return st.builds(lambda given, per_layer: build_space(given, per_layer=per_layer), chosen, st.booleans())
