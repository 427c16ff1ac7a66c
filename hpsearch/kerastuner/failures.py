"""What went wrong in a trial, told apart: memory, an objective that nobody measures, anything else."""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.records import EpochRecord


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory ran out: Python's, or TensorFlow's, which has an error of its own for it."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def lacks_objective(error: Exception, objective: str) -> bool:
    """Tell whether keras-tuner looked for the objective in vain; it says so in one of two ways."""
    if isinstance(error, KeyError):
        return error.args == (objective,)
    return isinstance(error, ValueError) and str(error).startswith("Objective value missing")


def no_objective(objective: str, epochs: Sequence[EpochRecord]) -> str:
    """Say that training measures no such thing, and what it does measure."""
    found = ", ".join(sorted({name for epoch in epochs for name in epoch.metrics})) or "none"
    return (
        f"the objective '{objective}' is not among the metrics that training reports: {found}; "
        "compile the metric, pass validation_data for a val_ one, or name another objective"
    )


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text; its class where it has none."""
    lines = str(error).splitlines()
    return lines[0][:300] if lines else type(error).__name__
