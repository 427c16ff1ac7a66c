"""Answers a hypermodel's questions from a configuration: `hp.Int("units", 8, 64)` is what the configuration says.

keras-tuner's `HyperParameters` comes to a value in one place for all kinds, `_retrieve` (private, 1.4; held by tests).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras_tuner
from keras_tuner.src.engine import hyperparameters as kinds

from hpsearch.errors import TrialFailed
from hpsearch.space.domain import Value


class Asked(keras_tuner.HyperParameters):  # type: ignore[misc]  # keras-tuner has no types
    """Hyperparameters whose values were chosen before; what is not active has none, as in keras-tuner."""

    def __init__(self, configuration: Mapping[str, Value]) -> None:
        super().__init__()
        self.configuration = configuration

    def _retrieve(self, hp: Any) -> Any:
        if not self._exists(hp.name, hp.conditions):
            self._validate_name(hp.name)
            self._hps[hp.name].append(hp)
            self._space.append(hp)
        if not self.is_active(hp):
            return None
        if hp.name not in self.values:
            self.values[hp.name] = self._answer(hp)
        return self.values[hp.name]

    def _answer(self, hp: Any) -> Any:
        if hp.name not in self.configuration:
            raise TrialFailed(
                f"the hypermodel asked for '{hp.name}', which no build for such values asked for when its space was "
                "found; ask for it in every build, or inside hp.conditional_scope"
            )
        return as_asked(hp, self.configuration[hp.name])

    def get(self, name: str) -> Any:
        """Return a value, also of a parameter that is asked for later, or that is the study's own (`batch_size`)."""
        full = self._get_name(name)
        if full not in self.values and full not in self._hps and full in self.configuration:
            return self.configuration[full]
        return super().get(name)


def as_asked(hp: Any, value: Value) -> Any:
    """Return a study's value as the hypermodel knows it: its own choice, true and false as such."""
    if isinstance(hp, kinds.Fixed):
        return hp.value
    if isinstance(hp, kinds.Boolean):
        return value == "true"
    if isinstance(hp, kinds.Choice):
        return next((choice for choice in hp.values if as_value(choice) == value), value)
    return int(value) if isinstance(hp, kinds.Int) else float(value)


def as_value(choice: Any) -> Value:
    """Return a hypermodel's choice as a study writes it: true and false as texts."""
    if isinstance(choice, bool):
        return "true" if choice else "false"
    value: Value = choice
    return value
