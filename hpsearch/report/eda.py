"""A table's profile as one offline HTML page and as a text for the terminal."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hpsearch.data.profile import ColumnProfile, Profile
from hpsearch.data.suspicion import ProfileWarning
from hpsearch.errors import StoreError
from hpsearch.report.page import data_uri, render_page
from hpsearch.report.skrub_report import write_skrub_report
from hpsearch.report.text import number, percent, readable, shorten

if TYPE_CHECKING:
    import pandas as pd

_MOST_COLUMNS = 300
_MOST_WARNINGS = 12
_MOST_LISTED = 30
_NAME = 60


def write_eda(profile: Profile, name: str, path: Path, *, frame: pd.DataFrame | None = None) -> Path:
    """Write the page about a study's table to `path`; return it.

    With the `frame` itself and skrub installed, skrub's own page is written beside it (`eda-skrub.html`) and linked.
    Raises StoreError where the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.stem}-skrub.html")
        skrub = None if frame is None else write_skrub_report(frame, beside, title=name)
        link = "./" + quote(beside.name) if skrub else ""
        page = render_eda(profile, name, skrub_link=link, hint=skrub.message if skrub is not None else "")
        unfinished = path.with_name(f".{path.name}.tmp")
        unfinished.write_text(page, encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}; choose another file, or make room there") from error
    return path


def render_eda(profile: Profile, name: str, *, skrub_link: str = "", hint: str = "") -> str:
    """Return the page: warnings, target, columns, correlations, missing cells, outliers. It runs and loads nothing."""
    from hpsearch.report.figures import eda as figures

    columns = profile.columns[:_MOST_COLUMNS]
    missing = sorted((column for column in profile.columns if column.missing), key=lambda c: -c.missing)
    outliers = sorted((column for column in profile.columns if column.outliers), key=lambda c: -(c.outliers or 0))
    correlated = len(profile.correlations.names) > 1
    return render_page(
        "eda.html.j2",
        name=name,
        profile=profile,
        facts=_facts(profile),
        warnings=_warnings(profile.warnings),
        more_warnings=_more_warnings(profile.warnings),
        target_picture=data_uri(figures.target_shape(profile.target)),
        moments=[(key, _moment(key, value)) for key, value in profile.target.moments],
        columns=[_column(column) for column in columns],
        left_out=len(profile.columns) - len(columns),
        heatmap=data_uri(figures.correlation_heatmap(profile.correlations)) if correlated else "",
        with_target=profile.correlations.with_target[:_MOST_LISTED],
        missing=missing[:_MOST_LISTED],
        more_missing=len(missing[_MOST_LISTED:]),
        outliers=[_outliers(column, profile.sampled_rows) for column in outliers[:_MOST_LISTED]],
        more_outliers=len(outliers[_MOST_LISTED:]),
        skrub_link=skrub_link,
        hint=hint,
    )  # fmt: skip


def eda_summary(profile: Profile) -> str:
    """Return the profile as plain text: warnings first, then the target, then a line a column. Safe to print."""
    lines = [", ".join(f"{value} {label}" for label, value in _facts(profile)), ""]
    lines += [f"! {code}: {message}" for code, message in _warnings(profile.warnings)]
    lines += [f"! {count:,} more warnings of {code}" for code, count in _more_warnings(profile.warnings)]
    lines += ["no warnings"] if not profile.warnings else []
    lines += [f"- {readable(note, 300)}" for note in profile.notes]
    target = profile.target
    about = ", ".join(f"{key} {_moment(key, value)}" for key, value in target.moments)
    total = max(sum(count for _, count in target.classes), 1)
    about = about or ", ".join(f"{readable(c, 24)} {percent(n / total)}" for c, n in target.classes[:10])
    lines += ["", f"target {readable(target.name, 40)} ({target.task}): {about}", ""]
    table = [("column", "kind", "missing", "distinct", "outliers", "values")]
    table += [_text_row(column) for column in profile.columns[:_MOST_COLUMNS]]
    widths = [max(len(row[index]) for row in table) for index in range(5)]
    for row in table:
        cells = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
        cells += [row[index].rjust(widths[index]) for index in (2, 3, 4)]
        lines.append("  ".join([*cells, row[5]]).rstrip())
    if len(profile.columns) > _MOST_COLUMNS:
        lines.append(f"... and {len(profile.columns) - _MOST_COLUMNS:,} columns more")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Bar:
    """One bar of an inline histogram, in the units of its drawing (120 x 36)."""

    x: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class _Column:
    """What the page shows of a column."""

    about: ColumnProfile
    bars: tuple[_Bar, ...]
    figures: tuple[tuple[str, str], ...]
    low: str
    high: str
    categories: tuple[tuple[str, float, str], ...]
    """name, share of the most frequent (0..1), text"""
    others: int


def _facts(profile: Profile) -> list[tuple[str, str]]:
    used = [column for column in profile.columns if column.used]
    kinds = {kind: sum(column.kind == kind for column in used) for kind in ("numeric", "categorical", "date")}
    cells = sum(column.missing for column in profile.columns)
    facts = [("rows" if profile.rows != 1 else "row", f"{profile.rows:,}"), ("columns used", f"{len(used):,}")]
    facts += [(kind, f"{count:,}") for kind, count in kinds.items() if count]
    facts += [("left out", f"{len(profile.columns) - len(used):,}")] if len(used) < len(profile.columns) else []
    return [*facts, ("missing cells", f"{cells:,}"), ("duplicate rows", f"{profile.duplicate_rows:,}")]


def _warnings(warnings: tuple[ProfileWarning, ...]) -> list[tuple[str, str]]:
    """Return (code, message), at most a dozen of a code, long names cut wherever they stand."""
    shown: dict[str, list[tuple[str, str]]] = {}
    for warning in warnings:
        message = warning.message
        for name in sorted(warning.columns, key=len, reverse=True):
            if len(name) > _NAME:
                message = message.replace(name, shorten(name, _NAME))
        shown.setdefault(warning.code, []).append((warning.code, readable(message, 700)))
    return [pair for pairs in shown.values() for pair in pairs[:_MOST_WARNINGS]]


def _more_warnings(warnings: tuple[ProfileWarning, ...]) -> list[tuple[str, int]]:
    codes = [warning.code for warning in warnings]
    return [(c, codes.count(c) - _MOST_WARNINGS) for c in dict.fromkeys(codes) if codes.count(c) > _MOST_WARNINGS]


def _column(column: ColumnProfile) -> _Column:
    most = max((count for _, count in column.top), default=0)
    shown = column.top[:5]
    return _Column(
        about=column,
        bars=_bars(column),
        figures=tuple(_statistics(column)),
        low=_value(column, column.minimum),
        high=_value(column, column.maximum),
        categories=tuple((text, count / most if most else 0.0, f"{count:,}") for text, count in shown),
        others=max(column.distinct - len(shown), 0) if column.kind == "categorical" else 0,
    )


def _statistics(column: ColumnProfile) -> list[tuple[str, str]]:
    if column.quartiles is None:
        return []
    median = ("median", _value(column, column.quartiles[1]))
    if column.kind == "date":
        return [median]
    return [("mean", _value(column, column.mean)), ("std", _value(column, column.std)), median]


def _bars(column: ColumnProfile) -> tuple[_Bar, ...]:
    if column.histogram is None or column.distinct < 2:
        return ()
    counts, edges = column.histogram
    width, most = 120 / len(counts), max([*counts, 1])
    return tuple(
        # a bin with any row at all stays visible
        _Bar(
            x=round(index * width, 2), width=round(width * 0.94, 2),
            height=round(max(33 * count / most, 1.2 if count else 0), 2),
            label=f"{_value(column, edges[index])} to {_value(column, edges[index + 1])}: {count:,}",
        )
        for index, count in enumerate(counts)
    )  # fmt: skip


def _value(column: ColumnProfile, value: float | None) -> str:
    """Return a number of a column, or the day that a date's year with a fraction means."""
    if value is None:
        return "–"
    if column.kind != "date":
        return number(value)
    year = int(value)
    if not date.min.year <= year < date.max.year:
        return f"{value:.1f}"
    return (date(year, 1, 1) + timedelta(days=round((value - year) * 365.25, 3))).isoformat()


def _moment(name: str, value: float) -> str:
    return f"{value:.2f}" if name == "skewness" else number(value)


def _outliers(column: ColumnProfile, rows: int) -> dict[str, Any]:
    assert column.quartiles is not None
    q25, _, q75 = column.quartiles
    reach = 1.5 * (q75 - q25)
    share = (column.outliers or 0) / max(rows, 1)
    low, high = (_value(column, fence) for fence in (q25 - reach, q75 + reach))
    return {"column": column, "share": share, "low": low, "high": high}


def _text_row(column: ColumnProfile) -> tuple[str, str, str, str, str, str]:
    if column.kind == "categorical":
        values = ", ".join(f"{readable(text, 20)} ({count:,})" for text, count in column.top[:4])
        values += ", ..." if column.distinct > 4 else ""
    else:
        low, high = _value(column, column.minimum), _value(column, column.maximum)
        values = "" if column.minimum is None else f"{low} .. {high}"
        values += "".join(f", {key} {value}" for key, value in _statistics(column)[:1])
    left_out = "" if column.used else f" [left out: {readable(column.reason, 60)}]"
    return (
        readable(column.name, 32), column.kind, percent(column.missing_share), f"{column.distinct:,}",
        "" if column.outliers is None else f"{column.outliers:,}", values + left_out,
    )  # fmt: skip
