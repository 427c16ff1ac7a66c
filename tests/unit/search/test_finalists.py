from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import SCRIPTS, ScriptedTrainer, write_dataset

from hpsearch.errors import StoreError, StudyAborted
from hpsearch.records import TrialRecord
from hpsearch.search.finalists import (
    GRACE,
    Key,
    Retraining,
    Training,
    TrainingResult,
    append_result,
    choose,
    plan_trainings,
    read_results,
    summarize,
)
from hpsearch.training.trainer import Job, Outcome, Weights
from hpsearch.workers.inline import InlinePool
from hpsearch.workers.pool import Event, Lost, Started, Stopped


def _record(number: int, value: float | None = 1.0, script: str = "train", **changes: Any) -> TrialRecord:
    configuration = {"hidden_layers": 0, "batch_size": SCRIPTS.index(script), "epochs": 2, "learning_rate": number / 9}
    state = "pruned" if value is None else "completed"
    return replace(TrialRecord(number, configuration, state, value=value, parameters=number), **changes)


def test_the_best_configurations_are_chosen_each_once() -> None:
    records = [_record(0, 3.0), _record(1, 1.0), _record(2, None), _record(3, 1.0, copy_of=1), _record(4, 2.0)]
    assert [record.number for record in choose(records, "minimize", 2)] == [1, 4]
    assert [record.number for record in choose(records, "maximize", 5)] == [0, 4, 1]


def test_all_finalists_get_the_same_new_seeds_for_each_repeat_and_split() -> None:
    planned = plan_trainings([_record(5), _record(8)], 7, repeats=3, splits=2)
    seeds = {trial: [t.seed for t in planned if t.trial == trial] for trial in (5, 8)}
    assert len(planned) == 12
    assert seeds[5] == seeds[8]
    assert len(set(seeds[5])) == 6
    assert [training.repeat for training in planned] == sorted(training.repeat for training in planned)


class _Saved:
    def __init__(self) -> None:
        self.results: dict[Key, TrainingResult] = {}
        self.weights: dict[Key, Weights | None] = {}

    def __call__(self, result: TrainingResult, weights: Weights | None) -> None:
        self.results[result.key] = result
        self.weights[result.key] = weights


def _inline(tmp_path: Path) -> InlinePool:
    return InlinePool(ScriptedTrainer(), write_dataset(tmp_path / "data", splits=2))


def test_every_training_is_done_and_saved_with_its_weights(tmp_path: Path) -> None:
    planned, saved = plan_trainings([_record(5), _record(8)], 7, 2, 2), _Saved()
    assert Retraining(_inline(tmp_path), planned, {}, saved).run()
    assert set(saved.results) == {(trial, repeat, split) for trial in (5, 8) for repeat in (0, 1) for split in (0, 1)}
    assert {result.state for result in saved.results.values()} == {"completed"}
    assert all(weights is not None for weights in saved.weights.values())


def test_what_is_known_is_not_trained_again(tmp_path: Path) -> None:
    planned, saved = plan_trainings([_record(5)], 7, 2, 1), _Saved()
    known = {(5, 0, 0): TrainingResult(5, 0, 0, "completed")}
    assert Retraining(_inline(tmp_path), planned, known, saved).run()
    assert set(saved.results) == {(5, 1, 0)}


@pytest.mark.parametrize(("script", "reason"), [("diverge", "diverged at epoch 3"), ("raise", "ValueError")])
def test_a_training_that_fails_is_a_result(tmp_path: Path, script: str, reason: str) -> None:
    saved = _Saved()
    assert Retraining(_inline(tmp_path), plan_trainings([_record(5, script=script)], 7, 1, 1), {}, saved).run()
    assert saved.results[5, 0, 0].state == "failed"
    assert reason in saved.results[5, 0, 0].reason


def test_an_interrupt_ends_it_and_leaves_the_rest_for_later(tmp_path: Path) -> None:
    planned, saved = plan_trainings([_record(5), _record(8)], 7, 2, 1), _Saved()

    def save(result: TrainingResult, weights: Weights | None) -> None:
        saved(result, weights)
        retraining.interrupt()

    retraining = Retraining(_inline(tmp_path), planned, {}, save)
    assert not retraining.run()
    assert len(saved.results) == 1
    rest = _Saved()
    assert Retraining(_inline(tmp_path / "again"), planned, saved.results, rest).run()
    assert {*saved.results, *rest.results} == {training.key for training in planned}


class _DyingPool:
    """Loses the first jobs with their workers, then completes nothing but says so."""

    places = 1

    def __init__(self, deaths: int) -> None:
        self._deaths = deaths
        self._events: list[Event] = []
        self.jobs: list[Job] = []

    def start(self, job: Job) -> int:
        self.jobs.append(job)
        died = len(self.jobs) <= self._deaths
        self._events += [Started(job.token), Lost(job.token, "worker died" if died else "an error", died=died)]
        return 1

    def stop(self, token: tuple[int, int, int], grace: float | None = None) -> None:
        pass

    def events(self, timeout: float) -> list[Event]:
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("deaths", "jobs", "reason"), [(1, 2, "an error"), (9, 3, "worker died")])
def test_a_training_whose_worker_died_is_run_again_twice_at_most(deaths: int, jobs: int, reason: str) -> None:
    pool, saved = _DyingPool(deaths), _Saved()
    assert Retraining(pool, [Training(5, 0, 0, 1, {})], {}, saved).run()
    assert len({job.token for job in pool.jobs}) == jobs
    assert {job.seed for job in pool.jobs} == {1}
    assert saved.results[5, 0, 0].reason == reason


class _Script:
    """Lets each job, in the order of starting, come to the ends of a script; one that waits ends when it is stopped."""

    def __init__(self, *ends: str, places: int = 1) -> None:
        self.places = places
        self.stops: list[tuple[int, float | None]] = []
        self._ends = list(ends)
        self._events: list[Event] = []

    def start(self, job: Job) -> int:
        token, end = job.token, self._ends.pop(0) if self._ends else "train"
        ends: dict[str, Event] = {
            "train": Outcome(token, "completed", "", 1, {"val_rmse": 1.0}),
            "die": Lost(token, "worker died: signal 9 (SIGKILL)", died=True),
            "greedy": Lost(token, "out of memory: the worker held 3 GB of 2 GB allowed"),
        }
        self._events.append(Started(token))
        if end != "wait":
            self._events.append(ends.get(end, Lost(token, end)))
        return 1

    def stop(self, token: tuple[int, int, int], grace: float | None = None) -> None:
        self.stops.append((token[0], grace))
        self._events.append(Stopped(token))

    def events(self, timeout: float) -> list[Event]:
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        pass


def _trainings(count: int) -> list[Training]:
    return [Training(trial, 0, 0, 1, {}) for trial in range(count)]


def test_a_training_that_takes_longer_than_a_trial_may_has_failed(tmp_path: Path) -> None:
    pool, saved, times = _Script("wait"), _Saved(), itertools.count()
    retraining = Retraining(pool, _trainings(2), {}, saved, 5.0, clock=lambda: float(next(times)))
    assert retraining.run()
    assert {trial: result.reason for (trial, _, _), result in saved.results.items()} == {0: "timeout after 5 s", 1: ""}
    assert pool.stops == [(0, GRACE)]


def test_workers_that_die_whatever_they_train_again_end_the_launch_and_no_training_is_out_for_it() -> None:
    saved = _Saved()
    with pytest.raises(StudyAborted, match="workers in a row died"):
        Retraining(_Script(*["die"] * 9), _trainings(5), {}, saved).run()
    assert saved.results == {}


def test_the_same_error_in_three_trainings_ends_the_launch_and_no_training_is_out_for_it() -> None:
    saved = _Saved()
    script = ["train", "ValueError: 1", "ValueError: 2", "ValueError: 3"]
    with pytest.raises(StudyAborted, match="3 trainings failed with the same error"):
        Retraining(_Script(*script), _trainings(9), {}, saved).run()
    assert [key[0] for key in saved.results] == [0]


def test_errors_that_end_no_launch_are_results() -> None:
    saved = _Saved()
    script = ["ValueError: 1", "ValueError: 2", "train", "greedy", "greedy", "greedy", "ValueError: 3"]
    assert Retraining(_Script(*script), _trainings(7), {}, saved).run()
    states = {key[0]: result.state for key, result in saved.results.items()}
    assert states == {0: "failed", 1: "failed", 2: "completed", **dict.fromkeys(range(3, 7), "failed")}


def _result(trial: int, repeat: int, value: float, split: int = 0) -> TrainingResult:
    return TrainingResult(trial, repeat, split, "completed", metrics={"val_rmse": value}, seconds=2.0)


def test_finalists_are_compared_on_the_repeats_they_share() -> None:
    results = [_result(5, 0, 1.0), _result(5, 1, 2.0), _result(8, 0, 3.0)]
    finalists = [_record(5, 0.5), _record(8, 0.6)]
    kept, out = summarize(finalists, {result.key: result for result in results}, "val_rmse")
    assert [(one.trial, one.searched, one.values) for one in kept] == [(5, 0.5, (1.0,)), (8, 0.6, (3.0,))]
    assert out == {}


def test_a_finalist_that_failed_once_is_out_with_the_reason() -> None:
    results = [_result(5, 0, 1.0), TrainingResult(8, 0, 0, "failed", "diverged at epoch 2"), _result(8, 1, 1.0)]
    kept, out = summarize([_record(5), _record(8)], {result.key: result for result in results}, "val_rmse")
    assert [one.trial for one in kept] == [5]
    assert out == {8: "1 of 2 trainings failed: diverged at epoch 2"}


def test_results_are_read_back_and_a_cut_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "finalists.jsonl"
    results = [_result(5, 0, 1.0), _result(5, 1, 2.0)]
    for result in results:
        append_result(path, result)
    with path.open("a") as file:
        file.write('{"trial": 5, "re')
    assert read_results(path) == {result.key: result for result in results}
    assert read_results(tmp_path / "none.jsonl") == {}


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "finalists.jsonl"
    path.write_text('{"trial": 5}\n')
    with pytest.raises(
        StoreError, match=r"finalists.jsonl is damaged: line 1 .* remove that line: its training is run again"
    ):
        read_results(path)
