from __future__ import annotations

import itertools
from random import Random

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.samplers._tpe.sampler import _split_trials
from optuna.trial import FrozenTrial, TrialState, create_trial

from hpsearch.metrics import Direction
from hpsearch.search.best_and_latest import BEST, MOST, BestAndLatest


def finished(number: int, value: float, state: TrialState = TrialState.COMPLETE, step: int = 1) -> FrozenTrial:
    steps = {step: value} if state is TrialState.PRUNED else {}
    trial = create_trial(state=state, value=value if state is TrialState.COMPLETE else None, intermediate_values=steps)
    trial.number = number
    return trial


def numbers(trials: list[FrozenTrial]) -> list[int]:
    return [trial.number for trial in trials]


def test_up_to_the_limit_all_that_did_not_fail_are_there_in_order() -> None:
    trials = [finished(n, -n, TrialState.FAIL if n % 7 == 0 else TrialState.COMPLETE) for n in range(MOST)]
    seen = BestAndLatest("minimize", reversed(trials)).trials()
    assert numbers(seen) == [n for n in range(MOST) if n % 7]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_best_are_those_that_optuna_takes_for_good(direction: Direction) -> None:
    study = optuna.create_study(direction=direction)
    trials = []
    for number, key in zip(range(2000), itertools.cycle(range(997)), strict=False):
        state = TrialState.COMPLETE if number % 90 == 0 else TrialState.PRUNED
        trials.append(finished(number, (key * 613) % 997, state, step=1 + key % 20))
    good, _ = _split_trials(study, trials, BEST)
    assert set(numbers(good)) <= set(numbers(BestAndLatest(direction, trials).trials()))


@given(st.integers(0, 1500), st.randoms())
def test_of_many_there_are_the_latest_whatever_the_order_they_end_in(count: int, random: Random) -> None:
    trials = [finished(n, (n * 7919) % 1009) for n in range(count)]
    for start in range(0, count, 5):  # five at a time run at once
        some = trials[start : start + 5]
        random.shuffle(some)
        trials[start : start + 5] = some
    seen = numbers(BestAndLatest("minimize", trials).trials())
    assert seen == sorted(set(seen))
    assert len(seen) == min(count, MOST)
    assert set(range(max(count - (MOST - BEST), 0), count)) <= set(seen)


def test_a_pruned_trial_that_never_reported_or_reported_no_number_is_the_last_to_be_kept() -> None:
    learned = BestAndLatest("minimize")
    silent = create_trial(state=TrialState.PRUNED)
    silent.number = 0
    for trial in (silent, finished(1, float("nan"), TrialState.PRUNED), finished(2, 5.0, TrialState.PRUNED, step=9)):
        learned.add(trial)
    assert numbers(learned.trials()) == [0, 1, 2]
