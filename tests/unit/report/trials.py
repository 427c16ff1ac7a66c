"""Trials made up from a seed: small, quick, with everything a picture has to stand."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

from hpsearch.records import EpochRecord, StudyInfo, TrialRecord
from hpsearch.space.domain import Choices, IntRange
from hpsearch.space.space import Space, build_space

INFO = StudyInfo("bike", "0" * 16, "rmse", "minimize", "regression", "d" * 64)
START = datetime(2026, 1, 1, tzinfo=UTC)


def make_space(deepest: int = 3) -> Space:
    return build_space({"hidden_layers": IntRange(1, deepest)})


def make_trials(count: int, space: Space | None = None, *, seed: int = 0, folds: int = 1) -> list[TrialRecord]:
    space = space or make_space()
    rng = random.Random(seed)
    trials = []
    for number in range(count):
        state = (
            "completed" if number == 0 else rng.choice(["completed", "completed", "pruned", "failed", "interrupted"])
        )
        epochs = tuple(
            EpochRecord(fold, step, {"train_loss": 1 / step, "val_loss": 1.2 / step, "val_rmse": 50 + 99 / step})
            for fold in range(folds)
            for step in range(1, 6 - fold)
        )
        value = 40 + rng.random() * 30
        trials.append(
            TrialRecord(
                number, space.active({p.name: _draw(p.domain, rng) for p in space}), state,
                value=value if state == "completed" else None, best_epoch=3, epochs=epochs, seconds=rng.uniform(1, 9),
                metrics={} if state == "failed" else {"val_rmse": value}, worker=number % 2,
                started=(START + timedelta(seconds=5 * number)).isoformat(),
            )
        )  # fmt: skip
    return trials


def _draw(domain, rng):
    if isinstance(domain, Choices):
        return rng.choice(domain.choices)
    if isinstance(domain, IntRange):
        return rng.randint(domain.low, domain.high)
    if domain.log:
        return math.exp(rng.uniform(math.log(domain.low), math.log(domain.high)))
    return rng.uniform(domain.low, domain.high)
