from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hpsearch.metrics import Direction
from hpsearch.records import TrialRecord
from hpsearch.search.advice import MOST, Advice, advise
from hpsearch.space.space import Configuration
from hpsearch.spec import StudySpec, make_spec
from hpsearch.spec.document import read_document

from .drawn import drawn_trials
from .test_symptoms import DOMAINS, SPACE, rate, shares

NOTHING: dict[str, dict[str, float]] = {}
"""Importances that say nothing."""


def pasted(advice: Advice, **space: Any) -> StudySpec:
    """Load a study file with the advice in its section."""
    lines = "".join(f"  {line}\n" for line in advice.line.splitlines())
    values = read_document(f"data: {{sklearn: diabetes}}\n{advice.section}:\n{lines}".encode(), "study.yaml").values
    return make_spec(values | {"space": space | values.get("space", {})})


def test_each_kind_of_advice_loads_and_changes_what_it_says() -> None:
    def score(configuration: Configuration) -> float:
        worse = 4.0 * (configuration["optimizer"] == "sgd") + 8 * (rate(configuration) - 0.4) ** 2
        return worse - 4.0 * float(configuration["hidden_layers"])

    draw = np.random.default_rng(0)
    records = []
    for record in drawn_trials(SPACE, 400, score, noise=0.2):
        if rate(record.configuration) > 0.8 and draw.random() < 0.8:
            record = replace(record, state="failed", reason="diverged at epoch 2", value=None)
        records.append(record)
    found = {advice.kind: advice for advice in advise(records, SPACE, "minimize", importances=shares())}
    assert list(found) == ["bound", "diverged", "never wins", "no effect"]
    assert found["bound"].line == "hidden_layers: {low: 1, high: 3}"
    assert found["never wins"].line == "optimizer: [adam, rmsprop]"
    for advice in found.values():
        rows = pasted(advice).space.domains()
        assert rows
        assert all(rows[name] != DOMAINS[name] for name in rows)
    (row,) = pasted(found["diverged"]).space.domains()
    assert row == "learning_rate"
    assert set(pasted(found["no effect"]).space.domains()) <= {"activation", "batch_size", "dropout", "neurons"}


def test_a_row_is_advised_once_and_there_are_five_at_most() -> None:
    def score(configuration: Configuration) -> float:
        worse = 3.0 * (configuration["batch_size"] == 16) - 3.0 * (configuration["batch_size"] == 64)
        return worse + 4.0 * (configuration["optimizer"] == "sgd") + 4.0 * (configuration["activation"] == "tanh")

    found = advise(drawn_trials(SPACE, 300, score, noise=0.2), SPACE, "minimize", importances=shares())
    rows = [line.split(":")[0] for advice in found for line in advice.line.splitlines()]
    assert len(rows) == len(set(rows))
    assert {"batch_size", "optimizer", "activation"} <= set(rows)
    assert len(found) <= MOST


def test_without_completed_trials_there_is_nothing_to_say() -> None:
    failed = [replace(r, state="failed", value=None) for r in drawn_trials(SPACE, 50, lambda _: 0.0)]
    assert advise([], SPACE, "minimize") == []
    assert advise(failed, SPACE, "minimize") == []


def test_importances_are_found_where_they_are_not_given() -> None:
    records = drawn_trials(SPACE, 12, lambda c: 3 * abs(rate(c) - 0.5))
    assert advise(records, SPACE, "minimize") == advise(records, SPACE, "minimize", importances=NOTHING)


def still_improving(direction: Direction = "minimize", gain: float = 1.0) -> list[TrialRecord]:
    sign = 1 if direction == "minimize" else -1
    records = drawn_trials(SPACE, 80, lambda _: 0.0)
    values = np.array([record.value for record in records])
    best = values.min()
    late = [values[n] if n < 74 else best - gain * (1 + n / 100) for n in range(80)]
    return [replace(record, value=float(sign * value)) for record, value in zip(records, late, strict=True)]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_budget_that_ended_while_trials_still_got_better_is_told(direction: Direction) -> None:
    (advice,) = advise(still_improving(direction), SPACE, direction, trials=80, importances=NOTHING)
    assert (advice.kind, advice.section, advice.line) == ("budget", "search", "trials: 150")
    assert "the 6 best are all among the last 20" in advice.finding
    assert f"(p = {stats.hypergeom(80, 20, 6).pmf(6):.1g})" in advice.finding
    assert pasted(advice).search.trials == 150


def test_a_budget_that_is_not_spent_yet_is_not_told() -> None:
    assert advise(still_improving(), SPACE, "minimize", trials=100, importances=NOTHING) == []


def test_a_gain_of_next_to_nothing_is_no_reason_to_go_on() -> None:
    assert advise(still_improving(gain=0.001), SPACE, "minimize", importances=NOTHING) == []


def test_equal_values_are_no_improvement() -> None:
    records = [replace(record, value=1.0) for record in still_improving()]
    assert advise(records, SPACE, "minimize", importances=NOTHING) == []


def test_chance_alone_is_seldom_advice() -> None:
    """Of 2,000 such searches for nothing 20 were given an advice, a false one; here are 60 of them."""
    wrong = [
        advice
        for seed in range(60)
        for advice in advise(drawn_trials(SPACE, 100, lambda _: 0.0, seed), SPACE, "minimize", importances=NOTHING)
    ]
    assert len(wrong) <= 3


@given(seed=st.integers(0, 2**32), count=st.integers(20, 150), steep=st.tuples(*[st.floats(-5, 5)] * 4))
@settings(max_examples=40)
def test_every_line_loads(seed: int, count: int, steep: tuple[float, float, float, float]) -> None:
    def score(configuration: Configuration) -> float:
        numbers = (
            rate(configuration), np.log2(float(configuration["neurons_1"])) - 6, float(configuration["hidden_layers"]),
            {"adam": 0, "sgd": 1, "rmsprop": 0.5}[str(configuration["optimizer"])],
        )  # fmt: skip
        return float(np.dot(steep, numbers))

    records = drawn_trials(SPACE, count, score, seed, noise=0.1)
    for advice in advise(records, SPACE, "minimize", importances=shares()):
        spec = pasted(advice)
        if advice.section == "search":
            assert spec.search.trials > count
        else:
            rows = spec.space.domains()
            assert all(rows[name] != DOMAINS[name] for name in rows)
            assert len(rows) == len(advice.line.splitlines())
