"""The trainer that a study's settings ask for."""

from __future__ import annotations

from hpsearch.training.compiled.trainer import CompiledTrainer
from hpsearch.training.keras_fit import KerasTrainer
from hpsearch.training.trainer import Settings, Trainer


def make_trainer(settings: Settings) -> Trainer:
    """Return the trainer for `settings.trainer`; 'auto' is Keras's own loop (why: docs/decisions/0010)."""
    return CompiledTrainer(settings) if settings.trainer == "compiled" else KerasTrainer(settings)
