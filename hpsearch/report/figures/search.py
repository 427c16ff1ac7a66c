"""How a search went: its history, what mattered, and what ran when."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from hpsearch.records import StudyInfo, TrialRecord, TrialState
from hpsearch.report.style import (
    BLUE,
    FONT,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    STATE_COLOURS,
    STATE_MARKERS,
    drawable,
    dress,
    focus,
    legend,
    message_figure,
    new_figure,
    padded,
    plain,
    png,
    whole_axis,
)
from hpsearch.report.text import duration, number


def optimization_history(records: Sequence[TrialRecord], info: StudyInfo) -> bytes:
    """Draw each trial's objective in the order of trials, the states told apart, with the best so far as a line.

    A pruned trial stands at the best it had reached; one without a finite value at the edge. Returns PNG bytes.
    """
    title = f"{info.name}: optimization history"
    if not records:
        return message_figure(title, "no trial has run yet")
    minimize = info.direction == "minimize"
    figure = new_figure(10, 4.6, title)
    axes = figure.subplots()
    reached = {record.number: _reached(record, info) for record in records}
    low, high = focus(
        [reached[r.number] for r in records if r.state == "completed"] or reached.values(), minimize=minimize
    )
    bottom, top = padded(low, high, 0.06)
    edge = top if minimize else bottom
    for state, colour in STATE_COLOURS.items():
        chosen = [record for record in records if record.state == state]
        if not chosen or state == "running":
            continue
        xs = [record.number for record in chosen]
        ys = [_inside(reached[number], bottom, top, edge) for number in xs]
        size = 34 if len(records) <= 200 else 14
        axes.scatter(
            xs, ys, s=size, marker=STATE_MARKERS[state], color=colour, edgecolors="white", linewidths=0.4,
            clip_on=False, zorder=3, label=f"{state} ({len(chosen)})",
        )  # fmt: skip
    _best_so_far(axes, records, minimize=minimize, last=max(record.number for record in records))
    axes.set_ylim(bottom, top)
    better = "lower" if minimize else "higher"
    dress(axes, x="trial", y=f"{info.objective} ({better} is better)")
    whole_axis(axes)
    off = sum(1 for value in reached.values() if not bottom <= value <= top)
    legend(axes, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    if off:
        figure.supxlabel(
            f"{off} at the edge: failed, or far worse than this scale shows", x=0.988, ha="right",
            size=8.5, color=MUTED, family=FONT,
        )  # fmt: skip
    return png(figure)


def _reached(record: TrialRecord, info: StudyInfo) -> float:
    value = record.value if record.value is not None else record.metrics.get(f"val_{info.objective}")
    return value if drawable(value) and record.state not in ("failed", "interrupted") else math.nan


def _inside(value: float, bottom: float, top: float, edge: float) -> float:
    return edge if math.isnan(value) else min(max(value, bottom), top)


def _best_so_far(axes: Axes, records: Sequence[TrialRecord], *, minimize: bool, last: int) -> None:
    numbers: list[int] = []
    values: list[float] = []
    for record in sorted(records, key=lambda r: r.number):
        if record.state != "completed" or not drawable(record.value):
            continue
        if not values or (record.value < values[-1] if minimize else record.value > values[-1]):
            numbers.append(record.number)
            values.append(record.value)
    if not values:
        return
    axes.step(
        [*numbers, last], [*values, values[-1]], where="post", color=GREEN, linewidth=2, zorder=2, label="best so far"
    )
    axes.scatter(
        numbers[-1:], values[-1:], s=130, marker="o", facecolors="none", edgecolors=GREEN, linewidths=2, zorder=4,
        label=plain(f"best: {number(values[-1])}, trial {numbers[-1]}"),
    )  # fmt: skip


def importances(named: Mapping[str, Mapping[str, float]]) -> bytes:
    """Draw how much each hyperparameter mattered, as each named method says, side by side. Returns PNG bytes.

    named: method -> hyperparameter -> importance (0..1, a share of what the method measures). A method that cannot rate
    a hyperparameter leaves it out.
    """
    title = "Hyperparameter importances"
    parameters = {name for rated in named.values() for name in rated}
    if not parameters:
        return message_figure(title, "too few completed trials to tell what mattered")
    order = sorted(parameters, key=lambda name: (np.mean([_rated(rated, name) for rated in named.values()]), name))
    methods = [method for method, rated in named.items() if rated]
    height = 0.8 / len(methods)
    figure = new_figure(9, 1.6 + max(0.3, 0.22 * len(methods) + 0.14) * len(order), title)
    axes = figure.subplots()
    for index, (method, colour) in enumerate(zip(methods, _colours(len(methods)), strict=True)):
        offset = 0.4 - height * (index + 0.5)
        for row, name in enumerate(order):
            label = plain(method, 60) if row == 0 else None
            value = _rated(named[method], name)
            axes.barh(row + offset, value, height * 0.9, color=colour, label=label)
            text = number(value, 2) if name in named[method] else "not rated"
            axes.text(
                value, row + offset, f" {text}", va="center", size=8, color=INK if name in named[method] else MUTED
            )
    axes.set_yticks(range(len(order)), [plain(name, 32) for name in order])
    axes.set_ylim(-0.6, len(order) - 0.4)
    axes.set_xlim(0, max([_rated(rated, name) for rated in named.values() for name in order] + [1e-9]) * 1.12)
    dress(axes, x="importance (share, by each method's own measure)", grid="x")
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, frameon=False, borderaxespad=0.2,
        prop={"family": FONT, "size": 9},
    )  # fmt: skip
    return png(figure)


def _rated(rated: Mapping[str, float], name: str) -> float:
    value = rated.get(name, 0.0)
    return max(value, 0.0) if math.isfinite(value) else 0.0


def _colours(count: int) -> list[str]:
    return [(BLUE, ORANGE, GREEN, PURPLE, SKY)[index % 5] for index in range(count)]


def timeline(records: Sequence[TrialRecord]) -> bytes:
    """Draw one bar a trial on its worker's lane, coloured by state; long idle gaps between launches are cut out.

    Returns PNG bytes.
    """
    title = "Timeline"
    dated = [(begun, record) for record in records if (begun := _begun(record)) is not None]
    if not dated:
        return message_figure(title, "no trial has started yet")
    first = min(begun for begun, _ in dated)
    spans = [(begun - first, begun - first + record.seconds, record) for begun, record in dated]
    cut = _Clock([(start, end) for start, end, _ in spans])
    lanes = sorted({record.worker for _, _, record in spans})
    unit, per = _unit(cut.length)
    figure = new_figure(10, 1.5 + 0.42 * min(max(len(lanes), 2), 24), title)
    axes = figure.subplots()
    for state, colour in STATE_COLOURS.items():
        chosen = [span for span in spans if span[2].state == state]
        for row, lane in enumerate(lanes):
            bars = [(s, e, r.number) for s, e, r in chosen if r.worker == lane]
            starts = [cut(start) / per for start, _, _ in bars]
            widths = [max((end - start) / per, cut.length / per / 400) for start, end, _ in bars]
            edge = 0.5 if len(spans) <= 40 * len(lanes) else 0
            axes.barh([row] * len(bars), widths, 0.72, left=starts, color=colour, edgecolor="white", linewidth=edge)
            ink = INK if state in ("pruned", "running") else "white"
            numbered = list(zip(starts, widths, [given for _, _, given in bars], strict=True))
            _number_bars(axes, row, numbered, cut.length / per, ink)
    for at, idle in cut.breaks:
        axes.axvline(at / per, color=MUTED, linestyle=(0, (2, 2)), linewidth=1)
        axes.text(at / per, len(lanes) - 0.45, f"idle {duration(idle)}", ha="center", va="bottom", size=8, color=MUTED)
    axes.set_yticks(range(len(lanes)), [f"worker {lane}" for lane in lanes])
    axes.set_ylim(-0.55, len(lanes) - 0.45)
    axes.set_xlim(0, cut.length / per * 1.005 or 1)
    dress(axes, x=f"time since the first trial ({unit}{', idle time left out' if cut.breaks else ''})", grid="x")
    _state_legend(axes, [record.state for _, _, record in spans])
    return png(figure)


def _begun(record: TrialRecord) -> float | None:
    """Return when a trial started, in seconds since 1970; None where that is not known."""
    try:
        moment = datetime.fromisoformat(record.started)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


class _Clock:
    """Busy time: seconds since the first trial with gaps cut out in which no worker had anything to do."""

    def __init__(self, spans: Sequence[tuple[float, float]]) -> None:
        busy: list[list[float]] = []
        for start, end in sorted(spans):
            if busy and start <= busy[-1][1]:
                busy[-1][1] = max(busy[-1][1], end)
            else:
                busy.append([start, end])
        worked = sum(end - start for start, end in busy)
        longest = max(60.0, 0.1 * worked)
        kept = 0.015 * worked
        self._cuts: list[tuple[float, float]] = []
        """(from this second on, seconds left out before it)"""
        self.breaks: list[tuple[float, float]] = []
        """(where on the cut axis, how long it was idle)"""
        gone = 0.0
        for (_, ended), (started, _) in pairwise(busy):
            if started - ended > longest:
                gone += started - ended - kept
                self._cuts.append((started, gone))
                self.breaks.append((started - gone - kept / 2, started - ended))
        self.length = busy[-1][1] - gone

    def __call__(self, second: float) -> float:
        return second - max((gone for start, gone in self._cuts if second >= start), default=0.0)


def _unit(seconds: float) -> tuple[str, float]:
    return ("seconds", 1.0) if seconds < 180 else ("minutes", 60.0) if seconds < 3 * 3600 else ("hours", 3600.0)


def _number_bars(axes: Axes, row: int, bars: Sequence[tuple[float, float, int]], length: float, ink: str) -> None:
    """Write the trial's number into each (start, width, number) that is wide enough for it."""
    for start, width, given in bars:
        if width > length * 0.011 * len(str(given)):
            axes.text(start + width / 2, row, str(given), ha="center", va="center", size=8, color=ink, clip_on=True)


def _state_legend(axes: Axes, states: Sequence[TrialState]) -> None:
    handles = [
        Patch(color=colour, label=f"{state} ({states.count(state)})")
        for state, colour in STATE_COLOURS.items()
        if state in states
    ]
    axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, frameon=False,
        prop={"family": FONT, "size": 9}, labelcolor=INK,
    )  # fmt: skip
