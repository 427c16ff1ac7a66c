"""How one trial went: its learning curve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from matplotlib.axes import Axes

from hpsearch.records import EpochRecord, TrialRecord
from hpsearch.report.style import (
    BLUE,
    INK,
    MUTED,
    ORANGE,
    drawable,
    drawable_pairs,
    dress,
    legend,
    log_axis,
    message_figure,
    new_figure,
    plain,
    png,
    whole_axis,
)
from hpsearch.report.text import number

Curve = tuple[list[float], list[float]]


def learning_curve(record: TrialRecord, objective: str) -> bytes:
    """Draw the loss and the objective of each epoch, training and validation, with the best epoch marked.

    With folds each fold is a thin line and their mean, as far as every fold got, a thick one. Returns PNG bytes.
    """
    title = f"Trial {record.number}: learning curve"
    if not record.epochs:
        return message_figure(
            title, f"{record.state}, no epoch was measured" + f" ({record.reason})" * bool(record.reason)
        )
    figure = new_figure(10, 4.2, title, _note(record))
    left, right = figure.subplots(1, 2)
    _panel(left, record, "loss", "loss", "loss")
    _panel(right, record, objective, objective, f"objective: {objective}")
    if record.best_epoch:
        _mark_best(right, record, f"val_{objective}")
        left.axvline(record.best_epoch, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    return png(figure)


def _note(record: TrialRecord) -> str:
    parts = [record.state + (f": {record.reason}" if record.reason else "")]
    folds = len({epoch.split for epoch in record.epochs})
    if folds > 1:
        parts.append(f"{folds} folds, thin; their mean, thick")
    return ", ".join(parts)


def _panel(axes: Axes, record: TrialRecord, metric: str, y: str, title: str) -> None:
    shown: list[float] = []
    for key, label, colour, style in (
        (f"train_{metric}", "training", ORANGE, "--"),
        (f"val_{metric}", "validation", BLUE, "-"),
    ):
        folds = _curves(record.epochs, key)
        for xs, ys in folds if len(folds) > 1 else []:
            axes.plot(xs, ys, color=colour, linewidth=0.7, alpha=0.45, linestyle=style)
        xs, ys = _mean(folds)
        if xs:
            marker = "o" if len(xs) == 1 else None
            axes.plot(xs, ys, color=colour, linewidth=2, linestyle=style, marker=marker, label=label)
        shown += [y for _, ys in folds for y in ys]
    dress(axes, x="epoch", y=y, title=title)
    if shown:
        if min(shown) > 0 and max(shown) / min(shown) > 30:
            log_axis(axes, "y")
        whole_axis(axes)
        legend(axes)
    else:
        axes.text(
            0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", va="center", color=MUTED
        )  # fmt: skip


def _curves(epochs: Sequence[EpochRecord], key: str) -> list[Curve]:
    """Return one (steps, finite values) for each split that measured `key`."""
    by_split: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for epoch in epochs:
        if key in epoch.metrics:
            by_split[epoch.split].append((epoch.step, epoch.metrics[key]))
    curves = [drawable_pairs(*zip(*sorted(points), strict=True)) for _, points in sorted(by_split.items())]
    return [curve for curve in curves if curve[0]]


def _mean(folds: Sequence[Curve]) -> Curve:
    """Return the mean over folds at the steps all of them have: past the shortest it would jump."""
    values: dict[float, list[float]] = defaultdict(list)
    for xs, ys in folds:
        for x, y in zip(xs, ys, strict=True):
            values[x].append(y)
    steps = sorted(step for step, ys in values.items() if len(ys) == len(folds))
    return steps, [sum(values[step]) / len(values[step]) for step in steps]


def _mark_best(axes: Axes, record: TrialRecord, key: str) -> None:
    axes.axvline(record.best_epoch, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    value = record.value if record.value is not None else record.metrics.get(key)
    text = f"best epoch {record.best_epoch}"
    if drawable(value):
        text += f": {number(value)}"
        axes.plot([record.best_epoch], [value], marker="o", markersize=8, color=BLUE, markeredgecolor="white")
    low, high = axes.get_xlim()
    late = record.best_epoch > (low + high) / 2
    axes.annotate(
        plain(text), (record.best_epoch, 1), xycoords=("data", "axes fraction"), xytext=(-5 if late else 5, -4),
        textcoords="offset points", ha="right" if late else "left", va="top", size=9, color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
    )  # fmt: skip
