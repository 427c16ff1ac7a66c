"""After the search: the best configurations trained again on new seeds, compared, and the winner named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from statistics import fmean

from hpsearch.app.display import Display
from hpsearch.app.opened import KnownStudy, OpenStudy
from hpsearch.fault_injection import crash_point
from hpsearch.records import TrialRecord
from hpsearch.report.text import duration, number
from hpsearch.search.book import load_weights, save_weights
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
    read_verdict,
    summarize,
    write_verdict,
)
from hpsearch.search.history import cut_torn_tail
from hpsearch.search.verdict import Verdict, judge, judge_ensemble
from hpsearch.tracking.finalists import FinalistRun
from hpsearch.training.ensemble import ensemble_value
from hpsearch.training.trainer import Weights
from hpsearch.workers.pool import Pool

Interruptible = Callable[[Callable[[], None]], AbstractContextManager[None]]
"""Has a function called on Ctrl-C while its context lasts."""


def planned_trainings(study: KnownStudy, records: Sequence[TrialRecord]) -> list[Training]:
    """Return every training of the finalists, those that are done already among them; [] where there is no winner."""
    section = study.spec.winner
    if section is None:
        return []
    finalists = choose(records, study.info.direction, section.finalists)
    return plan_trainings(finalists, study.spec.search.seed, section.seeds, study.info.splits)


def trainings_left(study: KnownStudy, records: Sequence[TrialRecord]) -> int:
    """Return how many trainings of the finalists are not done yet."""
    known = read_results(study.folder.finalists)
    return sum(training.key not in known for training in planned_trainings(study, records))


def expected_seconds(study: OpenStudy, records: Sequence[TrialRecord], places: int) -> float:
    """Return about how long the trainings that are left will take, from the finalists' times in the search."""
    seconds = {record.number: record.seconds / study.info.splits for record in records}
    known = read_results(study.folder.finalists)
    left = [training for training in planned_trainings(study, records) if training.key not in known]
    return sum(seconds[training.trial] for training in left) / max(places, 1)


def retrain(
    study: OpenStudy, records: Sequence[TrialRecord], pool: Pool, shown: Display, interruptible: Interruptible
) -> bool:
    """Train the finalists again as far as that is not done; return whether all is, False when interrupted."""
    planned, path = planned_trainings(study, records), study.folder.finalists
    cut_torn_tail(path)
    results = read_results(path)
    told = _Told(study, planned, results, shown)

    def saved(result: TrainingResult, weights: Weights | None) -> None:
        if weights is not None:
            study.folder.weights.mkdir(exist_ok=True, mode=0o700)
            save_weights(finalist_weights(study.folder, result.key), weights)
            crash_point("finalist-weights-saved")
        append_result(path, result)
        crash_point("finalist-recorded")
        results[result.key] = result
        told.ended(result)

    retraining = Retraining(pool, planned, results, saved, study.spec.search.trial_timeout)
    left = sum(training.key not in results for training in planned)
    with interruptible(retraining.interrupt):
        if left:
            count = len({training.trial for training in planned})
            about = duration(expected_seconds(study, records, pool.places))
            shown.note(f"training the {count} best configurations again, {left} times in all, about {about}")
        return retraining.run()


def compare_finalists(study: OpenStudy, records: Sequence[TrialRecord], shown: Display) -> Verdict | None:
    """Compare the finalists and write the verdict down.

    While trainings are left, an earlier verdict stands. None where there is none, where the study wants no winner, and
    where every finalist failed.
    """
    section, info = study.spec.winner, study.info
    planned = planned_trainings(study, records)
    if section is None or not planned:
        return None
    if trainings_left(study, records):
        return read_verdict(study.folder)
    results = read_results(study.folder.finalists)
    done = {training.key: results[training.key] for training in planned}
    finalists = choose(records, info.direction, section.finalists)
    retrained, unstable = summarize(finalists, done, f"val_{info.objective}")
    for trial, why in unstable.items():
        shown.note(f"trial {trial} is out of the comparison: {why}")
    if not retrained:
        study.folder.verdict.unlink(missing_ok=True)
        return None
    rows = study.data.rows
    share = rows["validation"] / rows["train"] if info.splits > 1 else 0.0
    verdict = judge(retrained, info.direction, prefer=section.prefer, test_share=share, unstable=unstable)
    members = [finalist.trial for finalist in verdict.finalists[: section.ensemble or 0]]
    if len(members) > 1:
        verdict = judge_ensemble(verdict, members, _averaged(study, records, members), info.direction, share)
    crash_point("finalists-compared")
    write_verdict(study.folder, verdict)
    crash_point("verdict-written")
    return verdict


def finalist_runs(study: KnownStudy, records: Sequence[TrialRecord]) -> list[FinalistRun]:
    """Return the finalists' trainings that have ended, as MLflow is told of them."""
    results = read_results(study.folder.finalists)
    ended = [
        (training, results[training.key]) for training in planned_trainings(study, records) if training.key in results
    ]
    return [
        FinalistRun(
            *training.key, training.seed, result.state, result.reason, result.best_epoch, result.metrics or {},
            result.parameters, result.seconds, training.configuration,
        )
        for training, result in ended
    ]  # fmt: skip


def _averaged(study: OpenStudy, records: Sequence[TrialRecord], members: Sequence[int]) -> list[float]:
    """Return the objective of the members' average, for each seed and split."""
    section = study.spec.winner
    assert section is not None
    configurations = {record.number: record.configuration for record in records}
    return [
        ensemble_value(
            [
                (configurations[trial], load_weights(finalist_weights(study.folder, (trial, repeat, split))))
                for trial in members
            ],
            study.data,
            split,
            study.info.objective,
            study.settled.settings.hypermodel,
        )
        for repeat in range(section.seeds)
        for split in range(study.info.splits)
    ]


class _Told:
    """Says what each seed gave, once all finalists have been trained from it."""

    def __init__(
        self, study: OpenStudy, planned: Sequence[Training], results: Mapping[Key, TrainingResult], shown: Display
    ) -> None:
        self._study = study
        self._results = results
        self._planned = {training.key for training in planned}
        self._shown = shown
        self._seeds = max((training.repeat for training in planned), default=-1) + 1
        self._left = Counter(training.repeat for training in planned if training.key not in results)

    def ended(self, result: TrainingResult) -> None:
        """Hear of a training that ended."""
        self._left[result.repeat] -= 1
        if self._left[result.repeat]:
            return
        name = f"val_{self._study.info.objective}"
        values: dict[int, list[float]] = {}
        for key, each in self._results.items():
            if key in self._planned and each.repeat == result.repeat and each.metrics:
                values.setdefault(each.trial, []).append(each.metrics[name])
        told = ", ".join(f"trial {trial} {number(fmean(found))}" for trial, found in sorted(values.items()))
        self._shown.note(f"seed {result.repeat + 1} of {self._seeds}: {name} of {told or 'none'}")
