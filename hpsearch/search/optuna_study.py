"""Optuna's side of a study: who is next, whether to prune, what was told. Nothing else touches the journal."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from hpsearch.metrics import Direction
from hpsearch.records import TrialRecord
from hpsearch.search.best_and_latest import MOST, BestAndLatest
from hpsearch.search.history import cut_torn_tail
from hpsearch.search.journal import open_journal, refuse_shared, way_on
from hpsearch.search.pruners import make_pruner, reporting_steps
from hpsearch.search.samplers import grid, make_sampler
from hpsearch.space.domain import Choices, IntRange, Value
from hpsearch.space.optuna import to_distributions
from hpsearch.space.space import Configuration, Space, configuration_key
from hpsearch.spec.sections import SearchSection

_NAME = "study"
STATES = {"completed": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
"""What a trial's state is to Optuna; any other is a failure."""


@dataclass(frozen=True)
class Asked:
    """A trial to run: its number in Optuna and its configuration."""

    number: int
    configuration: Configuration
    retry_of: int | None = None


@dataclass(frozen=True)
class Past:
    """A trial that ended in an earlier study: its record, a point it is a part of, what it reported by step."""

    record: TrialRecord
    point: Mapping[str, Value]
    reported: Mapping[int, float]


class OptunaStudy:
    """The sampler, the pruner and the journal of one study. For the driver, under the study's lock.

    What is asked, queued or told is on disk when the method returns; what is reported, with the next of those.
    """

    def __init__(self, journal: Path, search: SearchSection, space: Space, direction: Direction, steps: int) -> None:
        if search.sampler.name == "cmaes":
            refuse_shared(journal)
        cut_torn_tail(journal)
        self.journal = journal
        self._log, self._storage = open_journal(journal)
        self.space = space
        self._distributions = to_distributions(space)
        pruner = make_pruner(search.pruner, steps)
        self._reports = reporting_steps(search.pruner, steps)
        if not self._storage.get_all_studies():
            optuna.create_study(storage=self._storage, study_name=_NAME, direction=direction)
            self._log.flush()
        self._study = optuna.load_study(storage=self._storage, study_name=_NAME, pruner=pruner)
        self._study_id = self._storage.get_study_id_from_name(_NAME)
        self._study.sampler = make_sampler(search.sampler, search.seed, len(self.trials()))
        few = BestAndLatest(direction, filter(_finished, self.trials()))
        self._learned = few if _learns_from_few(search) else None
        self._live: dict[int, optuna.Trial] = {}
        self._grid = self._unseen(grid(space, search.seed)) if search.sampler.name == "grid" else None

    @property
    def way_on(self) -> str:
        """What a person can do about a damaged journal."""
        return way_on(self.journal)

    def trials(self) -> list[FrozenTrial]:
        """Return Optuna's own records, by number."""
        return self._study.get_trials(deepcopy=False)

    def ask(self) -> Asked | None:
        """Return the next trial; None when a grid is exhausted."""
        waiting = self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
        if self._grid is not None and not waiting:
            following = next(self._grid, None)
            if following is None:
                return None
            self.enqueue(following)
        seen = None if self._learned is None else self._learned.trials()
        with warnings.catch_warnings(), self._storage.narrowed(seen):
            # A first choice outside a narrower range is drawn again, which is right; Optuna says so each time.
            warnings.simplefilter("ignore")
            trial = self._study.ask(fixed_distributions=self._distributions)
        self._log.flush()
        self._live[trial.number] = trial
        return Asked(trial.number, self.space.active(trial.params), trial.user_attrs.get("retry_of"))

    def enqueue(self, configuration: Configuration, retry_of: int | None = None) -> None:
        """Have a configuration tried next; widths that its net lacks get the low end of their range."""
        self._put_in_queue({p.name: configuration.get(p.name, _first(p.domain)) for p in self.space}, retry_of)
        self._log.flush()

    def report(self, number: int, step: int, value: float) -> bool:
        """Note an intermediate value, at steps that the pruner looks at; return whether the trial should be pruned."""
        if step not in self._reports:
            return False
        trial = self._live[number]
        trial.report(value, step)
        return trial.should_prune()

    def tell(self, number: int, state: str, value: float | None) -> None:
        """End a trial. Any state but completed and pruned is a failure to Optuna."""
        optuna_state = STATES.get(state, TrialState.FAIL)
        self._live.pop(number, None)
        self._study.tell(number, value if optuna_state is TrialState.COMPLETE else None, state=optuna_state)
        self._log.flush()
        if self._learned is not None:
            trial_id = self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
            self._learned.add(self._storage.get_trial(trial_id))

    def replay(self, past: Iterable[Past | None]) -> None:
        """Live through an earlier study's trials in the order of their numbers, so that sampler and pruner know them.

        For a study that has no trial yet. None leaves a number free: it goes to a failed trial without parameters.
        """
        for one in past:
            if one is None:
                self._study.add_trial(optuna.trial.create_trial(state=TrialState.FAIL))
                continue
            record = one.record
            self._put_in_queue(one.point, record.retry_of)
            trial = self._study.ask(fixed_distributions=self._distributions)
            for step in sorted(self._reports & one.reported.keys()):
                trial.report(one.reported[step], step)
                trial.should_prune()  # the halving rules note what reached their rungs when they are asked
            state = STATES.get(record.state, TrialState.FAIL)
            self._study.tell(trial, record.value if state is TrialState.COMPLETE else None, state=state)
        self._log.flush()

    def enqueue_missing(self, configurations: Iterable[Configuration]) -> None:
        """Queue those configurations (`start_with`) that no trial has, waiting ones included."""
        present = {configuration_key(self.configuration_of(trial)) for trial in self.trials()}
        for configuration in configurations:
            if (key := configuration_key(configuration)) not in present:
                present.add(key)
                self.enqueue(configuration)

    def requeue(self, records: Iterable[TrialRecord]) -> None:
        """Queue interrupted trials again that a crash kept from being queued."""
        for root, record in unqueued(records, self.trials()):
            self.enqueue(record.configuration, retry_of=root)

    def queued(self) -> int:
        """Return how many trials wait to be asked for."""
        return len(self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    def configuration_of(self, trial: FrozenTrial) -> dict[str, Value]:
        """Return a trial's configuration, from its queue entry where it has not begun; {} where it is not known."""
        point = trial.system_attrs.get("fixed_params", {}) | trial.params
        return self.space.active(point) if all(parameter.name in point for parameter in self.space) else {}

    def _put_in_queue(
        self, point: Mapping[str, Value], retry_of: int | None, noted: Mapping[str, Any] | None = None
    ) -> None:
        attributes = dict(noted or {}) if retry_of is None else {"retry_of": retry_of}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.enqueue_trial(dict(point), user_attrs=attributes)

    def _unseen(self, configurations: Iterator[dict[str, Value]]) -> Iterator[dict[str, Value]]:
        told = {configuration_key(self.configuration_of(trial)) for trial in self.trials()}
        return (c for c in configurations if configuration_key(c) not in told)


def unqueued(records: Iterable[TrialRecord], trials: Iterable[FrozenTrial]) -> list[tuple[int, TrialRecord]]:
    """Return interrupted trials that no trial runs again, nor waits to: (the trial it first was, its last record)."""
    last = {r.number if r.retry_of is None else r.retry_of: r for r in records if r.state == "interrupted"}
    retried = {trial.user_attrs.get("retry_of"): trial.number for trial in trials}
    return [(root, r) for root, r in last.items() if r.configuration and retried.get(root, -1) <= r.number]


def started_at(trial: FrozenTrial) -> str:
    """Return when a trial began, UTC, ISO 8601 (Optuna keeps local time without a zone)."""
    if trial.datetime_start is None:
        return ""
    return trial.datetime_start.astimezone(datetime.UTC).isoformat(timespec="seconds")


def _learns_from_few(search: SearchSection) -> bool:
    """Tell whether the sampler can do without most trials: TPE can, in no bracket of hyperband, which has its own."""
    sampler = search.sampler
    return (
        sampler.name == "tpe"
        and search.pruner.name != "hyperband"
        and int(sampler.options.get("n_startup_trials", 0)) <= MOST
    )


def _finished(trial: FrozenTrial) -> bool:
    return trial.state.is_finished()


def _first(domain: object) -> Value:
    if isinstance(domain, Choices):
        return domain.choices[0]
    assert hasattr(domain, "low")
    return int(domain.low) if isinstance(domain, IntRange) else float(domain.low)
