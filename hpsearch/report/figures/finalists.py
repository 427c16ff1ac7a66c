"""The finalists on new seeds: every value, the mean with its interval, what the search had promised, the baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from hpsearch.records import StudyInfo
from hpsearch.report.style import (
    BLUE,
    GREEN,
    MUTED,
    ORANGE,
    PURPLE,
    drawable,
    dress,
    jitter,
    legend,
    message_figure,
    new_figure,
    padded,
    plain,
    png,
)
from hpsearch.report.text import number
from hpsearch.search.verdict import Finalist, Verdict
from hpsearch.significance import mean_interval

_STANDING = {"best": "best mean", "tied": "tied with the best", "worse": "worse"}


def finalists(
    verdict: Verdict, info: StudyInfo, baselines: Mapping[str, float] | None = None, *, test_share: float = 0.0
) -> bytes:
    """Draw each finalist as a row: a dot for every new seed, the mean with its 95 % interval, the search's own value.

    baselines: name -> the objective on the same validation rows, drawn as dashed lines; one that lies far off is named
    below the picture. test_share: as in `significance.mean_interval`. Returns PNG bytes.
    """
    title = f"{info.name}: finalists on new seeds"
    shown = [one for one in verdict.finalists if all(drawable(value) for value in one.values)]
    if not shown:
        return message_figure(title, "no finalist has values that can be drawn")
    intervals = [mean_interval(one.values, test_share) for one in shown]
    low, high = _limits(shown, intervals)
    near, far = _near(baselines or {}, low, high)
    low, high = padded(min([low, *near.values()]), max([high, *near.values()]), 0.06)
    figure = new_figure(9.5, 1.75 + 0.55 * len(shown) + 0.3 * bool(near), title, _note(far, shown))
    axes = figure.subplots()
    for row, (one, interval) in enumerate(zip(shown, intervals, strict=True)):
        _draw_row(axes, row, one, interval, winner=one.trial == verdict.winner)
    _draw_baselines(axes, near)
    axes.set_yticks(range(len(shown)), [_label(one, verdict) for one in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(low, high)
    better = "lower" if info.direction == "minimize" else "higher"
    dress(axes, x=f"val_{info.objective} ({better} is better)", grid="x")
    legend(axes, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    return png(figure)


def _limits(shown: Sequence[Finalist], intervals: Sequence[tuple[float, float]]) -> tuple[float, float]:
    ends = [end for interval in intervals for end in interval if drawable(end)]
    values = [value for one in shown for value in (*one.values, one.searched) if drawable(value)]
    return min(values + ends), max(values + ends)


def _near(baselines: Mapping[str, float], low: float, high: float) -> tuple[dict[str, float], dict[str, float]]:
    """Divide the baselines into those that leave the finalists room to be seen, and the others."""
    room = 0.6 * max(high - low, 1e-12)
    near = {name: value for name, value in baselines.items() if drawable(value) and low - room < value < high + room}
    return near, {name: value for name, value in baselines.items() if name not in near}


def _note(far: Mapping[str, float], shown: Sequence[Finalist]) -> str:
    off = ", ".join(f"{name} at {number(value)}" for name, value in far.items())
    counted = f"{shown[0].n} trainings each"
    return f"{counted}; beyond this scale: {off}" if off else counted


def _draw_row(axes: Axes, row: int, one: Finalist, interval: tuple[float, float], *, winner: bool) -> None:
    colour = GREEN if winner else BLUE if one.standing != "worse" else MUTED
    first = row == 0
    axes.plot(interval, [row, row], color=colour, linewidth=2.4, solid_capstyle="butt", zorder=3)
    for end in interval:
        axes.plot([end, end], [row - 0.13, row + 0.13], color=colour, linewidth=2.4, zorder=3)
    heights = row + 0.34 * jitter(one.n)
    axes.scatter(
        one.values, heights, s=26, color=colour, alpha=0.45, edgecolors="none", zorder=4,
        label="a new seed" if first else None,
    )  # fmt: skip
    axes.scatter(
        [one.mean], [row], s=85, marker="D", color=colour, edgecolors="white", linewidths=1.2, zorder=5,
        label="mean, 95 % interval" if first else None,
    )  # fmt: skip
    if drawable(one.searched):
        axes.scatter(
            [one.searched], [row], s=75, marker="|", color=ORANGE, linewidths=2.6, zorder=6,
            label="value in the search" if first else None,
        )  # fmt: skip


def _draw_baselines(axes: Axes, near: Mapping[str, float]) -> None:
    for index, (name, value) in enumerate(near.items()):
        style = ((0, (5, 3)), (0, (1.5, 2)), (0, (7, 2, 1.5, 2)))[index % 3]
        axes.axvline(
            value, color=PURPLE, linewidth=1.8, linestyle=style, zorder=2, label=f"{plain(name, 26)}: {number(value)}"
        )


def _label(one: Finalist, verdict: Verdict) -> str:
    winner = "winner, " if one.trial == verdict.winner else ""
    return f"trial {one.trial}\n{winner}{_STANDING[one.standing]}"
