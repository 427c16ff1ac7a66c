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


def refit_job(configuration: Configuration, epochs: int, seed: int, number: int = 0) -> Job:
    """Return the job of a refit, on data by `data.refit.prepare_refit`. number: tells apart those of an ensemble."""
    return Job(number, 0, 0, seed, {**configuration, "epochs": epochs})


def refit_settings(settings: Settings) -> Settings:
    """Return a study's settings for refits: as no rows are left to choose an epoch by, the last ones' mean is kept."""
    return replace(settings, keep="mean")
