from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.records import EpochRecord, TrialRecord, trial_from_json

names = st.text(min_size=1, max_size=8)
finite = st.floats(allow_nan=False, allow_infinity=False)
epochs = st.builds(EpochRecord, st.integers(0, 9), st.integers(1, 99), st.dictionaries(names, finite, max_size=3))
records = st.builds(
    TrialRecord,
    number=st.integers(0, 10**6),
    configuration=st.dictionaries(names, st.integers() | finite | names, max_size=4),
    state=st.sampled_from(["running", "completed", "pruned", "failed", "interrupted"]),
    reason=st.text(max_size=20),
    value=st.none() | finite,
    metrics=st.dictionaries(names, finite, max_size=3),
    epochs=st.lists(epochs, max_size=3).map(tuple),
    seconds=finite,
    copy_of=st.none() | st.integers(0, 99),
    retry_of=st.none() | st.integers(0, 99),
)


@given(records)
@settings(deadline=None)
def test_a_record_comes_back_from_json_as_it_was(record: TrialRecord) -> None:
    assert trial_from_json(json.loads(json.dumps(record.to_json()))) == record


def test_the_json_of_a_record_has_every_field() -> None:
    assert set(TrialRecord(0, {}, "running").to_json()) == {field.name for field in fields(TrialRecord)}


def test_a_field_that_is_not_known_is_no_record() -> None:
    with pytest.raises(TypeError, match="colour"):
        trial_from_json(TrialRecord(0, {}, "running").to_json() | {"colour": "red"})
