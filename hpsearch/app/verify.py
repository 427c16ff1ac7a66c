"""After the search: the best configurations trained again on new seeds, compared, and the winner named."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from hpsearch.app.display import Display
from hpsearch.app.opened import OpenStudy
from hpsearch.records import TrialRecord
from hpsearch.search.book import save_weights
from hpsearch.search.finalists import (
    Key,
    Retraining,
    Training,
    TrainingResult,
    append_result,
    choose,
    finalist_weights,
    plan_trainings,
    read_results,
    summarize,
)
from hpsearch.search.folder import write_whole
from hpsearch.search.history import cut_torn_tail
from hpsearch.search.verdict import Verdict, judge
from hpsearch.training.trainer import Weights
from hpsearch.workers.pool import Pool

Interruptible = Callable[[Callable[[], None]], AbstractContextManager[None]]
"""Has a function called on Ctrl-C while its context lasts."""


def planned_trainings(study: OpenStudy, records: Sequence[TrialRecord]) -> list[Training]:
    """Return every training of the finalists, those that are done already among them; [] where there is no winner."""
    section = study.spec.winner
    if section is None:
        return []
    finalists = choose(records, study.info.direction, section.finalists)
    return plan_trainings(finalists, study.spec.search.seed, section.seeds, study.info.splits)


def verify(
    study: OpenStudy, records: Sequence[TrialRecord], pool: Pool, shown: Display, interruptible: Interruptible
) -> Verdict | None:
    """Train the finalists again as far as that is not done, and compare them; write the verdict down.

    None where the study wants no winner, where nothing completed, when interrupted (the next launch goes on), and where
    every finalist failed on a new seed, which is noted.
    """
    planned, path = planned_trainings(study, records), study.folder.finalists
    if not planned:
        return None
    cut_torn_tail(path)
    results = read_results(path)

    def saved(result: TrainingResult, weights: Weights | None) -> None:
        if weights is not None:
            study.folder.weights.mkdir(exist_ok=True, mode=0o700)
            save_weights(finalist_weights(study.folder, result.key), weights)
        append_result(path, result)
        results[result.key] = result

    retraining = Retraining(pool, planned, results, saved)
    left = sum(training.key not in results for training in planned)
    if left:
        shown.note(f"training the {len({t.trial for t in planned})} best configurations again, {left} times in all")
    with interruptible(retraining.interrupt):
        if not retraining.run():
            return None
    return _compare(study, records, {training.key: results[training.key] for training in planned}, shown)


def _compare(
    study: OpenStudy, records: Sequence[TrialRecord], results: dict[Key, TrainingResult], shown: Display
) -> Verdict | None:
    section, info = study.spec.winner, study.info
    assert section is not None
    finalists = choose(records, info.direction, section.finalists)
    retrained, unstable = summarize(finalists, results, f"val_{info.objective}")
    for trial, why in unstable.items():
        shown.note(f"trial {trial} is out of the comparison: {why}")
    if not retrained:
        return None
    rows = study.data.rows
    share = rows["validation"] / rows["train"] if info.splits > 1 else 0.0
    verdict = judge(retrained, info.direction, prefer=section.prefer, test_share=share, unstable=unstable)
    write_whole(study.folder.verdict, json.dumps(verdict.to_json(), indent=1).encode())
    return verdict
