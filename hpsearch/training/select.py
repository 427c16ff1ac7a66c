"""The trainer that a study's settings ask for."""

from __future__ import annotations

from hpsearch.training.compiled.trainer import CompiledTrainer
from hpsearch.training.keras_fit import KerasTrainer
from hpsearch.training.trainer import Settings, Trainer


def make_trainer(settings: Settings) -> Trainer:
    """Return the trainer for `settings.trainer`; 'auto' compiles, and leaves to Keras what cannot be compiled.

    Nets of a hypermodel are Keras's, or the hypermodel's own `fit` trains them.
    """
    if settings.hypermodel is not None:
        from hpsearch.training.hypermodel.trainer import HypermodelTrainer

        return HypermodelTrainer(settings)
    if settings.trainer == "keras":
        return KerasTrainer(settings)
    return CompiledTrainer(settings, fallback=KerasTrainer(settings) if settings.trainer == "auto" else None)
