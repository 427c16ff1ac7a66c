"""The picture of quality against time: a line for each contender's median, a band for the range of its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contest.curves import Curve, spread
from hpsearch.report.style import BLUE, FAINT, GREEN, ORANGE, dress, legend, log_axis, new_figure, png


def quality_figure(curves: Mapping[str, Sequence[Curve]], minutes: float, marks: Sequence[float]) -> bytes:
    """Return a PNG. curves: of each seed, by contender, in seconds; marks: minutes to point out."""
    seeds = max((len(several) for several in curves.values()), default=0)
    note = (
        f"line: median of {seeds} seeds, band: their range; one core each" if seeds > 1 else "one seed, one core each"
    )
    figure = new_figure(8.0, 4.5, "Best validation RMSE in equal time", note)
    axes = figure.add_subplot()
    shown: list[float] = []
    for (name, several), colour in zip(curves.items(), (BLUE, ORANGE, GREEN), strict=False):
        points = spread(several, 60 * minutes)
        if not points:
            continue
        times = [seconds / 60 for seconds, *_ in points]
        low, median, high = zip(*(values for _, *values in points), strict=True)
        axes.fill_between(times, low, high, step="post", color=colour, alpha=0.18, linewidth=0)
        axes.plot(times, median, drawstyle="steps-post", color=colour, linewidth=1.8, label=name)
        # From a third of the first mark on: what came before would flatten all that follows.
        shown += [value for when, value in zip(times, high, strict=True) if when >= marks[0] / 3]
        shown += [min(low), high[-1]]
    dress(axes, x="minutes since the process started", y="best validation RMSE so far")
    axes.set_xlim(_first(curves, minutes) / 1.1, minutes * 1.04)
    log_axis(axes, "x")
    if shown:
        axes.set_ylim(0.97 * min(shown), 1.03 * max(shown))
        log_axis(axes, "y")
    for mark in marks:
        axes.axvline(mark, color=FAINT, linewidth=1, linestyle=":", zorder=0)
    legend(axes, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, columnspacing=1.2)
    return png(figure)


def _first(curves: Mapping[str, Sequence[Curve]], minutes: float) -> float:
    """Return when the first run had a value, in minutes."""
    firsts = [curve[0][0] / 60 for several in curves.values() for curve in several if curve]
    return min(firsts, default=minutes / 10)
