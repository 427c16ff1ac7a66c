"""What a table looks like before training: the target's shape or balance, and what goes with what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from hpsearch.data.profile import Correlations, TargetProfile
from hpsearch.report.style import (
    BLUE,
    DIVERGING,
    FONT,
    INK,
    MUTED,
    ORANGE,
    RED,
    dress,
    legend,
    message_figure,
    new_figure,
    plain,
    png,
)
from hpsearch.report.text import number, percent

_MOST_CLASSES = 25


def target_shape(target: TargetProfile) -> bytes:
    """Draw the histogram of a regression target with mean and median, or the rows of each class. Returns PNG bytes."""
    if target.classes:
        return _class_balance(target.classes)
    if target.histogram is None:
        return message_figure("Target", "the target holds no values")
    counts, edges = target.histogram
    figure = new_figure(7.2, 3.3)
    axes = figure.subplots()
    axes.stairs(counts, edges, fill=True, color=BLUE, alpha=0.85)
    moments = dict(target.moments)
    for name, colour, style in (("mean", RED, "-"), ("median", ORANGE, "--")):
        if name in moments:
            label = f"{name} {number(moments[name])}"
            axes.axvline(moments[name], color=colour, linewidth=1.8, linestyle=style, label=label)
    dress(axes, x=target.name, y="rows", grid="y")
    legend(axes)
    return png(figure)


def _class_balance(classes: Sequence[tuple[str, int]]) -> bytes:
    shown = list(classes[:_MOST_CLASSES])
    total = max(sum(count for _, count in classes), 1)
    note = f"the first {len(shown)} of {len(classes):,} classes" if len(shown) < len(classes) else ""
    figure = new_figure(7.2, 0.9 + 0.32 * len(shown), note=note)
    axes = figure.subplots()
    counts = [count for _, count in shown]
    axes.barh(range(len(shown)), counts, 0.75, color=BLUE)
    for row, count in enumerate(counts):
        axes.text(count, row, f" {count:,} ({percent(count / total)})", va="center", size=9, color=INK, family=FONT)
    axes.set_yticks(range(len(shown)), [plain(name, 28) for name, _ in shown])
    axes.invert_yaxis()
    axes.set_xlim(0, max([*counts, 1]) * 1.25)
    dress(axes, x="rows", grid="x")
    return png(figure)


def correlation_heatmap(correlations: Correlations) -> bytes:
    """Draw a correlation matrix; numbers are written where they are few. Returns PNG bytes."""
    names, k = correlations.names, len(correlations.names)
    if k < 2:
        return message_figure("Correlations", "fewer than two numeric columns: nothing to correlate")
    matrix = np.array([[np.nan if cell is None else cell for cell in row] for row in correlations.matrix], dtype=float)
    side = min(max(3.4, 0.55 * k + 1.2), 9)
    figure = new_figure(side + 2, side + 0.6)
    axes = figure.subplots()
    axes.set_facecolor("#eceff2")
    scale = Normalize(-1, 1)
    axes.imshow(matrix, cmap=DIVERGING, norm=scale)
    dress(axes, grid="")
    labels = [plain(name, 22) for name in names]
    size = 9 if k <= 20 else 6.5
    axes.set_xticks(range(k), labels, rotation=45, ha="right", rotation_mode="anchor", size=size)
    axes.set_yticks(range(k), labels, size=size)
    for row, column in np.ndindex(k, k) if k <= 14 else ():
        value = matrix[row, column]
        if np.isfinite(value):
            ink = "white" if abs(value) > 0.7 else INK
            text = f"{value:.2f}".replace("-0.00", "0.00")
            axes.text(column, row, text, ha="center", va="center", size=8.5, color=ink, family=FONT)
    bar = figure.colorbar(ScalarMappable(scale, DIVERGING), ax=axes, shrink=0.8, pad=0.02)
    bar.set_label("Pearson correlation", size=9, color=INK, family=FONT)
    bar.ax.tick_params(labelsize=8, colors=MUTED)
    bar.outline.set_visible(False)
    return png(figure)
