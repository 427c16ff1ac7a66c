from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.pruners import BasePruner, MedianPruner, PercentilePruner

from hpsearch.search.percentile import OrderedPercentilePruner, quantile

OPTIONS = st.fixed_dictionaries(
    {
        "n_startup_trials": st.integers(0, 4),
        "n_warmup_steps": st.integers(0, 4),
        "interval_steps": st.integers(1, 3),
        "n_min_trials": st.integers(1, 3),
    }
)


def verdicts(pruner: BasePruner, seed: int, direction: str, told: list[int]) -> list[tuple[int, int, bool]]:
    """Run trials three at a time that end in any order and in any way; return what the pruner said of each report."""
    draw = np.random.default_rng(seed)
    study = optuna.create_study(pruner=pruner, direction=direction)
    said, running = [], []
    for _ in range(30):
        running.append((study.ask(), iter(told)))
        while len(running) == 3:
            trial, steps = running[place := int(draw.integers(3))]
            step = next(steps, None)
            if step is not None:
                trial.report(float(draw.integers(8)), step)
                said.append((trial.number, step, trial.should_prune()))
                if not said[-1][2]:
                    continue
            del running[place]
            study.tell(trial, None if step else 0.0, optuna.trial.TrialState.PRUNED if step else None)
    return said


@given(OPTIONS, st.integers(0, 1000), st.sampled_from(["minimize", "maximize"]), st.floats(0, 100))
def test_it_prunes_what_optunas_rule_prunes(
    options: dict[str, Any], seed: int, direction: str, percentile: float
) -> None:
    told = [step for step in range(1, 9) if step % 3 or seed % 2]
    ours = OrderedPercentilePruner(percentile, **options)
    assert verdicts(ours, seed, direction, told) == verdicts(
        PercentilePruner(percentile, **options), seed, direction, told
    )


@pytest.mark.parametrize("seed", range(5))
def test_half_is_optunas_median_rule(seed: int) -> None:
    told = list(range(1, 9))
    said = verdicts(OrderedPercentilePruner(n_warmup_steps=2), seed, "minimize", told)
    assert said == verdicts(MedianPruner(n_warmup_steps=2), seed, "minimize", told)
    assert any(pruned for _, _, pruned in said)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0, 1))
def test_a_quantile_is_numpys(values: list[float], share: float) -> None:
    assert quantile(sorted(values), share) == pytest.approx(np.quantile(values, share), rel=1e-9, abs=1e-6)
