"""How good a model is on rows it never saw: confusion matrix, ROC curve, predictions against the truth, residuals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from hpsearch.report.style import (
    BLUE,
    COUNTS,
    DENSITY,
    FONT,
    INK,
    MUTED,
    RED,
    dress,
    legend,
    message_figure,
    new_figure,
    padded,
    plain,
    png,
)
from hpsearch.report.text import number

_CLOUD = 3000
"""rows beyond which points would hide each other: counts in hexagons are drawn instead"""


def confusion_matrix(matrix: ArrayLike, labels: Sequence[str]) -> bytes:
    """Draw a confusion matrix: counts, coloured by the share of each true class. Returns PNG bytes.

    matrix: (classes, classes) whole numbers, rows are true classes, columns predicted ones, as scikit-learn has it.
    """
    counts = np.asarray(matrix)
    k = len(labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(max(3.2, 0.5 * k + 1.8), 8)
    figure = new_figure(
        side + 1.8, side + 0.9, "Confusion matrix", f"{int(counts.sum()):,} row" + "s" * (int(counts.sum()) != 1)
    )
    axes = figure.subplots()
    image = axes.imshow(shares, cmap=COUNTS, vmin=0, vmax=1)
    dress(axes, x="predicted", y="true", grid="")
    shown = range(0, k, math.ceil(k / 30))
    names = [plain(labels[index], 18) for index in shown]
    if max(map(len, names), default=0) * k < 46:
        axes.set_xticks(list(shown), names)
    else:
        axes.set_xticks(list(shown), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(list(shown), names)
    for row in range(k) if k <= 20 else ():
        for column in range(k):
            if counts[row, column] or k <= 6:
                axes.text(
                    column, row, f"{counts[row, column]:,}", ha="center", va="center", size=10 if k <= 10 else 7,
                    color="white" if shares[row, column] > 0.5 else INK, family=FONT,
                )  # fmt: skip
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02)
    bar.set_label("share of the true class", size=9, color=INK, family=FONT)
    bar.ax.tick_params(labelsize=8, colors=MUTED)
    bar.outline.set_visible(False)
    return png(figure)


def roc_curve(fpr: ArrayLike, tpr: ArrayLike, auc: float, positive: str = "1") -> bytes:
    """Draw a ROC curve with chance as a dashed line. Returns PNG bytes.

    fpr, tpr: (points,) rates from 0 to 1, as scikit-learn's `roc_curve` returns them; empty where only one class is
    there.
    """
    if np.size(fpr) == 0:
        return message_figure("ROC curve", "the rows hold one class only; a ROC curve needs both")
    figure = new_figure(5.4, 5.0, "ROC curve", f"positive class: {positive}")
    axes = figure.subplots()
    axes.fill_between(fpr, tpr, color=BLUE, alpha=0.08, linewidth=0)
    axes.plot(fpr, tpr, color=BLUE, linewidth=2.2, label=f"model, area {auc:.4f}")
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)), label="chance, area 0.5")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    dress(axes, x="false positive rate", y="true positive rate")
    legend(axes, loc="lower right")
    return png(figure)


def predicted_vs_actual(y: ArrayLike, prediction: ArrayLike, target: str = "target") -> bytes:
    """Draw predictions against the truth, in the target's units; a perfect model lies on the line. Returns PNG bytes.

    y, prediction: (rows,).
    """
    truth, guess = _finite(y, prediction)
    if truth.size == 0:
        return message_figure("Predicted against actual", "there are no rows with a finite prediction")
    figure = new_figure(5.8, 5.2, "Predicted against actual", f"{truth.size:,} row" + "s" * (truth.size != 1))
    axes = figure.subplots()
    low, high = padded(float(min(truth.min(), guess.min())), float(max(truth.max(), guess.max())))
    _cloud(axes, truth, guess, (low, high, low, high))
    axes.plot([low, high], [low, high], color=RED, linewidth=1.4, linestyle=(0, (5, 3)), label="perfect", zorder=4)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    dress(axes, x=f"actual {target}", y=f"predicted {target}")
    legend(axes, loc="lower right")
    return png(figure)


def residuals(y: ArrayLike, prediction: ArrayLike, target: str = "target") -> bytes:
    """Draw residuals (actual - predicted) against predictions and how they are spread. Returns PNG bytes.

    y, prediction: (rows,), in the target's units.
    """
    truth, guess = _finite(y, prediction)
    if truth.size == 0:
        return message_figure("Residuals", "there are no rows with a finite prediction")
    rest = truth - guess
    note = f"mean {number(float(rest.mean()), 3)}, standard deviation {number(float(rest.std()), 3)}"
    figure = new_figure(8.6, 4.4, "Residuals", note)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    low, high = padded(float(guess.min()), float(guess.max()))
    bottom, top = padded(float(rest.min()), float(rest.max()))
    _cloud(left, guess, rest, (low, high, bottom, top), bar=False)
    left.set(xlim=(low, high), ylim=(bottom, top))
    dress(left, x=f"predicted {target}", y="actual - predicted")
    right.hist(
        rest, bins=min(40, max(5, round(math.sqrt(rest.size)))), orientation="horizontal", color=BLUE, alpha=0.85
    )
    dress(right, x="rows")
    for axes in (left, right):
        axes.axhline(0, color=RED, linewidth=1.4, linestyle=(0, (5, 3)), zorder=4)
    return png(figure)


def _finite(y: ArrayLike, prediction: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    truth, guess = np.asarray(y, dtype=float).ravel(), np.asarray(prediction, dtype=float).ravel()
    kept = np.isfinite(truth) & np.isfinite(guess)
    return truth[kept], guess[kept]


def _cloud(
    axes: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    extent: tuple[float, float, float, float],
    *,
    bar: bool = True,
) -> None:
    if x.size <= _CLOUD:
        alpha = 0.75 if x.size <= 300 else 0.35
        axes.scatter(x, y, s=18 if x.size <= 300 else 10, color=BLUE, alpha=alpha, edgecolors="none", zorder=3)
        return
    drawn = axes.hexbin(x, y, gridsize=55, extent=extent, bins="log", mincnt=1, cmap=DENSITY, linewidths=0.2, zorder=3)
    if not bar:
        return
    scale = axes.figure.colorbar(drawn, ax=axes, shrink=0.8, pad=0.02)
    scale.set_label("rows", size=9, color=INK, family=FONT)
    scale.ax.tick_params(labelsize=8, colors=MUTED)
    scale.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    scale.ax.yaxis.set_minor_formatter(lambda _value, _: "")
    scale.outline.set_visible(False)
