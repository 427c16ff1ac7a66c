"""What the compiled trainer cannot train, said by name."""

from __future__ import annotations

from hpsearch.metrics import LOSSES
from hpsearch.space.space import Configuration
from hpsearch.space.table import ACTIVATIONS, OPTIMIZERS, ROWS


class Refused(Exception):
    """The compiled trainer cannot train this job; `reason` names what it lacks."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def refuse_unknown(configuration: Configuration, loss: str) -> None:
    """Raise Refused where a configuration holds what no program has a formula for."""
    losses = [name for names in LOSSES.values() for name in names]
    asked = [
        ("loss", loss, losses),
        ("activation", configuration.get("activation", "linear"), ACTIVATIONS),
        ("optimizer", configuration["optimizer"], OPTIMIZERS),
    ]
    for kind, name, known in asked:
        if name not in known:
            raise Refused(f"it has no {kind} '{name}' (it has {', '.join(known)})")
    for name in configuration:
        if name not in ROWS and not (name.startswith("neurons_") and name[8:].isdigit()):
            raise Refused(f"it has no hyperparameter '{name}'")
