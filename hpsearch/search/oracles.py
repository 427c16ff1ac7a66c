"""keras-tuner's tuners as samplers of a study: its oracle is asked and told, Optuna's journal stays the truth.

What an oracle proposes is queued in Optuna and asked for from there, so that recovery, MLflow and doctor see a study
like any other. At the next launch the oracle is told of the trials in the journal again.

Differences from keras-tuner's own loop, on purpose: no trial is retried by the oracle (a study retries by itself), and
Hyperband's trials begin anew. Its `tuner/epochs` are the trial's `epochs`. Its `tuner/trial_id` and
`tuner/initial_epoch`, which have a trial go on with another's weights, are passed over: a trial here is made again from
its seed alone, by a retry, by the finalists and by the refit, and most trials' weights are not kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cmp_to_key
from pathlib import Path
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from hpsearch.metrics import Direction
from hpsearch.search.optuna_study import Asked, OptunaStudy
from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange, Value
from hpsearch.space.space import Parameter, Space, members
from hpsearch.spec.budget import EPOCHS_ARE_A_BUDGET
from hpsearch.spec.sections import SearchSection
from hpsearch.spec.strategies import KERAS_TUNER
from hpsearch.training.quiet import import_keras

_OBJECTIVE = "objective"
_NEVER = 10**9
"""Trials, or failures in a row, at which the oracle would end the search: that is the study's to decide."""
MOST_LISTED = 1000
"""Values of a stepped range of decimals that an oracle is given as a list."""
_NOTE = "oracle"
"""The attribute of a trial that holds the oracle's id of it, and what Hyperband needs to know."""


def open_trials(
    journal: Path, search: SearchSection, space: Space, direction: Direction, steps: int
) -> OptunaStudy:  # fmt: skip
    """Return a study's trials, asked for from whichever sampler the study file names."""
    kind = OracleStudy if search.sampler.name.startswith(KERAS_TUNER) else OptunaStudy
    return kind(journal, search, space, direction, steps)


class OracleStudy(OptunaStudy):
    """The trials of a study whose next one keras-tuner proposes. The driver imports TensorFlow for it."""

    def __init__(self, journal: Path, search: SearchSection, space: Space, direction: Direction, steps: int) -> None:
        super().__init__(journal, search, space, direction, steps)
        self._budget = search.sampler.name == EPOCHS_ARE_A_BUDGET
        self._ids: dict[int, str] = {}
        """the oracle's id by the number of a trial, or of one that runs it again"""
        with _quiet():
            self._oracle = _make_oracle(search, space, direction, steps)
            self._restore()

    def ask(self) -> Asked | None:
        """Return the next trial; None where the oracle has nothing to try, or waits for what is running."""
        if not self.queued() and not self._propose():
            return None
        asked = super().ask()
        if asked is not None:
            self._remember(asked.number, self._live[asked.number].user_attrs)
        return asked

    def tell(self, number: int, state: str, value: float | None) -> None:
        """End a trial. The oracle hears of it unless it is run again; of a pruned one it hears the last value."""
        super().tell(number, state, value)
        if state != "interrupted":
            with _quiet():
                self._inform(self.trials()[number])

    def _propose(self) -> bool:
        with _quiet():
            trial = self._oracle.create_trial(f"place-{len(self._oracle.start_order)}")
        if trial.status != "RUNNING":
            return False
        values = trial.hyperparameters.values
        note = {"id": trial.trial_id} | {name: value for name, value in values.items() if name.startswith("tuner/")}
        given = values | ({"epochs": values["tuner/epochs"]} if self._budget else {})
        point = {p.name: p.domain.nearest(given.get(p.name, p.row.usual)) for p in self.space}
        self._put_in_queue(point, None, {_NOTE: note})
        self._log.flush()
        return True

    def _remember(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Note under which id the oracle knows a trial; one that it did not propose has none."""
        known = attributes[_NOTE]["id"] if _NOTE in attributes else self._ids.get(attributes.get("retry_of", -1))
        if known is not None:
            self._ids[number] = known

    def _restore(self) -> None:
        """Tell a new oracle of all trials there are, in the order of their numbers."""
        trials = self.trials()
        again = {trial.user_attrs.get("retry_of") for trial in trials}
        for trial in trials:
            self._remember(trial.number, trial.user_attrs)
            if note := trial.user_attrs.get(_NOTE):
                tuner = {name: value for name, value in note.items() if name.startswith("tuner/")}
                self._admit(note["id"], self.configuration_of(trial), tuner)
        _seed_anew(self._oracle, len(trials))
        for trial in trials:
            if trial.state.is_finished() and trial.number not in again and self.configuration_of(trial):
                self._inform(trial)

    def _admit(self, name: str, configuration: Mapping[str, Value], tuner: Mapping[str, Any]) -> None:
        """Have the oracle know a trial as one that it began."""
        from keras_tuner.src.engine.trial import Trial

        hyperparameters = self._oracle.hyperparameters.copy()
        known = {hp.name for hp in hyperparameters.space}
        values = {name: value for name, value in configuration.items() if name in known}
        hyperparameters.values = values | dict(tuner)
        trial = Trial(hyperparameters, trial_id=name, status="RUNNING")
        self._oracle.trials[name] = trial
        self._oracle.ongoing_trials[f"place-{len(self._oracle.start_order)}"] = trial
        self._oracle.start_order.append(name)
        self._oracle._record_values(trial)
        if "tuner/round" in tuner:
            _rejoin_bracket(self._oracle, name, tuner)
        if hasattr(self._oracle, "_ordered_ids"):
            _rejoin_grid(self._oracle)

    def _inform(self, trial: FrozenTrial) -> None:
        """Tell the oracle how a trial ended."""
        name = self._ids.get(trial.number)
        if name is None:  # the study file's own first trials
            if self._budget or hasattr(self._oracle, "_ordered_ids"):
                return  # they are in no bracket, and on no grid
            name = self._ids[trial.number] = f"own-{trial.number}"
            self._admit(name, self.configuration_of(trial), {})
        value = trial.value if trial.state is TrialState.COMPLETE else None
        if trial.state is TrialState.PRUNED and trial.intermediate_values:
            value = trial.intermediate_values[max(trial.intermediate_values)]
        ended = self._oracle.trials[name]
        if value is not None:
            self._oracle.update_trial(name, {_OBJECTIVE: value})
        ended.status = "FAILED" if value is None else "COMPLETED"
        self._oracle.end_trial(ended)


def _make_oracle(search: SearchSection, space: Space, direction: Direction, steps: int) -> Any:
    import_keras()
    import keras_tuner

    name = search.sampler.name.removeprefix(KERAS_TUNER)
    budget = search.sampler.name == EPOCHS_ARE_A_BUDGET
    kinds = {
        "random": keras_tuner.oracles.RandomSearchOracle,
        "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
        "hyperband": keras_tuner.oracles.HyperbandOracle,
        "grid": keras_tuner.oracles.GridSearchOracle,
    }
    longest = max(_ends(parameter.domain) for parameter in space if parameter.name == "epochs")
    own = {"max_epochs": longest, "hyperband_iterations": None} if budget else {"max_trials": _NEVER}
    oracle = kinds[name](
        objective=keras_tuner.Objective(_OBJECTIVE, "min" if direction == "minimize" else "max"),
        hyperparameters=hyperparameters_of(space, {"epochs"} if budget else set()),
        seed=search.seed + 1,  # of 0 keras-tuner makes one at random
        max_consecutive_failed_trials=_NEVER,
        **own | search.sampler.options,
    )
    oracle.verbose = 0
    # The journal is the truth; the oracle's own files would be a second one.
    oracle.save = oracle._save_trial = lambda *_: None
    return oracle


def hyperparameters_of(space: Space, but: set[str]) -> Any:
    """Return a space as keras-tuner's HyperParameters, conditions and all; without some parameters."""
    import keras_tuner
    from keras_tuner.src.engine.conditions import Parent

    hyperparameters = keras_tuner.HyperParameters()
    for parameter in space:
        for conditions in parameter.needs or ((),):
            needs = [Parent(condition.parent, list(condition.values)) for condition in conditions]
            if parameter.name not in but:
                hyperparameters.merge([_hyperparameter(parameter, needs)])
    return hyperparameters


def _hyperparameter(parameter: Parameter, needs: list[Any]) -> Any:
    from keras_tuner.src.engine import hyperparameters as kinds

    domain, name = parameter.domain, parameter.name
    default = domain.nearest(parameter.row.usual)
    if isinstance(domain, Choices):
        if len(domain.choices) == 1:
            return kinds.Fixed(name, domain.choices[0], conditions=needs)
        mixed = len({type(choice) for choice in domain.choices}) > 1
        values = [float(choice) for choice in domain.choices] if mixed else list(domain.choices)
        return kinds.Choice(name, values, default=type(values[0])(default), conditions=needs)
    if isinstance(domain, FloatRange) and (domain.count() or MOST_LISTED + 1) <= MOST_LISTED:
        # keras-tuner counts steps with floor division and loses the last: 0.5 // 0.1 is 4.
        listed = [float(value) for value in members(domain)]
        return kinds.Choice(name, listed, ordered=True, default=float(default), conditions=needs)
    kind = kinds.Int if isinstance(domain, IntRange) else kinds.Float
    sampling = "log" if domain.log else "linear"
    step = None if domain.log else domain.step
    return kind(name, domain.low, domain.high, step=step, sampling=sampling, default=default, conditions=needs)


def _ends(domain: Domain) -> int:
    return int(max(domain.choices) if isinstance(domain, Choices) else domain.high)


def _seed_anew(oracle: Any, begun: int) -> None:
    """Have an oracle draw on, not again, after trials that it began in an earlier launch."""
    oracle._seed_state += begun * len(oracle.hyperparameters.space)
    if hasattr(oracle, "_random_state"):
        oracle._random_state = np.random.RandomState((oracle.seed + 1_000_003 * begun) % 2**32)


def _rejoin_bracket(oracle: Any, name: str, tuner: Mapping[str, Any]) -> None:
    """Put a trial into the bracket of Hyperband that it was begun in."""
    number, past = tuner["tuner/round"], tuner.get("tuner/trial_id")
    if number:
        bracket = next(b for b in oracle._brackets if number and past in _of_round(b, number - 1))
    else:
        while not _has_room(oracle, oracle._brackets[-1], tuner["tuner/bracket"]):
            oracle._increment_bracket_num()
            oracle._start_new_bracket()
        bracket = oracle._brackets[-1]
    bracket["rounds"][number].append({"past_id": past, "id": name})


def _has_room(oracle: Any, bracket: Mapping[str, Any], wanted: int) -> bool:
    number = bracket["bracket_num"]
    return bool(number == wanted and len(bracket["rounds"][0]) < oracle._get_size(number, 0))


def _of_round(bracket: Mapping[str, Any], number: int) -> list[str]:
    rounds = bracket["rounds"]
    return [entry["id"] for entry in rounds[number]] if number < len(rounds) - 1 else []


def _rejoin_grid(oracle: Any) -> None:
    """Put a grid's trials in its order, and have it look for the next combination after each."""
    from keras_tuner.src.tuners.gridsearch import LinkedList

    def compared(one: str, other: str) -> int:
        return int(oracle._compare(*(oracle.trials[name].hyperparameters.values for name in (one, other))))

    ordered = sorted(oracle.trials, key=cmp_to_key(compared))
    oracle._ordered_ids = LinkedList()
    for name in ordered:
        oracle._ordered_ids.insert(name)
    oracle._populate_next = list(ordered)


@contextmanager
def _quiet() -> Iterator[None]:
    """Pass over keras-tuner's use of a deprecated name, and what its Gaussian process says of its fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
