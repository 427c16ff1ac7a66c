"""Numbers, durations, names and configurations as a person reads them."""

from __future__ import annotations

import html
import math
import re

from hpsearch.space.space import Configuration, widths


def number(value: float, digits: int = 4) -> str:
    """Return a number as a person reads it: `0.0012`, `12,345`, `1.2e-07`."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "-∞" if value < 0 else "not a number"
    if abs(value) >= 1e7 or 0 < abs(value) < 1e-4:
        return f"{value:.{max(digits - 2, 1)}e}"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def duration(seconds: float) -> str:
    """Return a duration in two units at most: `4.2 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def readable(text: object, width: int = 60) -> str:
    """Return a text of at most `width` characters on one line, without what does not print."""
    line = " ".join(str(text)[: 8 * width].split())
    return (
        shorten("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line), width)
        or "(empty)"
    )


def percent(share: float) -> str:
    """Return a share (0..1) in percent, telling a little from nothing: `12.3 %`, `< 0.1 %`, `0 %`."""
    if share in {0, 1}:
        return f"{share:.0%}".replace("%", " %")
    return "< 0.1 %" if share < 0.001 else "> 99.9 %" if share > 0.999 else f"{100 * share:.1f} %"


def shorten(text: str, width: int) -> str:
    """Return a text cut in its middle to `width` characters: both ends tell names apart."""
    if len(text) <= width:
        return text
    head = (width - 1 + 1) // 2
    tail = width - 1 - head
    return text[:head] + "…" + (text[-tail:] if tail else "")


def markdown(text: str) -> str:
    """Return a text on one line in which nothing is markup: neither HTML nor Markdown."""
    line = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"([\\`*{}\[\]|!~]|\b_|_\b)", r"\\\1", line)


def configuration_text(configuration: Configuration) -> str:
    """Return a configuration in a line: `64-32 relu, adam, learning_rate 0.001, ...`."""
    if not configuration:
        return ""
    if not _of_the_table(configuration):
        return ", ".join(f"{name} {number(v) if isinstance(v, float) else v}" for name, v in configuration.items())
    net = "-".join(map(str, widths(configuration))) or "no hidden layer"
    rest = [
        f"{name} {number(value) if isinstance(value, float) else value}"
        for name, value in configuration.items()
        if not name.startswith(("neurons", "hidden_layers", "activation", "optimizer"))
    ]
    activation = f" {configuration['activation']}" if "activation" in configuration else ""
    return ", ".join([f"{net}{activation}", str(configuration["optimizer"]), *rest])


def _of_the_table(configuration: Configuration) -> bool:
    """Tell a net of the table from one that a hypermodel builds, which may share some names."""
    depth = configuration.get("hidden_layers")
    widths_are_there = depth == 0 or not {"neurons", "neurons_1"}.isdisjoint(configuration)
    return depth is not None and widths_are_there and "optimizer" in configuration
