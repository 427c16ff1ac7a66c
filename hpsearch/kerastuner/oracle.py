"""A keras-tuner oracle that asks Optuna: sampler, pruner, and what is known of configurations tried before.

keras-tuner's own files (`oracle.json`, `trial_*/trial.json`) and the project's history say what there is; Optuna is
told all of it again by every process that goes on with the project, so no third record can be out of step with them.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.hyperparameters import Fixed
from keras_tuner.engine.trial import Trial, TrialStatus

from hpsearch.errors import StoreError, StudyError
from hpsearch.kerastuner.coding import coding_of, question
from hpsearch.kerastuner.grid import combinations, is_finite
from hpsearch.kerastuner.noted import stop_noting
from hpsearch.kerastuner.project import Project, number_of, plain_values, record_of
from hpsearch.kerastuner.settings import search_section
from hpsearch.kerastuner.spaces import holds
from hpsearch.metrics import Direction
from hpsearch.records import TrialRecord
from hpsearch.search.folder import write_whole
from hpsearch.search.growing import GrowingStudy
from hpsearch.search.history import read_history
from hpsearch.space.domain import Value

HISTORY = "hpsearch.jsonl"
"""The project's finished trials with every epoch, a JSON line each."""
LONGEST = 100
"""Epochs that a trial is taken to have at most where nothing says it."""
MOST_DRAWS = 1000
"""Draws at random, all of known configurations, after which a space counts as exhausted."""
_UNENDED = (TrialStatus.RUNNING, TrialStatus.INVALID)


class OptunaOracle(keras_tuner.Oracle):
    """Asks Optuna's samplers and pruners for a keras-tuner tuner."""

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = 10,
        *,
        sampler: Any = "tpe",
        pruner: Any = "none",
        past: Project | None = None,
        always: Mapping[str, Value] | None = None,
        **kwargs: Any,
    ) -> None:
        """Take keras-tuner's own arguments and, as a study file writes them, a sampler and a pruner.

        past: a project whose trials are told first; they count against no budget. always: values that every trial is
        given beside those of the space. Raises SpecError for a sampler or pruner that there is not.
        """
        super().__init__(objective=objective, max_trials=max_trials, **kwargs)
        self.settings = search_section(sampler=sampler, pruner=pruner)
        self.longest: int | None = None
        """epochs of a trial at most, where it is known"""
        self.stopped = False
        """no more trials are given out"""
        self.records: dict[int, TrialRecord] = {}
        """the project's finished trials"""
        self.past = past
        self._always = dict(always or {})
        self._study: GrowingStudy | None = None
        self._read: dict[str, set[str]] = {}
        self._live: dict[str, int] = {}
        """trial -> its number in Optuna, while it runs"""
        self._walk: tuple[int, Iterator[dict[str, Value]]] | None = None

    @property
    def direction(self) -> Direction:
        """The objective's."""
        return "maximize" if self.objective.direction == "max" else "minimize"

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Any:
        """Return the next trial; one of status STOPPED where there is none."""
        if self.stopped:
            return Trial(hyperparameters=self.get_space(), status=TrialStatus.STOPPED)
        return super().create_trial(tuner_id)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return values for a trial that no trial had before, those that nobody read left out of the comparison.

        A repeated configuration is told to Optuna at once, with what is known of it.
        """
        study = self._opened()
        for _ in range(self._max_collisions + 1):
            if self.settings.sampler.name == "grid":
                break
            number, values = self._ask(study)
            known = self._known(values)
            if known is None:
                return self._running(trial_id, number, values)
            study.tell(number, known.state, known.value)
        finite = self.settings.sampler.name == "grid" or is_finite(self.hyperparameters)
        following = self._untried() if finite else self._drawn_anew()
        if following is None:
            return {"status": TrialStatus.STOPPED}
        number, _ = self._ask(study, following)
        return self._running(trial_id, number, following)

    def begin(self, trial: Any) -> bool:
        """Make sure that Optuna knows a trial as running; tell whether it is run again, or for the first time.

        What an attempt before measured is forgotten: keras-tuner would keep it, and drop what this one measures.
        """
        if trial.trial_id in self._live:
            return False
        trial.metrics = type(trial.metrics)()
        self._live[trial.trial_id], _ = self._ask(self._opened(), trial.hyperparameters.values)
        return True

    def report(self, trial_id: str, step: int, value: float) -> bool:
        """Note the objective after an epoch (`step` counts from 1); return whether the trial should be pruned."""
        if self._study is None or trial_id not in self._live or not math.isfinite(value):
            return False
        return self._study.report(self._live[trial_id], step, value)

    def give_up(self, trial_id: str) -> None:
        """Tell Optuna that a trial was interrupted; keras-tuner runs it again."""
        if self._study is not None and trial_id in self._live:
            self._study.tell(self._live.pop(trial_id), "interrupted", None)

    def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> Any:
        """Take a trial's result."""
        self.note_end(self.trials[trial_id])
        return super().update_trial(trial_id, metrics, step)

    def note_end(self, trial: Any) -> None:
        """Keep which values a trial read."""
        read = stop_noting(trial.hyperparameters)
        if read is not None:
            self._read[trial.trial_id] = read

    @keras_tuner.synchronized
    def end_trial(self, trial: Any) -> None:
        """End a trial, and tell Optuna."""
        self.note_end(trial)
        try:
            super().end_trial(trial)
        finally:
            ended = self.trials[trial.trial_id]
            record = record_of(ended, self.number_of(ended.trial_id), self.read_names(ended))
            if record.state != "interrupted":
                self.records[record.number] = record  # a tuner of ours puts one with its epochs in its place
            if self._study is not None and trial.trial_id in self._live:
                value = ended.score if record.state == "completed" else None
                self._study.tell(self._live.pop(trial.trial_id), record.state, value)

    def get_best_trials(self, num_trials: int = 1) -> list[Any]:
        """Return the best completed trials, then failed ones as keras-tuner does; none that was pruned."""
        return [trial for trial in super().get_best_trials(num_trials) if trial.status != TrialStatus.STOPPED]

    def read_names(self, trial: Any) -> set[str] | None:
        """Return the parameters that a trial read, where it is known."""
        return self._read.get(trial.trial_id)

    def number_of(self, trial_id: str) -> int:
        """Return a trial's number, counted from 0."""
        return number_of(trial_id, self.start_order)

    @property
    def project(self) -> Path:
        """The project's folder."""
        return Path(self._project_dir)

    def save(self) -> None:
        """Write `oracle.json`, whole or not at all."""
        write_whole(Path(self._get_oracle_fname()), json.dumps(self.get_state()).encode())

    def reload(self) -> None:
        """Go on with the project's trials; one that a crash kept from being noted as running is run again."""
        try:
            super().reload()
        except ValueError as error:
            message = f"a file of {self.project} is damaged ({error}); restore it, or start afresh with overwrite=True"
            raise StoreError(message) from None
        self._study, self._live, self._walk = None, {}, None  # it is told anew, when it is asked next
        unended = [i for i, trial in sorted(self.trials.items()) if trial.status in _UNENDED]
        # keras-tuner also queues a trial that ended just before a kill, of whose end one of its files does not know.
        queued: list[str] = self._retry_queue  # type: ignore[has-type]
        self._retry_queue = [i for i in dict.fromkeys([*queued, *unended]) if i in unended]
        history = read_history(self.project / HISTORY)
        for trial_id, trial in self.trials.items():
            record = record_of(trial, self.number_of(trial_id))
            if record.state != "interrupted":
                self.records[record.number] = _fuller(history.get(record.number), record)

    def _save_trial(self, trial: Any) -> None:
        write_whole(Path(self._get_trial_dir(trial.trial_id)) / "trial.json", json.dumps(trial.get_state()).encode())

    def _opened(self) -> GrowingStudy:
        """Return Optuna's study, told of every trial there was."""
        if self._study is None:
            study = GrowingStudy(self.settings, self.direction, self.seed, self._longest())
            for record, values in self._told():
                self._replay(study, record, values)
            study.go_on()
            self._study = study
        return self._study

    def _told(self) -> Iterator[tuple[TrialRecord, Mapping[str, Value]]]:
        """Yield every trial that ended, with all its values."""
        if self.past is not None:
            for record in self.past.trials:
                if record.state != "interrupted":
                    yield record, self.past.points[record.number]
        for trial_id, trial in sorted(self.trials.items(), key=lambda item: self.number_of(item[0])):
            ended = self.records.get(self.number_of(trial_id))
            if ended is not None:
                yield ended, plain_values(trial)

    def _replay(self, study: GrowingStudy, record: TrialRecord, values: Mapping[str, Value]) -> None:
        """Live through a trial that ended, if its values have a place in this space."""
        hp = keras_tuner.HyperParameters()
        for entry in self.hyperparameters.space:
            hp.merge([entry])
            if entry.name not in values:
                hp.values.pop(entry.name, None)  # it was met later
            elif hp.is_active(entry):
                if not holds(entry, values[entry.name]):
                    return
                hp.values[entry.name] = values[entry.name]
        number, _ = self._ask(study, hp.values, only=set(hp.values))
        for epoch in record.epochs:
            value = epoch.metrics.get(self.objective.name)
            if epoch.split == 0 and value is not None:
                study.report(number, epoch.step, value)
        study.tell(number, record.state, record.value)

    def _ask(
        self, study: GrowingStudy, given: Mapping[str, Value] | None = None, only: set[str] | None = None
    ) -> tuple[int, dict[str, Value]]:
        """Begin a trial in Optuna; return its number and its values.

        given: values that are chosen already. only: the parameters that the trial has (default: those of its values).
        """
        hp = keras_tuner.HyperParameters()
        number = study.begin(None if given is None else self._answers(given))
        for entry in self.hyperparameters.space:
            hp.merge([entry])
            if only is not None and entry.name not in only:
                hp.values.pop(entry.name, None)
                continue
            if not hp.is_active(entry):
                continue
            if isinstance(entry, Fixed):
                hp.values[entry.name] = entry.value
                continue
            coding = coding_of(entry)
            hp.values[entry.name] = coding.decode(study.suggest(number, coding.name, coding.domain))
        return number, dict(hp.values)

    def _answers(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """Return values under the names, and in the form, in which Optuna knows them."""
        entries = [e for e in self.hyperparameters.space if e.name in given and not isinstance(e, Fixed)]
        return {question(e): coding_of(e).encode(given[e.name]) for e in entries if holds(e, given[e.name])}

    def _running(self, trial_id: str, number: int, values: dict[str, Value]) -> dict[str, Any]:
        self._live[trial_id] = number
        return {"status": TrialStatus.RUNNING, "values": values | self._always}

    def _known(self, values: Mapping[str, Value]) -> TrialRecord | None:
        """Return an earlier trial that read the same values of all it read: it would have been the same training."""
        searched = {entry.name for entry in self.hyperparameters.space}
        for record in self.records.values():
            # Where new entries are not tuned, each trial of this search has the defaults of what it met beside.
            told = {n: v for n, v in record.configuration.items() if self.tune_new_entries or n in searched}
            if _reads(told, values):
                return record
        past = self.past.trials if self.past else ()
        return next((r for r in past if r.state != "interrupted" and _reads(r.configuration, values)), None)

    def _untried(self) -> dict[str, Value] | None:
        """Return the next combination of the grid that no trial had; None where there is none."""
        size = len(self.hyperparameters.space)
        if self._walk is None or self._walk[0] != size:  # a parameter met since makes a new grid
            self._walk = size, combinations(self.hyperparameters)
        return next((values for values in self._walk[1] if self._known(values) is None), None)

    def _drawn_anew(self) -> dict[str, Value] | None:
        """Return values at random that no trial had: a sampler that found one good point may propose it for ever."""
        for _ in range(MOST_DRAWS):
            hp = keras_tuner.HyperParameters()
            for entry in self.hyperparameters.space:
                hp.merge([entry])
                if hp.is_active(entry):
                    self._seed_state += 1
                    hp.values[entry.name] = entry.random_sample(self._seed_state)
            if self._known(hp.values) is None:
                return dict(hp.values)
        return None

    def _longest(self) -> int:
        if self.longest is not None:
            return self.longest
        entries = [entry for entry in self.hyperparameters.space if entry.name.rpartition("/")[2] == "epochs"]
        return max((int(value) for entry in entries for value in _ends(entry)), default=LONGEST)


def refuse_chief() -> None:
    """Raise StudyError where keras-tuner's own way of many machines is asked for."""
    if "KERASTUNER_ORACLE_IP" in os.environ:
        raise StudyError(
            "KERASTUNER_ORACLE_IP asks for keras-tuner's chief and workers, which hpsearch.kerastuner does not serve: "
            "one process runs the search; unset it, or use keras_tuner's own tuner"
        )


def _reads(configuration: Mapping[str, Value], values: Mapping[str, Value]) -> bool:
    """Tell whether a training of these values reads this configuration."""
    return all(name in values and values[name] == value for name, value in configuration.items())


def _fuller(kept: TrialRecord | None, record: TrialRecord) -> TrialRecord:
    """Return the history's record, which has the epochs, unless keras-tuner's file has another end of the trial."""
    return kept if kept is not None and (kept.state, kept.value) == (record.state, record.value) else record


def _ends(entry: Any) -> list[Any]:
    return [entry.max_value] if hasattr(entry, "max_value") else list(entry.values)
