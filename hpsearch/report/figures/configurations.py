"""What was tried: every configuration as a line across its hyperparameters, and each hyperparameter on its own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.report.figures.parameter_axis import ParameterAxis, searched_axes
from hpsearch.report.style import (
    FAINT,
    FONT,
    GOOD_TO_BAD,
    INK,
    MUTED,
    RED,
    drawable,
    dress,
    focus,
    jitter,
    message_figure,
    new_figure,
    padded,
    plain,
    png,
)
from hpsearch.report.text import number
from hpsearch.space.space import Space

_ABSENT = -0.13
"""where a line passes an axis whose hyperparameter its net does not have"""


def parallel_coordinates(records: Sequence[TrialRecord], info: StudyInfo, space: Space) -> bytes:
    """Draw each completed trial as a line across the hyperparameters that were searched, coloured by the objective.

    Axes are logarithmic where the search is; a net without a hyperparameter (a width deeper than it is) passes below
    the axis. The best trial is drawn last, in red. Returns PNG bytes.
    """
    title = f"{info.name}: parallel coordinates"
    done = _completed(records, info)
    axes = searched_axes(done, space)
    if not done or not axes:
        return message_figure(title, "no trial has completed yet" if not done else "the study varies no hyperparameter")
    low, high = padded(*focus([_value(r) for r in done], minimize=info.direction == "minimize"), share=0)
    figure = new_figure(min(max(9.0, 1.15 * (len(axes) + 2)), 28), 5.2, title, _notes(done, low, high))
    panel = figure.subplots()
    heights = np.array([_heights(r, axes, at, low, high) for at, r in zip(jitter(len(done)), done, strict=True)])
    steps = np.arange(len(axes) + 1)
    lines = np.stack([np.broadcast_to(steps, heights.shape), heights], axis=2)
    best, rest = lines[-1:], lines[:-1]
    shares = [(_value(r) - low) / (high - low) for r in done]
    cmap = GOOD_TO_BAD if info.direction == "minimize" else GOOD_TO_BAD.reversed()
    alpha = min(1.0, max(0.25, 12 / math.sqrt(len(done)) / 3))
    panel.add_collection(LineCollection(list(rest), colors=cmap(shares[:-1]), linewidths=1.1, alpha=alpha, zorder=2))
    panel.add_collection(LineCollection(list(best), colors=RED, linewidths=2.6, zorder=4))
    for position, axis in enumerate(axes):
        _draw_axis(panel, position, axis)
    _draw_objective(panel, len(axes), low, high, info)
    panel.set_xlim(-0.35, len(axes) + 0.4)
    panel.set_ylim(_ABSENT - 0.05 if any(axis.partial for axis in axes) else -0.05, 1.05)
    panel.set_axis_off()
    _head(panel, [axis.name for axis in axes], f"{info.objective}")
    _colour_bar(panel, ScalarMappable(Normalize(low, high), cmap), info)
    return png(figure)


def slices(records: Sequence[TrialRecord], info: StudyInfo, space: Space) -> bytes:
    """Draw the objective against each searched hyperparameter, one panel each, coloured by the order of trials.

    A panel shows the completed trials that have its hyperparameter. Returns PNG bytes.
    """
    title = f"{info.name}: slices"
    done = _completed(records, info)
    axes = searched_axes(done, space)
    if not done or not axes:
        return message_figure(title, "no trial has completed yet" if not done else "the study varies no hyperparameter")
    low, high = focus([_value(r) for r in done], minimize=info.direction == "minimize")
    bottom, top = padded(low, high)
    columns = min(4, len(axes))
    rows = math.ceil(len(axes) / columns)
    figure = new_figure(max(6.5, 2.9 * columns + 0.8), 2.75 * rows + 0.7, title, _clipped(done, low, high))
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    order = Normalize(0, max(1, *(r.number for r in done)))
    size = 22 if len(done) <= 200 else 10
    for index, panel in enumerate(panels.flat):
        if index >= len(axes):
            panel.set_visible(False)
            continue
        axis = axes[index]
        having = sorted((r for r in done if axis.name in r.configuration), key=lambda r: r.number)
        places = [axis.place(r.configuration[axis.name]) for r in having] + jitter(len(having)) * axis.wobble
        heights = np.clip([_value(r) for r in having], bottom, top)
        panel.scatter(
            places, heights, s=size, c=[r.number for r in having], cmap=GOOD_TO_BAD.reversed(), norm=order,
            edgecolors="white", linewidths=0.3, clip_on=False, zorder=3,
        )  # fmt: skip
        if done[-1] in having:
            at = having.index(done[-1])
            panel.scatter(places[at], heights[at], s=90, facecolors="none", edgecolors=RED, linewidths=1.8, zorder=4)
        dress(panel, y=info.objective if index % columns == 0 else "", title=plain(axis.name, 24))
        _unit_ticks(panel, axis, having=len(having), of=len(done))
    panels.flat[0].set_ylim(bottom, top)
    bar = figure.colorbar(ScalarMappable(order, GOOD_TO_BAD.reversed()), ax=panels, pad=0.01, aspect=30 * rows / 2 + 10)
    bar.set_label("trial", color=INK, size=9, family=FONT)
    bar.locator = MaxNLocator(5, integer=True)
    bar.ax.tick_params(labelsize=8, colors=MUTED)
    bar.outline.set_visible(False)
    return png(figure)


def _completed(records: Sequence[TrialRecord], info: StudyInfo) -> list[TrialRecord]:
    """Return the completed trials with a finite value, the worst first, so that the best is drawn on top."""
    done = [r for r in records if r.state == "completed" and drawable(r.value)]
    return sorted(done, key=lambda r: (_value(r), r.number), reverse=info.direction == "minimize")


def _value(record: TrialRecord) -> float:
    assert record.value is not None
    return record.value


def _clipped(done: Sequence[TrialRecord], low: float, high: float) -> str:
    off = sum(not low <= _value(r) <= high for r in done)
    return f"{off} far worse {'stands' if off == 1 else 'stand'} at the edge of the scale" if off else ""


def _notes(done: Sequence[TrialRecord], low: float, high: float) -> str:
    best = f"red: the best, trial {done[-1].number} at {number(_value(done[-1]))}"
    return "; ".join(filter(None, (best, _clipped(done, low, high))))


def _heights(record: TrialRecord, axes: Sequence[ParameterAxis], offset: float, low: float, high: float) -> list[float]:
    heights = []
    for axis in axes:
        if axis.name not in record.configuration:
            heights.append(_ABSENT + 0.03 * offset)
            continue
        heights.append(axis.place(record.configuration[axis.name]) + axis.wobble * offset)
    return [*heights, min(max((_value(record) - low) / (high - low), 0.0), 1.0)]


def _draw_axis(panel: Axes, position: int, axis: ParameterAxis) -> None:
    panel.plot([position, position], [0, 1], color=MUTED, linewidth=1.2, zorder=5)
    for height, text in axis.ticks():
        _tick(panel, position, height, text)
    if axis.partial:
        panel.plot([position], [_ABSENT], marker="|", color=FAINT, markersize=14, zorder=5)
        _tick(panel, position, _ABSENT, "none")


def _draw_objective(panel: Axes, position: int, low: float, high: float, info: StudyInfo) -> None:
    panel.plot([position, position], [0, 1], color=INK, linewidth=2, zorder=5)
    for tick in MaxNLocator(6).tick_values(low, high):
        if low <= tick <= high:
            _tick(panel, position, (tick - low) / (high - low), f"{tick:.5g}")


def _tick(panel: Axes, position: int, height: float, text: str) -> None:
    panel.plot([position - 0.03, position], [height, height], color=MUTED, linewidth=1, zorder=5)
    panel.text(
        position - 0.06, height, text, ha="right", va="center", size=8, color=INK, family=FONT, zorder=6,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
    )  # fmt: skip


def _head(panel: Axes, names: Sequence[str], objective: str) -> None:
    longest = max(len(plain(name, 22)) for name in [*names, objective])
    rotation = 0 if longest <= 13 else 20
    for position, name in enumerate([*names, objective]):
        panel.text(
            position, 1.06, plain(name, 22), ha="center" if rotation == 0 else "left", va="bottom", rotation=rotation,
            rotation_mode="anchor", size=9.5, color=INK, family=FONT,
            weight="bold" if position == len(names) else "normal",
        )  # fmt: skip


def _colour_bar(panel: Axes, colours: ScalarMappable, info: StudyInfo) -> None:
    bar = panel.figure.colorbar(colours, ax=panel, pad=0.01, aspect=32, shrink=0.9)
    better = "lower" if info.direction == "minimize" else "higher"
    bar.set_label(plain(f"{info.objective} ({better} is better)", 60), color=INK, size=9, family=FONT)
    bar.ax.tick_params(labelsize=8, colors=MUTED)
    bar.outline.set_visible(False)


def _unit_ticks(panel: Axes, axis: ParameterAxis, *, having: int, of: int) -> None:
    ticks = axis.ticks(4)
    panel.set_xlim(-0.04, 1.04)
    panel.set_xticks([at for at, _ in ticks], [text for _, text in ticks])
    if sum(len(text) for _, text in ticks) > 30:
        panel.tick_params(axis="x", labelrotation=40, labelsize=8)
    if having < of:
        panel.set_xlabel(f"{having} of {of} trials have it", size=8.5, color=MUTED, family=FONT)
