"""A keras-tuner project on disk, as our records: what was tried, how it ended, what came out.

<directory>/<project_name>/oracle.json            the space, and the order in which trials began
<directory>/<project_name>/trial_<id>/trial.json  a trial: values, status, score, metrics of its best epoch
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from hpsearch.errors import StoreError
from hpsearch.metrics import Direction
from hpsearch.records import EpochRecord, TrialRecord, TrialState
from hpsearch.space.domain import Value

STATES: dict[str, TrialState] = {
    TrialStatus.COMPLETED: "completed",
    TrialStatus.STOPPED: "pruned",
    TrialStatus.FAILED: "failed",
}
"""keras-tuner's word for how a trial stands -> ours; any other is of a trial that did not come to its end.

keras-tuner itself stops no trial. STOPPED is what its source has in mind for it ("to signal early stopping, set
Trial.status to STOPPED"), and what our tuner gives a pruned trial: it is never among the best.
"""


@dataclass(frozen=True)
class Project:
    """A keras-tuner project, read."""

    path: Path
    hyperparameters: Any
    """`keras_tuner.HyperParameters`: its space"""
    trials: tuple[TrialRecord, ...]
    """by number, those that did not come to their end as interrupted"""
    points: Mapping[int, Mapping[str, Value]]
    """all values of each trial that keras-tuner holds for active, whether they were read or not"""
    objectives: Mapping[str, Direction]
    """the metrics that all scores are values of (keras-tuner notes no objective): as a rule one, or none yet"""


def read_project(folder: str | Path) -> Project:
    """Read a keras-tuner project, `directory/project_name`.

    Raises StoreError where there is none, or where one of its files is damaged.
    """
    path = Path(folder)
    state = _load(path / "oracle.json")
    files = sorted(path.glob("trial_*/trial.json"))
    trials = {trial.trial_id: trial for trial in map(_trial, files)}
    try:
        hyperparameters = keras_tuner.HyperParameters.from_config(state["hyperparameters"])
        order = [str(trial_id) for trial_id in state["start_order"]]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise _damaged(path / "oracle.json", error) from None
    order += sorted(trials.keys() - set(order))
    numbered = {number_of(trial_id, order): trial for trial_id, trial in trials.items()}
    records = tuple(record_of(trial, number) for number, trial in sorted(numbered.items()))
    points = {number: plain_values(trial) for number, trial in numbered.items()}
    scored = [trial for trial in trials.values() if trial.score is not None]
    return Project(path, hyperparameters, records, points, _objectives(scored))


def record_of(
    trial: Any, number: int, read: set[str] | None = None, epochs: Sequence[EpochRecord] | None = None
) -> TrialRecord:
    """Return one of keras-tuner's trials as a record.

    read: names of the parameters that the trial read (default: all that keras-tuner holds for active). epochs: what
    was heard while it ran (default: the epochs that keras-tuner keeps, as a rule the best one alone).
    """
    state: TrialState = STATES.get(trial.status, "interrupted")
    reason = last_line(trial.message)
    if state == "interrupted":
        reason = reason or "it did not come to its end"
    elif state in ("completed", "failed") and not reason and not _is_finite(trial.score):
        state, reason = "failed", f"the objective is {trial.score}, no finite number"
    completed = state == "completed"
    values = plain_values(trial)
    return TrialRecord(
        number,
        {name: value for name, value in values.items() if read is None or name in read},
        state,
        "" if completed else reason,
        float(trial.score) if completed else None,
        int(trial.best_step or 0) + 1 if completed else 0,
        _metrics(trial) if completed else {},
        tuple(_epochs(trial) if epochs is None else epochs),
        trainer="keras-tuner",
    )


def number_of(trial_id: str, order: Sequence[str]) -> int:
    """Return a trial's number: its id, or of an older keras-tuner, whose ids are random, its place in the order."""
    return int(trial_id) if trial_id.isdecimal() and len(trial_id) < 12 else list(order).index(trial_id)


def plain_values(trial: Any) -> dict[str, Value]:
    """Return the active values of a trial, without what keras-tuner's Hyperband keeps among them (`tuner/...`)."""
    hp = trial.hyperparameters
    known = {entry.name for entry in hp.space}
    return {
        name: value
        for name, value in dict.items(hp.values)
        if not name.startswith("tuner/") and (name not in known or hp.is_active(name))
    }


def last_line(message: str | None) -> str:
    """Return what a message comes to: of a traceback the error."""
    lines = [line.strip() for line in (message or "").splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _is_finite(score: float | None) -> bool:
    return score is not None and math.isfinite(score)


def _trial(file: Path) -> Any:
    state = _load(file)
    try:
        return Trial.from_state(state)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise _damaged(file, error) from None


def _load(file: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(file.read_text())
    except FileNotFoundError:
        message = f"{file.parent} holds no keras-tuner project: {file.name} is missing; name directory/project_name"
        raise StoreError(message) from None
    except (OSError, ValueError) as error:
        raise _damaged(file, error) from None
    if not isinstance(loaded, dict):
        raise _damaged(file, TypeError("it holds no mapping"))
    return loaded


def _damaged(file: Path, error: Exception) -> StoreError:
    return StoreError(f"{file} is damaged ({type(error).__name__}: {error}); restore it, or remove its folder")


def _objectives(scored: Sequence[Any]) -> dict[str, Direction]:
    if not scored:
        return {}
    first = scored[0].metrics.metrics
    return {
        name: "maximize" if history.direction == "max" else "minimize"
        for name, history in sorted(first.items())
        if all(_is_score(trial, name) for trial in scored)
    }


def _is_score(trial: Any, name: str) -> bool:
    history = trial.metrics.metrics.get(name)
    best = None if history is None else history.get_best_value()
    return best is not None and (best == trial.score or (math.isnan(best) and math.isnan(trial.score)))


def _metrics(trial: Any) -> dict[str, float]:
    """Return the metrics of the best epoch."""
    found = {name: history.get_last_value() for name, history in trial.metrics.metrics.items()}
    return {name: float(v) for name, v in found.items() if v is not None and math.isfinite(v)}


def _epochs(trial: Any) -> list[EpochRecord]:
    steps: dict[int, dict[str, float]] = {}
    for name, history in trial.metrics.metrics.items():
        for observed in history.get_history():
            value = float(observed.mean())
            if math.isfinite(value):
                steps.setdefault(int(observed.step), {})[name] = value
    return [EpochRecord(0, step + 1, metrics) for step, metrics in sorted(steps.items())]
