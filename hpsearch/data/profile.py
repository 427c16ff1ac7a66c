"""A table described before anything is trained on it: distributions, correlations, missing cells, outliers, warnings.

Everything here is plain numbers, for pages, terminals and MLflow to show. Large tables are described from a sample of
rows; counts of missing cells and of duplicate rows are always exact.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpsearch.data.columns import Columns, Kind
from hpsearch.data.split import Parts
from hpsearch.data.suspicion import ProfileWarning, find_warnings
from hpsearch.data.transform import read_categories, read_dates, read_numbers
from hpsearch.metrics import TaskType

MAX_ROWS = 100_000
MAX_CORRELATED = 40
_BINS = 30
_TOP = 10


@dataclass(frozen=True)
class ColumnProfile:
    """One column. Numbers describe numeric and date columns (dates in years); `top` the categories."""

    name: str
    kind: Kind
    used: bool
    """False: the study leaves it out (`reason`)"""
    reason: str
    missing: int
    missing_share: float
    distinct: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None
    quartiles: tuple[float, float, float] | None = None
    """at 25, 50 and 75 %"""
    outliers: int | None = None
    """cells more than 1.5 interquartile ranges beyond the quartiles (Tukey)"""
    top: tuple[tuple[str, int], ...] = ()
    """the most frequent categories and their counts"""
    histogram: tuple[tuple[int, ...], tuple[float, ...]] | None = None
    """counts of the bins, and the edges between them (one more)"""


@dataclass(frozen=True)
class TargetProfile:
    """The target: counts of its classes, or its moments and histogram."""

    name: str
    task: TaskType
    missing: int
    classes: tuple[tuple[str, int], ...] = ()
    moments: tuple[tuple[str, float], ...] = ()
    """mean, std, minimum, q25, median, q75, maximum, skewness"""
    histogram: tuple[tuple[int, ...], tuple[float, ...]] | None = None


@dataclass(frozen=True)
class Correlations:
    """Pearson correlations of numeric columns: `matrix[i][j]` of names i and j (the target is the last, if numeric)."""

    names: tuple[str, ...]
    matrix: tuple[tuple[float | None, ...], ...]
    with_target: tuple[tuple[str, float], ...]
    """every numeric column used, strongest first (multiclass: none)"""


@dataclass(frozen=True)
class Profile:
    """A table, described."""

    rows: int
    sampled_rows: int
    """rows that distributions and correlations were taken from; fewer than `rows` for a large table"""
    columns: tuple[ColumnProfile, ...]
    target: TargetProfile
    correlations: Correlations
    duplicate_rows: int
    """rows that repeat an earlier one, in the columns used and the target"""
    warnings: tuple[ProfileWarning, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; what is not known is None, never NaN."""
        return dict(_plain(asdict(self)))


def profile_table(frame: pd.DataFrame, columns: Columns, parts: Parts | None = None) -> Profile:
    """Describe a table: `frame` as read, `columns` as inferred; with `parts`, rows in two of them are found."""
    sample = frame if len(frame) <= MAX_ROWS else frame.sample(MAX_ROWS, random_state=0).sort_index()
    reasons = dict(columns.dropped)
    kinds = dict(columns.columns)
    described = tuple(
        _column(frame[name], sample[name], kinds.get(name) or _kind(frame[name]), reasons.get(name), columns)
        for name in map(str, frame.columns)
        if name != columns.target
    )
    rows = pd.util.hash_pandas_object(frame[[*columns.names, columns.target]], index=False).to_numpy().astype(np.uint64)
    notes = columns.notes
    if len(sample) < len(frame):
        notes += (
            f"distributions, correlations and warnings are of {len(sample):,} of {len(frame):,} rows, drawn at random",
        )
    return Profile(
        rows=len(frame),
        sampled_rows=len(sample),
        columns=described,
        target=_target(frame, sample, columns),
        correlations=_correlations(sample, columns),
        duplicate_rows=len(rows) - len(np.unique(rows)),
        warnings=find_warnings(sample, len(frame), columns, rows, parts),
        notes=notes,
    )


def _kind(series: pd.Series[Any]) -> Kind:
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return "date"
    numeric = pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype)
    return "numeric" if numeric else "categorical"


def _column(
    series: pd.Series[Any], sample: pd.Series[Any], kind: Kind, reason: str | None, columns: Columns
) -> ColumnProfile:
    missing = int(series.isna().sum())
    about: dict[str, Any] = {
        "name": str(series.name), "kind": kind, "used": reason is None, "reason": reason or "", "missing": missing,
        "missing_share": missing / len(series),
    }  # fmt: skip
    if kind == "categorical":
        codes, names = read_categories(sample, columns.na_values)
        counts = np.bincount(codes[codes >= 0], minlength=len(names))
        top = [(names[at], int(counts[at])) for at in np.argsort(-counts, kind="stable")[:_TOP]]
        return ColumnProfile(**about, distinct=len(names), top=tuple(top))
    values = _years(sample, columns) if kind == "date" else read_numbers(sample, columns.na_values)[0]
    values = values[np.isfinite(values)]
    if not len(values):
        return ColumnProfile(**about, distinct=0)
    q25, median, q75 = np.percentile(values, (25, 50, 75))
    reach = 1.5 * (q75 - q25)
    return ColumnProfile(
        **about,
        distinct=len(np.unique(values)),
        minimum=float(values.min()), maximum=float(values.max()),
        mean=float(values.mean()), std=float(values.std()),
        quartiles=(float(q25), float(median), float(q75)),
        outliers=int(((values < q25 - reach) | (values > q75 + reach)).sum()),
        histogram=_histogram(values),
    )  # fmt: skip


def _years(series: pd.Series[Any], columns: Columns) -> NDArray[np.float64]:
    """Return dates as years with a fraction: 2011.5 is the middle of 2011."""
    dates, _ = read_dates(series, columns.na_values)
    return np.asarray(dates.year + (dates.day_of_year - 1 + dates.hour / 24) / 365.25, dtype=np.float64)


def _histogram(values: NDArray[np.float64]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    distinct = len(np.unique(values[:10_000]))
    if np.ptp(values) <= 1e-12 * np.abs(values).max():  # too narrow a range to divide
        distinct = 1
    counts, edges = np.histogram(values, bins=max(1, min(_BINS, distinct, math.ceil(math.sqrt(len(values))))))
    return tuple(counts.tolist()), tuple(edges.tolist())


def _target(frame: pd.DataFrame, sample: pd.DataFrame, columns: Columns) -> TargetProfile:
    missing = int(frame[columns.target].isna().sum())
    if columns.task != "regression":
        codes = columns.labels(frame[[columns.target]].dropna()).astype(np.intp)
        counts = np.bincount(codes, minlength=len(columns.class_names)).tolist()
        return TargetProfile(
            columns.target, columns.task, missing, tuple(zip(columns.class_names, counts, strict=True))
        )
    y = columns.labels(sample[[columns.target]].dropna())
    q25, median, q75 = np.percentile(y, (25, 50, 75))
    spread = float(y.std())
    skewness = float((((y - y.mean()) / spread) ** 3).mean()) if spread else 0.0
    moments = {"mean": y.mean(), "std": spread, "minimum": y.min(), "q25": q25, "median": median, "q75": q75}
    moments |= {"maximum": y.max(), "skewness": skewness}
    named = tuple((name, float(value)) for name, value in moments.items())
    return TargetProfile(columns.target, columns.task, missing, moments=named, histogram=_histogram(y))


def _correlations(sample: pd.DataFrame, columns: Columns) -> Correlations:
    """Correlate numeric columns, missing cells at the mean; a wide table shows those nearest to the target."""
    names = [name for name, kind in columns.columns if kind == "numeric"]
    known = sample[sample[columns.target].notna()]
    numbers = [read_numbers(known[name], columns.na_values)[0] for name in names]
    if columns.task != "multiclass":
        names, numbers = [*names, columns.target], [*numbers, columns.labels(known)]
    table = np.array([_standard(values) for values in numbers]).reshape(len(names), len(known))
    with_target: list[tuple[str, float]] = []
    if columns.task != "multiclass":
        strength = table[:-1] @ table[-1] / len(known)
        order = np.argsort(-np.abs(strength), kind="stable")
        with_target = [(names[at], float(strength[at])) for at in order]
        shown = [*sorted(order[:MAX_CORRELATED].tolist()), len(names) - 1]
    else:
        shown = list(range(min(len(names), MAX_CORRELATED)))
    matrix = table[shown] @ table[shown].T / len(known)
    rows = tuple(tuple(float(np.clip(cell, -1, 1)) for cell in row) for row in matrix)
    return Correlations(tuple(names[at] for at in shown), rows, tuple(with_target))


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = values[~np.isnan(values)]
    spread = known.std() if len(known) else 0.0
    if spread == 0:
        return np.zeros_like(values)
    centered = np.where(np.isnan(values), 0.0, (values - known.mean()) / spread)
    # with missing cells at 0 the spread shrinks; a column still has correlation 1 with itself
    shrunk: NDArray[np.float64] = centered / np.sqrt((centered**2).mean())
    return shrunk


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
