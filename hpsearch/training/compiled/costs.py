"""What a program costs: seconds to open and seconds a step, from its shape, fitted to this machine as it works."""

from __future__ import annotations

from collections.abc import Set

from hpsearch.training.compiled.activations import BLEND
from hpsearch.training.compiled.shape import Shape


class Costs:
    """Predicts seconds. What was observed scales the predictions; their form is that of a one-core machine."""

    def __init__(self) -> None:
        self._step = _Scale()
        self._compiling = _Scale()
        self._loading = _Scale()
        self._kept: Set[Shape] = frozenset()

    @property
    def kept(self) -> Set[Shape]:
        """The shapes whose programs are on disk."""
        return self._kept

    def know_kept(self, shapes: Set[Shape]) -> None:
        """Take in which programs are on disk."""
        self._kept = shapes

    def step_seconds(self, shape: Shape) -> float:
        """Return the seconds of one training step, padding counted."""
        return self._step.factor * _step_seconds(shape)

    def opening_seconds(self, shape: Shape) -> float:
        """Return the seconds until the shape's program can run: tracing and compiling it, or loading it from disk."""
        scale, seconds = self._opening(shape)
        return scale.factor * seconds

    def observe_steps(self, shape: Shape, steps: int, seconds: float) -> None:
        """Take in what some steps took."""
        self._step.observe(seconds, steps * _step_seconds(shape))

    def observe_opening(self, shape: Shape, seconds: float) -> None:
        """Take in what opening took, as long as what is said to be kept is as it was before."""
        scale, predicted = self._opening(shape)
        scale.observe(seconds, predicted)

    def _opening(self, shape: Shape) -> tuple[_Scale, float]:
        seconds = _compile_seconds(shape)
        return (self._loading, _LOADING * seconds) if shape in self._kept else (self._compiling, seconds)


_LOADING = 0.14
"""of the time of tracing and compiling"""


class _Scale:
    """Observed over predicted seconds, where the recent past counts as much as the rest."""

    def __init__(self) -> None:
        self._observed = self._predicted = 0.0

    @property
    def factor(self) -> float:
        return self._observed / self._predicted if self._predicted > 0 else 1.0

    def observe(self, seconds: float, predicted: float) -> None:
        self._observed = _MEMORY * self._observed + seconds
        self._predicted = _MEMORY * self._predicted + predicted


_MEMORY = 0.95


def _step_seconds(shape: Shape) -> float:
    # Fitted to steps of 7 us (8 units, batch 32) to 220 us (256-256): a launch, a few kernels a layer, six operations
    # a weight and row in three matrix products, and the update, which passes seven numbers a weight through memory.
    arithmetic = shape.weights * (6 * shape.batch / 80e9 + 0.8e-9)
    elementwise = 4e-6 + 4e-6 * len(shape.widths)
    return elementwise * (1.15 if shape.activation == BLEND else 1.0) + arithmetic


def _compile_seconds(shape: Shape) -> float:
    # The number of kernels decides, not their size: 0.5 s with two hidden layers, 0.8 s with four.
    kernels = 0.25 + 0.14 * len(shape.widths)
    return kernels * (1.3 if shape.activation == BLEND else 1.0) * (1.2 if shape.penalized else 1.0)
