"""How the delivered net is trained once more, on the validation rows too: for how long, with none left to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from hpsearch.space.space import Configuration
from hpsearch.training.trainer import Job, Settings


def median_epochs(best_epochs: Sequence[int]) -> int:
    """Return the epochs of a refit that passes each row as often as the configuration's trainings did in the middle.

    best_epochs: of those trainings, one at least, counted from 1. See docs/decisions/0011-the-winner-is-refitted.md.
    """
    return round(median(best_epochs))


def refit_epochs(best_epochs: Sequence[int], train_rows: Sequence[int], all_rows: int) -> int:
    """Return the epochs of a refit that takes as many gradient steps as the configuration's trainings in the middle.

    best_epochs: as in `median_epochs`. train_rows: how many rows each of the trainings had (folds in the order of time
    grow). all_rows: how many the refit trains on. Returns 1 at least.
    """
    seen = median(epoch * rows for epoch, rows in zip(best_epochs, train_rows, strict=True))
    return max(1, round(seen / all_rows))


def refit_job(configuration: Configuration, epochs: int, seed: int, number: int = 0) -> Job:
    """Return the job of a refit, on data by `data.refit.prepare_refit`. number: tells apart those of an ensemble."""
    return Job(number, 0, 0, seed, {**configuration, "epochs": epochs})


def refit_settings(settings: Settings) -> Settings:
    """Return a study's settings for refits: as no rows are left to choose an epoch by, the last ones' mean is kept."""
    return replace(settings, keep="mean")
