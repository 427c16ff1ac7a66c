"""What a program is compiled for. Everything else of a configuration is data to it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hpsearch.data.dataset import Signature
from hpsearch.space.space import Configuration, widths
from hpsearch.training.compiled.activations import BLEND, is_blend


@dataclass(frozen=True)
class Shape:
    """The static sizes of a program, each at least as large as what a trial needs of it."""

    inputs: int
    outputs: int
    widths: tuple[int, ...]
    """units of each hidden layer"""
    batch: int
    rows: int
    """training rows there is room for"""
    loss: str
    activation: str
    """of the hidden layers, or BLEND (see `activations.py`)"""
    penalized: bool
    """whether there is room for an l2 penalty, which takes a fifth more time to compile"""

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """(fan_in, units) of each Dense layer."""
        return tuple(pairwise((self.inputs, *self.widths, self.outputs)))

    @property
    def weights(self) -> int:
        """Number of weights, padding counted."""
        return sum((fan_in + 1) * units for fan_in, units in self.layers)

    def holds(self, other: Shape) -> bool:
        """Tell whether a trial of the other shape can be trained by this one's program."""
        return (
            (self.inputs, self.outputs, self.loss, self.rows) == (other.inputs, other.outputs, other.loss, other.rows)
            and len(self.widths) == len(other.widths)
            and all(ours >= theirs for ours, theirs in zip(self.widths, other.widths, strict=True))
            and self.batch >= other.batch
            and self.penalized >= other.penalized
            and (self.activation == other.activation or (self.activation == BLEND and is_blend(other.activation)))
        )


def exact_shape(configuration: Configuration, signature: Signature, rows: int, loss: str) -> Shape:
    """Return the shape without padding, but for the rows, which splits of one data set shall share."""
    units = widths(configuration)
    room = room_for(rows)
    return Shape(
        inputs=signature.inputs,
        outputs=signature.outputs,
        widths=units,
        batch=min(int(configuration["batch_size"]), room),
        rows=room,
        loss=loss,
        activation=str(configuration["activation"]) if units else "linear",
        penalized=float(configuration.get("l2", 0.0)) > 0,
    )


def room_for(rows: int) -> int:
    """Return the rows of a program that trains on so many. Folds differ by one or two, and share their programs."""
    return -(-rows // 256) * 256
