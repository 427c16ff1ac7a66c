"""Optuna asked for one parameter after another, in a space that grows while it is searched; nothing of it is on disk.

Whoever keeps the trials tells them again, in their order, before the first new one is asked for: `begin` with a trial's
values, `suggest` each of its parameters, `report` what it reported, `tell` how it ended; then `go_on`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import optuna

from hpsearch.metrics import Direction
from hpsearch.search.optuna_study import STATES
from hpsearch.search.pruners import make_pruner
from hpsearch.search.samplers import make_sampler
from hpsearch.space.domain import Domain, Value
from hpsearch.space.optuna import to_distribution
from hpsearch.spec.sections import SearchSection


class GrowingStudy:
    """The sampler and the pruner of a study whose parameters are met as they are asked for."""

    def __init__(self, search: SearchSection, direction: Direction, seed: int, steps: int) -> None:
        """Take the sampler and pruner, and the most steps that a trial reports."""
        self._search, self._seed = search, seed
        # A bracket of hyperband is drawn from the study's name: it is the same in every launch.
        self._study = optuna.create_study(
            study_name="study",
            direction=direction,
            sampler=optuna.samplers.RandomSampler(seed),
            pruner=make_pruner(search.pruner, steps),
        )
        self._prunes = search.pruner.name != "none"
        self._live: dict[int, optuna.Trial] = {}

    def go_on(self) -> None:
        """Let the sampler choose from now on: all trials there were before have been told."""
        self._study.sampler = make_sampler(self._search.sampler, self._seed, len(self._study.get_trials(False)))

    def begin(self, fixed: Mapping[str, Value] | None = None) -> int:
        """Begin a trial and return its number. fixed: values of the parameters that have theirs already."""
        with warnings.catch_warnings():
            # Some samplers, and queues, have been called experimental for years; a space that grows is what we want.
            warnings.simplefilter("ignore")
            if fixed is not None:
                self._study.enqueue_trial(dict(fixed))
            trial = self._study.ask()
        self._live[trial.number] = trial
        return trial.number

    def suggest(self, number: int, name: str, domain: Domain) -> Value:
        """Return a trial's value of a parameter. Always the same domain under the same name."""
        trial, distribution = self._live[number], to_distribution(domain)
        if isinstance(distribution, optuna.distributions.IntDistribution):
            return trial.suggest_int(
                name, distribution.low, distribution.high, step=distribution.step, log=distribution.log
            )
        if isinstance(distribution, optuna.distributions.FloatDistribution):
            return trial.suggest_float(
                name, distribution.low, distribution.high, step=distribution.step, log=distribution.log
            )
        assert isinstance(distribution, optuna.distributions.CategoricalDistribution)
        chosen = trial.suggest_categorical(name, distribution.choices)
        assert isinstance(chosen, int | float | str)
        return chosen

    def report(self, number: int, step: int, value: float) -> bool:
        """Note a finite intermediate value; return whether the trial should be pruned."""
        if not self._prunes:
            return False
        trial = self._live[number]
        trial.report(value, step)
        return trial.should_prune()

    def tell(self, number: int, state: str, value: float | None) -> None:
        """End a trial. Any state but completed and pruned is a failure to Optuna."""
        del self._live[number]
        optuna_state = STATES.get(state, optuna.trial.TrialState.FAIL)
        completed = optuna_state is optuna.trial.TrialState.COMPLETE
        self._study.tell(number, value if completed else None, state=optuna_state)
