"""What is known of a trial and of a study, as plain data: written by the search, read by tracking and reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from hpsearch.metrics import Direction
from hpsearch.space.space import Configuration

TrialState = Literal["running", "completed", "pruned", "failed", "interrupted"]
"""`failed`: the configuration is at fault (it diverged). `interrupted`: it is not; the trial is run again."""


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of one split; `step` counts from 1, metrics as in `training.trainer.Epoch`."""

    split: int
    step: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class TrialRecord:
    """One trial: what was tried, how it went, what came out."""

    number: int
    configuration: Configuration
    state: TrialState
    reason: str = ""
    """why it was pruned, failed or interrupted, in a few words"""
    value: float | None = None
    """the objective: the best epoch's, mean over folds; None unless completed"""
    best_epoch: int = 0
    """counted from 1; with folds the rounded mean"""
    metrics: dict[str, float] = field(default_factory=dict)
    """the best epoch's, mean over folds (`val_rmse`, `train_loss`, ...)"""
    epochs: tuple[EpochRecord, ...] = ()
    parameters: int = 0
    """trainable weights of the net"""
    started: str = ""
    """UTC, ISO 8601"""
    seconds: float = 0.0
    seed: int = 0
    worker: int = 0
    trainer: str = ""
    copy_of: int | None = None
    """an earlier trial with the same configuration, whose outcome this one was told"""
    retry_of: int | None = None
    """an interrupted trial that this one runs again"""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; `trial_from_json` reads them back."""
        return asdict(self) | {"configuration": dict(self.configuration)}


def trial_from_json(values: dict[str, Any]) -> TrialRecord:
    """Return the record that `TrialRecord.to_json` wrote."""
    return TrialRecord(**values | {"epochs": tuple(EpochRecord(**epoch) for epoch in values["epochs"])})


@dataclass(frozen=True)
class StudyInfo:
    """What a study is, apart from its trials."""

    name: str
    uid: str
    """16 hex digits, new for each study even under an old name"""
    objective: str
    direction: Direction
    task: str
    data_digest: str
    splits: int = 1
    description: str = ""
