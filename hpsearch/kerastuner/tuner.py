"""A keras-tuner `Tuner` with Optuna choosing and pruning, a time budget, and MLflow's view of it all."""

from __future__ import annotations

import contextlib
import gc
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import TrialStatus
from keras_tuner.errors import FailedTrialError, FatalError, FatalValueError

from hpsearch.errors import StudyError
from hpsearch.kerastuner.failures import first_line, is_out_of_memory, lacks_objective, no_objective
from hpsearch.kerastuner.launch import Launch, store_of, study_info, utc_now
from hpsearch.kerastuner.noted import check_same_space, note, read_so_far
from hpsearch.kerastuner.oracle import HISTORY, OptunaOracle, refuse_chief
from hpsearch.kerastuner.project import Project, read_project, record_of
from hpsearch.kerastuner.settings import search_section
from hpsearch.metrics import Direction
from hpsearch.records import EpochRecord, TrialRecord
from hpsearch.search.folder import write_whole
from hpsearch.search.history import append_record, cut_torn_tail
from hpsearch.space.domain import Value


class _Leave(BaseException):
    """Ends the training of a trial. No `Exception`: neither keras-tuner nor a program's own code is to catch it."""


class _Pruned(_Leave):
    """The pruner ended it."""


class _TimeIsOver(_Leave):
    """The search's time is over."""


@dataclass
class _Running:
    """The trial that is being trained."""

    trial: Any
    number: int
    began: float
    started: str
    execution: int = -1
    """how often its model was built so far, counted from 0"""
    epochs: list[EpochRecord] = field(default_factory=list)
    parameters: int = 0
    pruned: str = ""
    """why it was pruned"""


class Tuner(keras_tuner.Tuner):
    """Searches as keras-tuner's tuners do, and takes what they take, and more.

    sampler, pruner: names, or mappings with options, as in a study file (`tpe`, `{name: median, n_warmup_steps: 3}`).
    timeout, trial_timeout: seconds, or a duration (`10min`), for a call of `search` and for a trial; looked at when an
    epoch ends. start_from: the folder of an old project, whose trials are told to Optuna first. store: where MLflow's
    data go (default: HPSEARCH_STORE, else `mlruns` in `directory`); MLFLOW_TRACKING_URI names a server instead. track:
    False writes nothing to MLflow.

    Raises SpecError for settings that there are not, StoreError and StudyError for a `start_from` that will not do,
    FatalValueError for a hypermodel that changes its space from call to call.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        *,
        sampler: Any = "tpe",
        pruner: Any = "median",
        seed: int | None = None,
        timeout: float | str | None = None,
        trial_timeout: float | str | None = None,
        start_from: str | Path | None = None,
        store: str | Path | None = None,
        track: bool = True,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        always: Mapping[str, Value] | None = None,
        **kwargs: Any,
    ) -> None:
        refuse_chief()
        if "oracle" in kwargs:
            message = (
                "hpsearch.kerastuner.Tuner brings its own oracle; name a sampler, or use keras_tuner.Tuner(oracle=...)"
            )
            raise StudyError(message)
        limits = {"timeout": timeout, "trial_timeout": trial_timeout}
        self._limits = search_section(**{name: limit for name, limit in limits.items() if limit is not None})
        oracle = OptunaOracle(
            objective, max_trials, sampler=sampler, pruner=pruner, always=always, seed=seed,
            past=None if start_from is None else read_project(start_from), hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries, allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial, max_consecutive_failed_trials=max_consecutive_failed_trials,
        )  # fmt: skip
        if oracle.past is not None:
            _check_same_objective(oracle.past, oracle.objective.name, oracle.direction)
        self._store, self._track = store, track
        self._running: _Running | None = None
        self._launch: Launch | None = None
        self._deadline: float | None = None
        self._repeated = False
        super().__init__(oracle, hypermodel, **kwargs)

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Search, or go on with it, until there are `max_trials` trials, the time is over or the space is exhausted.

        Arguments are those of `fit`. A trial that the time cuts short is run again by the next call.
        """
        self._expect(fit_kwargs.get("epochs"))
        self.oracle.stopped, self._repeated = False, False
        info = study_info(
            Path(self.project_dir), self.oracle.objective.name, self.oracle.direction, self.executions_per_trial
        )
        place = store_of(self._store, self.directory) if self._track else None
        with Launch(place, info, self._settings()) as self._launch, _little_to_collect():
            cut_torn_tail(self._history)
            self._launch.begin(self._records())
            limit = self._limits.timeout
            self._deadline = None if limit is None else time.monotonic() + limit
            cut = False
            try:
                if not Path(self._get_tuner_fname()).exists():
                    self.save()  # keras-tuner goes on with a project only where it finds this file
                super().search(*fit_args, **fit_kwargs)
            except _TimeIsOver:
                cut = True
                self._interrupt("the time was over")
            except BaseException as error:
                self._end_badly(error)
                raise
            short = cut or (self.oracle.stopped and self.remaining_trials != 0)
            self._launch.end(self._records(), interrupted=short, repair=self._repeated)
        if self._launch.trouble:
            print(f"MLflow could not be written ({self._launch.trouble}); the next search writes what is missing")  # noqa: T201

    def pre_create_trial(self) -> None:
        """Give out no more trials once the time is over."""
        super().pre_create_trial()
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self.oracle.stopped = True

    def on_trial_begin(self, trial: Any) -> None:
        """Begin a trial for Optuna and MLflow."""
        super().on_trial_begin(trial)
        self._repeated |= self.oracle.begin(trial)
        self._running = _Running(trial, self.oracle.number_of(trial.trial_id), time.monotonic(), utc_now())
        note(trial.hyperparameters)

    def on_epoch_begin(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
        """End a pruned trial whose training did not heed `model.stop_training`."""
        super().on_epoch_begin(trial, model, epoch, logs)
        if self._running is not None and self._running.pruned:
            raise _Pruned

    def on_epoch_end(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
        """Hear of an epoch: report it, ask the pruner, look at the clock. An override calls this one first."""
        super().on_epoch_end(trial, model, epoch, logs)
        if (running := self._running) is None:
            return
        if running.pruned:
            raise _Pruned
        record = EpochRecord(max(running.execution, 0), epoch + 1, _finite(logs or {}))
        running.epochs.append(record)
        if model is not None and not running.parameters:
            running.parameters = sum(math.prod(weight.shape) for weight in model.trainable_weights)
        if self._launch is not None:
            if len(running.epochs) == 1:
                self._launch.trial_started(self._begun(running))
            self._launch.epoch(running.number, record)
        self._look_at_the_clock(running)
        self._ask_pruner(running, model, record, logs or {})

    def on_trial_end(self, trial: Any) -> None:
        """End a trial: keras-tuner's files first, then the history, then MLflow."""
        super().on_trial_end(trial)
        self._running, running = None, self._running
        ended = self.oracle.get_trial(trial.trial_id)
        if ended.status in (TrialStatus.COMPLETED, TrialStatus.FAILED, TrialStatus.STOPPED) and running is not None:
            record = self._record(running)
            self.oracle.records[record.number] = record
            append_record(self._history, record)
            if self._launch is not None:
                self._launch.trial_ended(record)

    def save(self) -> None:
        """Write the project's own files, each whole or not at all."""
        self.oracle.save()
        write_whole(Path(self._get_tuner_fname()), json.dumps(self.get_state()).encode())

    def _populate_initial_space(self) -> None:
        if self.hypermodel is not None:
            hp = self.oracle.get_space()
            self.hypermodel.declare_hyperparameters(hp)
            check_same_space(self.hypermodel, hp)
        super()._populate_initial_space()

    def _build_and_fit_model(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        if self._running is not None:
            self._running.execution += 1
        results = super()._build_and_fit_model(trial, *args, **kwargs)
        if self._running is not None and self._running.pruned:
            raise _Pruned
        return results

    def _run_and_update_trial(self, trial: Any, *fit_args: Any, **fit_kwargs: Any) -> None:
        try:
            super()._run_and_update_trial(trial, *fit_args, **fit_kwargs)
        except FatalError:
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise FailedTrialError(f"out of memory: {first_line(error)}") from None
            if lacks_objective(error, self.oracle.objective.name):
                epochs = self._running.epochs if self._running is not None else []
                raise FatalValueError(no_objective(self.oracle.objective.name, epochs)) from None
            raise

    def _try_run_and_update_trial(self, trial: Any, *fit_args: Any, **fit_kwargs: Any) -> None:
        with contextlib.suppress(_Pruned):
            super()._try_run_and_update_trial(trial, *fit_args, **fit_kwargs)
        running = self._running
        if running is not None and running.pruned:
            trial.status, trial.message = TrialStatus.STOPPED, running.pruned

    def _expect(self, epochs: int | None) -> None:
        """Note the epochs of a trial, as far as they are known, for the pruner's rungs."""
        if epochs is not None:
            self.oracle.longest = epochs

    def _look_at_the_clock(self, running: _Running) -> None:
        now, limit = time.monotonic(), self._limits.trial_timeout
        if self._deadline is not None and now >= self._deadline:
            raise _TimeIsOver
        if limit is not None and now - running.began > limit:
            raise FailedTrialError(f"timeout after {limit:g} s")

    def _ask_pruner(self, running: _Running, model: Any, record: EpochRecord, logs: Mapping[str, Any]) -> None:
        """Report the first execution's epochs: those of the others are no further steps of the same training.

        After the last epoch there is nothing left to save.
        """
        objective, last = self.oracle.objective, self.oracle.longest
        if record.split > 0 or not objective.has_value(logs) or (last is not None and record.step >= last):
            return
        if self.oracle.report(running.trial.trial_id, record.step, float(objective.get_value(logs))):
            running.pruned = f"pruned at epoch {record.step}"
            if model is not None:
                model.stop_training = True

    def _record(self, running: _Running) -> TrialRecord:
        trial = self.oracle.get_trial(running.trial.trial_id)
        record = record_of(trial, running.number, self.oracle.read_names(trial), running.epochs or None)
        return replace(
            record,
            parameters=running.parameters,
            started=running.started,
            seconds=time.monotonic() - running.began,
            seed=self.oracle.seed,
        )

    def _begun(self, running: _Running) -> TrialRecord:
        """Return a trial that has trained an epoch: by then it has read the values that it is made of."""
        record = record_of(running.trial, running.number, read_so_far(running.trial.hyperparameters), ())
        return replace(record, state="running", reason="", started=running.started, seed=self.oracle.seed)

    def _interrupt(self, reason: str) -> None:
        """Leave the running trial as it is, to be run again, and say so to Optuna and MLflow."""
        running, self._running = self._running, None
        if running is None:
            return
        self.oracle.note_end(running.trial)
        self.oracle.give_up(running.trial.trial_id)
        self._tell_of_end(running, "interrupted", reason)

    def _end_badly(self, error: BaseException) -> None:
        if not isinstance(error, Exception):
            self._interrupt("the search was interrupted")
        elif self._running is not None:
            running, self._running = self._running, None
            self.oracle.note_end(running.trial)
            self._tell_of_end(running, "failed", f"{type(error).__name__}: {first_line(error)}")

    def _tell_of_end(self, running: _Running, state: Any, reason: str) -> None:
        if self._launch is not None:
            record = replace(self._record(running), state=state, reason=reason, value=None, best_epoch=0, metrics={})
            self._launch.trial_ended(record)

    def _records(self) -> list[TrialRecord]:
        return [record for _, record in sorted(self.oracle.records.items())]

    @property
    def _history(self) -> Path:
        return Path(self.project_dir) / HISTORY

    def _settings(self) -> dict[str, Any]:
        """Return what the search is, for MLflow."""
        search = self.oracle.settings
        return {
            "tuner": type(self).__name__,
            "objective": self.oracle.objective.name,
            "direction": self.oracle.direction,
            "max_trials": self.oracle.max_trials,
            "executions_per_trial": self.executions_per_trial,
            "sampler": search.sampler.name,
            "sampler_options": search.sampler.options or None,
            "pruner": search.pruner.name,
            "pruner_options": search.pruner.options or None,
            "seed": self.oracle.seed,
            "timeout": self._limits.timeout,
            "trial_timeout": self._limits.trial_timeout,
            "space": [str(entry) for entry in self.oracle.get_space().space],
        }


@contextlib.contextmanager
def _little_to_collect() -> Iterator[None]:
    """Keep what is there already out of the garbage collections of a while.

    keras-tuner collects twice before each model is built; going through TensorFlow's and MLflow's objects each time
    takes 0.4 s (of 0.6 s for a small trial, measured with Python 3.11). A program that does so itself is left alone.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _check_same_objective(past: Project, name: str, direction: Direction) -> None:
    """Raise StudyError where an old project's scores are of another metric, or of the same the other way round."""
    if past.objectives and past.objectives.get(name) != direction:
        scores = " or ".join(f"{metric} ({way})" for metric, way in past.objectives.items())
        raise StudyError(
            f"the scores in {past.path} are of {scores}, this search's objective is {name} ({direction}); "
            "name the same objective, or leave start_from out"
        )


def _finite(logs: Mapping[str, Any]) -> dict[str, float]:
    numbers = {}
    for name, value in logs.items():
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        if math.isfinite(number):
            numbers[str(name)] = number
    return numbers
