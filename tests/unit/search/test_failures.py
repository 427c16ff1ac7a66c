from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.records import TrialRecord
from hpsearch.search.failures import failure_groups, kind_of


def failed(number: int, reason: str) -> TrialRecord:
    return TrialRecord(number, {}, "failed", reason)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("diverged at epoch 3", "diverged at epoch 12"),
        ("ValueError: shapes (3,) and (4, 7) do not fit", "ValueError: shapes (3, 5, 1) and (4,) do not fit"),
        ("KeyError: <Layer at 0x7f3a>", "KeyError: <Layer at 0x55FF>"),
        ("ValueError: -1.5e-3 is below 0", "ValueError: 2 is below 0"),
        ("out of memory: 1,234,567 weights", "out of memory: 12 weights"),
        ("OSError: trial-7.tmp is gone", "OSError: trial-81.tmp is gone"),
    ],
)
def test_reasons_that_differ_in_numbers_are_of_one_kind(one: str, other: str) -> None:
    assert kind_of(one) == kind_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ValueError: 3", "KeyError: 3"),
        ("ValueError: no column a", "ValueError: no column b"),
        ("timeout after 4 s", "diverged at epoch 4"),
    ],
)
def test_reasons_that_differ_in_words_are_not(one: str, other: str) -> None:
    assert kind_of(one) != kind_of(other)


@given(st.text(max_size=60))
def test_a_kind_has_no_numbers_left(reason: str) -> None:
    assert kind_of(kind_of(reason)) == kind_of(reason)
    assert not any(letter in "0123456789" for letter in kind_of(reason))


def test_failures_are_grouped_with_the_spans_of_their_numbers_the_most_frequent_first() -> None:
    reasons = ["KeyError: 'a'", "diverged at epoch 12", "diverged at epoch 3", "diverged at epoch 9"]
    records = [failed(number, reason) for number, reason in enumerate(reasons)]
    records += [TrialRecord(9, {}, "interrupted", "worker died"), TrialRecord(10, {}, "completed", value=1.0)]
    assert [group.describe() for group in failure_groups(records)] == [
        "diverged at epoch 3 to 12 (3 trials)", "KeyError: 'a' (1 trial)",
    ]  # fmt: skip
    assert failure_groups(records)[0].trials == (1, 2, 3)


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        (["held 2.1 GB of 2 GB", "held 2.34 GB of 2 GB"], "held 2.1 to 2.34 GB of 2 GB"),
        (["1,000 weights", "20 weights"], "20 to 1,000 weights"),
        (["shape (3,) of 4", "shape (3, 5) of 4"], "shape (3,) of 4"),
        (["Layer at 0x7f3a", "Layer at 0x55ff"], "Layer at 0x7f3a"),
        (["3", "-3"], "-3 to 3"),
    ],
)
def test_a_number_that_differs_is_told_as_a_span_where_it_has_one(reasons: list[str], told: str) -> None:
    (group,) = failure_groups([failed(number, reason) for number, reason in enumerate(reasons)])
    assert group.reason == told
