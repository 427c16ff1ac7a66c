"""What the page's script draws: the trials as lines across their hyperparameters, places worked out beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.colors import to_hex
from matplotlib.ticker import MaxNLocator

from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.report.figures.parameter_axis import ParameterAxis, searched_axes
from hpsearch.report.style import GOOD_TO_BAD, drawable, focus, jitter, padded
from hpsearch.report.text import number, readable
from hpsearch.space.domain import Value
from hpsearch.space.space import Space

MOST_LINES = 500
"""More are slower to point at and say no more."""


def explorer(
    records: Sequence[TrialRecord], info: StudyInfo, space: Space, *, winner: int | None = None, first: str = ""
) -> dict[str, Any]:
    """Return plain JSON values: the axes with their ticks, and the trials, the best ones first; {} without any.

    Of a trial `p` holds its place on each axis (0..1, null where its net lacks the parameter), `o` the place of its
    objective (null if it was pruned), `t` its settings as text. Pruned trials fill what completed ones leave of
    MOST_LINES. winner: the trial that stands out. first: the parameter whose slice is shown at first.
    """
    shown = _shown(records, info)
    axes = searched_axes(shown, space)
    values = [record.value for record in shown if record.value is not None]
    if not values or not axes:
        return {}
    low, high = padded(*focus(values, minimize=info.direction == "minimize"), 0.03)
    ticks = [tick for tick in MaxNLocator(6).tick_values(low, high) if low <= tick <= high]
    return {
        "objective": f"val_{info.objective}",
        "minimize": info.direction == "minimize",
        "winner": winner,
        "first": next((index for index, axis in enumerate(axes) if axis.name == first), 0),
        "palette": [to_hex(GOOD_TO_BAD(share)) for share in (0, 0.25, 0.5, 0.75, 1.0)],
        "axes": [{"name": axis.name, "partial": axis.partial, "ticks": _ticks(axis)} for axis in axes],
        "value": [[round((tick - low) / (high - low), 4), f"{tick:.5g}"] for tick in ticks],
        "trials": [
            _trial(record, axes, offset, low, high) for record, offset in zip(shown, jitter(len(shown)), strict=True)
        ],
    }


def _shown(records: Sequence[TrialRecord], info: StudyInfo) -> list[TrialRecord]:
    sign = 1 if info.direction == "minimize" else -1
    done = [record for record in records if record.state == "completed" and drawable(record.value)]
    done.sort(key=lambda record: (sign * (record.value or 0.0), record.number))
    pruned = [record for record in records if record.state == "pruned"]
    return [*done, *pruned][:MOST_LINES]


def _ticks(axis: ParameterAxis) -> list[list[Any]]:
    return [[round(place, 4), text.replace(r"\$", "$")] for place, text in axis.ticks()]


def _trial(
    record: TrialRecord, axes: Sequence[ParameterAxis], offset: float, low: float, high: float
) -> dict[str, Any]:
    settings = record.configuration
    places = [
        round(axis.place(settings[axis.name]) + axis.wobble * offset, 4) if axis.name in settings else None
        for axis in axes
    ]
    value = record.value
    return {
        "n": record.number,
        "p": places,
        "o": None if value is None else round(min(max((value - low) / (high - low), 0.0), 1.0), 4),
        "v": record.state if value is None else number(value),
        "t": [_text(settings[axis.name]) if axis.name in settings else None for axis in axes],
    }


def _text(value: Value) -> str:
    return readable(value, 40) if isinstance(value, str) else f"{value:.4g}"
