"""The trainer that a study's settings ask for."""

from __future__ import annotations

from hpsearch.training.compiled.trainer import CompiledTrainer
from hpsearch.training.keras_fit import KerasTrainer
from hpsearch.training.trainer import Settings, Trainer


def make_trainer(settings: Settings) -> Trainer:
    """Return the trainer for `settings.trainer`; 'auto' compiles, and leaves to Keras what cannot be compiled."""
    if settings.trainer == "keras":
        return KerasTrainer(settings)
    return CompiledTrainer(settings, fallback=KerasTrainer(settings) if settings.trainer == "auto" else None)
