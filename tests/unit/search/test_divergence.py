from __future__ import annotations

import pytest
from fakes import SMALL

from hpsearch.records import TrialRecord, TrialState
from hpsearch.search.divergence import divergence_warning
from hpsearch.space.domain import Choices
from hpsearch.space.space import build_space

SPACE = build_space(SMALL | {"optimizer": Choices(("adam", "sgd"))})


def trial(number: int, rate: float, state: TrialState, optimizer: str = "adam", **changes: object) -> TrialRecord:
    reason = f"diverged at epoch {number % 4 + 1}" if state == "failed" else ""
    # Depths take turns, so that the learning rate, or the optimizer, is all that sets trials apart.
    configuration = {"hidden_layers": number % 3, "optimizer": optimizer, "learning_rate": rate, "batch_size": 16}
    return TrialRecord(number, configuration, state, reason, **changes)  # type: ignore[arg-type]


def half_diverged(good: list[float], bad: list[float], **changes: object) -> list[TrialRecord]:
    records = [trial(number, rate, "completed", value=1.0) for number, rate in enumerate(good)]
    return records + [trial(len(good) + n, rate, "failed", **changes) for n, rate in enumerate(bad)]


GOOD, BAD = [0.001, 0.004, 0.01, 0.0499], [0.05037, 0.06, 0.07, 0.08, 0.09, 0.1]


def test_the_range_that_trials_which_diverged_share_is_named() -> None:
    assert divergence_warning(half_diverged(GOOD, BAD), SPACE) == (
        "6 of 10 trials diverged, all with learning_rate 0.0503 or above; consider a narrower range"
    )


def test_a_lower_end_is_named_too() -> None:
    told = divergence_warning(half_diverged(BAD[:4], [*GOOD, 0.00111, 0.0112]), SPACE)
    assert told == "6 of 10 trials diverged, all with learning_rate 0.0499 or below; consider a narrower range"


def test_a_few_others_in_that_range_are_told() -> None:
    told = divergence_warning(half_diverged([*GOOD[:3], 0.2], BAD), SPACE)
    assert told is not None
    assert "all with learning_rate 0.0503 or above (of the 4 others 1); " in told


def test_a_choice_can_be_what_they_share() -> None:
    records = half_diverged(GOOD, [0.001, 0.004, 0.01, 0.0499, 0.002, 0.03], optimizer="sgd")
    told = divergence_warning(records, SPACE)
    assert told == "6 of 10 trials diverged, all with optimizer sgd; consider a narrower range"


def test_where_nothing_sets_them_apart_the_data_are_suspected() -> None:
    rates = [0.001, 0.09, 0.004, 0.03, 0.07]
    for records in (half_diverged(rates, rates), half_diverged([], [*rates, *rates])):
        told = divergence_warning(records, SPACE)
        assert told is not None
        assert "and no one parameter sets them apart; are there extreme values among the data?" in told


@pytest.mark.parametrize("records", [half_diverged(GOOD, BAD[:5]), half_diverged([*GOOD, 0.02, 0.03, 0.04], BAD)])
def test_fewer_than_ten_trials_or_than_half_of_them_say_nothing(records: list[TrialRecord]) -> None:
    assert divergence_warning(records, SPACE) is None


def test_copies_and_interrupted_trials_count_for_nothing() -> None:
    records = half_diverged(GOOD, BAD[:5])
    records += [trial(20, 0.1, "failed", copy_of=5), trial(21, 0.1, "interrupted")]
    assert divergence_warning(records, SPACE) is None
