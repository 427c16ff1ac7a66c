"""Optuna's journal, written anew from the history: for a study in a changed space, and where the journal is gone.

Sampler and pruner then know the trials as they would after the search itself. What is not in the history is what was
queued, and that is queued again by who goes on: `recovery.recover` and `enqueue_missing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

import numpy as np

from hpsearch.disk import refusal
from hpsearch.errors import StoreError
from hpsearch.metrics import Direction
from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.search.optuna_study import OptunaStudy, Past
from hpsearch.space.domain import Choices, Domain, Value
from hpsearch.space.space import Space
from hpsearch.spec.sections import NamedOptions, SearchSection
from hpsearch.training.seeds import derive_seed


def rewrite_lost_journal(
    journal: Path, records: Mapping[int, TrialRecord], info: StudyInfo, search: SearchSection, space: Space, steps: int
) -> bool:
    """Write the journal of a study that has trials and no journal, whole or not at all; return whether it was needed.

    steps: values that a trial reports at most. Raises StoreError where the disk refuses.
    """
    if not records or (journal.exists() and journal.stat().st_size):
        return False
    built = journal.with_name(f".{journal.name}.new")
    try:
        built.unlink(missing_ok=True)
        write_journal(built, records, max(records), info, search, space, steps)
        built.replace(journal)
    except OSError as error:
        raise StoreError(refusal(journal, error)) from None
    return True


def write_journal(
    journal: Path,
    records: Mapping[int, TrialRecord],
    last: int,
    info: StudyInfo,
    search: SearchSection,
    space: Space,
    steps: int,
) -> None:
    """Write a journal that has these trials under their numbers, up to a last one (-1: none); others stay free."""
    plain = search.model_copy(update={"sampler": NamedOptions(name="random")})  # it is asked for nothing
    OptunaStudy(journal, plain, space, info.direction, steps).replay(
        _past(records[number], space, info, search.seed) if number in records else None for number in range(last + 1)
    )


def _past(record: TrialRecord, space: Space, info: StudyInfo, seed: int) -> Past:
    """Return a record as Optuna is to know it.

    It is asked for the widths of absent layers too. They are drawn at random: a constant in all carried trials would
    look to the sampler like a place where all good trials lie.
    """
    draw = np.random.default_rng(derive_seed(seed, record.number, 0, "absent"))
    point = {}
    for parameter in space:
        share, domain = draw.random(), parameter.domain
        given = record.configuration.get(parameter.name)
        point[parameter.name] = at_share(domain, share) if given is None else domain.nearest(given)
    return Past(record, point, _reported(record, f"val_{info.objective}", info.splits, info.direction))


def at_share(domain: Domain, share: float) -> Value:
    """Return the value that a share (0..1) of a domain lies below."""
    if isinstance(domain, Choices):
        return domain.choices[int(share * len(domain.choices))]
    if domain.log:
        return domain.nearest(float(domain.low * (domain.high / domain.low) ** share))
    return domain.nearest(float(domain.low + (domain.high - domain.low) * share))


def _reported(record: TrialRecord, name: str, splits: int, direction: Direction) -> dict[int, float]:
    """Return what the trial told the pruner: its objective by epoch, or with folds the mean of those done by fold."""
    values: list[dict[int, float]] = [{} for _ in range(splits)]
    for epoch in record.epochs:
        if name in epoch.metrics:
            values[epoch.split][epoch.step] = epoch.metrics[name]
    if splits == 1:
        return values[0]
    best = min if direction == "minimize" else max
    done = [best(of.values()) for of in values if of]
    return {count: fmean(done[:count]) for count in range(1, min(len(done), splits - 1) + 1)}
