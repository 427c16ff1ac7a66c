"""One visual language for every picture: colours, type, grids, and text that is safe to draw.

Only matplotlib's objects are used, never pyplot or rcParams: pictures can be drawn in any thread. For the same reason
no text goes through mathtext, whose parser is shared.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Literal, TypeGuard

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from hpsearch.records import TrialState
from hpsearch.report.text import shorten

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
"""Okabe and Ito's palette: told apart by colour-blind readers (Color Universal Design, 2008)."""
INK, MUTED, FAINT, GRID = "#1f2933", "#5b6770", "#b4bcc4", "#e3e7eb"

STATE_COLOURS: dict[TrialState, str] = {
    "completed": BLUE, "pruned": ORANGE, "failed": RED, "interrupted": MUTED, "running": SKY,
}  # fmt: skip
STATE_MARKERS: dict[TrialState, str] = {
    "completed": "o",
    "pruned": "v",
    "failed": "X",
    "interrupted": "s",
    "running": ".",
}

GOOD_TO_BAD = LinearSegmentedColormap.from_list("good_to_bad", ["#08306b", "#2b7bba", "#8fbfdc", "#e9d8a6", "#e0a458"])
"""The best is the darkest: lightness alone orders it, so it survives grey printing."""
COUNTS = LinearSegmentedColormap.from_list("counts", ["#f4f8fb", "#8fbfdc", "#2b7bba", "#08306b"])
DENSITY = LinearSegmentedColormap.from_list("density", ["#c3dbec", "#6aaed6", "#2b7bba", "#08306b"])
DIVERGING = LinearSegmentedColormap.from_list("diverging", ["#b3541e", "#f0c29b", "#f7f7f7", "#9cc3de", "#08519c"])

FONT = "DejaVu Sans"
"""It comes with matplotlib: the same picture on every machine."""
DPI = 130


def new_figure(width: float, height: float, title: str = "", note: str = "") -> Figure:
    """Return an empty figure of that many inches with a title and a muted note below it."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(
            plain(title, int(width * 9)), x=0.012, ha="left", size=13, color=INK, family=FONT, weight="bold"
        )
    if note:
        figure.supxlabel(plain(note, int(width * 14)), x=0.988, ha="right", size=8.5, color=MUTED, family=FONT)
    return figure


def png(figure: Figure) -> bytes:
    """Return the figure as PNG bytes without a time or a version inside: equal figures are equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def dress(
    axes: Axes, *, x: str = "", y: str = "", title: str = "", grid: Literal["both", "x", "y", ""] = "both"
) -> None:
    """Give axes their labels, a light grid ('x', 'y', 'both' or '') and thin spines."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(visible=True, axis=grid, color=GRID, linewidth=0.8)
    axes.tick_params(colors=MUTED, labelcolor=INK, labelsize=9, labelfontfamily=FONT, length=3)
    axes.set_xlabel(plain(x, 60), color=INK, size=10, family=FONT)
    axes.set_ylabel(plain(y, 40), color=INK, size=10, family=FONT)
    if title:
        axes.set_title(plain(title, 48), color=INK, size=11, family=FONT, loc="left")


def legend(axes: Axes, **options: object) -> None:
    """Show the legend of what is labelled, if anything is."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        shown = {"frameon": True, "framealpha": 0.85, "edgecolor": "none", "labelcolor": INK, "loc": "best"} | options
        axes.legend(handles, labels, prop={"family": FONT, "size": 9}, **shown)


def message_figure(title: str, message: str) -> bytes:
    """Return a picture that says why there is nothing to draw."""
    figure = new_figure(7, 2.2, title)
    figure.text(0.5, 0.42, plain(message, 90), ha="center", va="center", color=MUTED, size=11, family=FONT)
    return png(figure)


def plain(text: object, width: int = 40) -> str:
    """Return a text that draws as it reads: one line, at most `width` characters, no mathtext, no missing glyphs."""
    line = " ".join(str(text)[: 8 * width].split())
    line = "".join(char if _has_glyph(char) else "\N{WHITE SQUARE}" for char in shorten(line, width))
    return line.replace("$", r"\$")


@cache
def _has_glyph(char: str) -> bool:
    return char.isprintable() and get_font(findfont(FONT)).get_char_index(ord(char)) != 0


def log_axis(axes: Axes, which: str) -> None:
    """Make the 'x' or 'y' axis logarithmic with plain labels, as many as fit."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    axis.set_major_locator(FixedLocator(log_ticks(low, high)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(LogLocator(subs=tuple(range(2, 10))) if high / low < 1e6 else NullLocator())
    axis.set_minor_formatter(FuncFormatter(lambda _value, _: ""))


def log_ticks(low: float, high: float) -> list[float]:
    """Return round ticks inside a positive range: powers of ten, with 2 and 5 (then all digits) where those are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    ticks: list[float] = []
    for digits in ((1,), (1, 3), (1, 2, 5), tuple(range(1, 10))):
        ticks = [d * 10.0**e for e in range(first, last + 1) for d in digits]
        ticks = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if len(ticks) >= 3:
            break
    if len(ticks) < 2:
        return [float(tick) for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]
    return ticks[:: math.ceil(len(ticks) / 7)]


def whole_axis(axes: Axes, which: str = "x") -> None:
    """Put the ticks of an axis that counts on whole numbers."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(nbins="auto", integer=True, min_n_ticks=1))


def padded(low: float, high: float, share: float = 0.05) -> tuple[float, float]:
    """Return limits a little wider than the values; never of zero width."""
    if not high > low:
        pad = abs(low) * 0.05 or 0.5
        return low - pad, high + pad
    pad = (high - low) * share
    return low - pad, high + pad


def drawable(value: float | None) -> TypeGuard[float]:
    """Tell whether a value can stand on an axis: known, finite, not so large that its arithmetic overflows."""
    return value is not None and abs(value) < 1e300


def focus(values: Iterable[float], *, minimize: bool) -> tuple[float, float]:
    """Return (low, high) that shows all good values and leaves out far-off bad ones.

    The fence on the bad side is Tukey's, with 3 interquartile ranges: one diverged net must not flatten the others.
    """
    given = np.asarray([value for value in values if drawable(value)], dtype=float)
    if given.size == 0:
        return 0.0, 1.0
    q1, q3 = np.quantile(given, (0.25, 0.75))
    spread = 3 * (q3 - q1)
    inside: NDArray[np.float64] = given[given <= q3 + spread] if minimize else given[given >= q1 - spread]
    return float(inside.min()), float(inside.max())


def jitter(count: int) -> NDArray[np.float64]:
    """Return `count` offsets in -0.5..0.5 that look random and are always the same (golden ratio sequence)."""
    return np.asarray(np.arange(count) * 0.6180339887498949 % 1.0 - 0.5, dtype=np.float64)


def drawable_pairs(xs: Sequence[float], ys: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the points whose height can be drawn."""
    kept = [(x, y) for x, y in zip(xs, ys, strict=True) if drawable(y)]
    return [x for x, _ in kept], [y for _, y in kept]
