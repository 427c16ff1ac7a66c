"""What looks wrong in a table: columns that leak the target, repeat, carry nothing, or merely name the rows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpsearch.data.columns import Columns
from hpsearch.data.split import Parts
from hpsearch.data.transform import read_categories, read_numbers

Values = NDArray[np.float64]

LEAK_CORRELATION = 0.999
_MANY_CATEGORIES = 100
_FEW_ROWS = 20
_LEAK_ROWS = 5_000
_MAX_PAIRED = 100


@dataclass(frozen=True)
class ProfileWarning:
    """One thing a person should look at: a code to test for, the columns it concerns, and a sentence."""

    code: str
    columns: tuple[str, ...]
    message: str


def find_warnings(
    sample: pd.DataFrame, rows: int, columns: Columns, row_hashes: NDArray[np.uint64], parts: Parts | None
) -> tuple[ProfileWarning, ...]:
    """Return the warnings, gravest first.

    `sample`: rows looked at, of `rows` in all. `row_hashes` (rows,): one number for each row's used cells and target.
    """
    table = _Table(sample, rows, columns)
    found = [*table.single_leaks()]
    found += table.sum_leaks({name for warning in found for name in warning.columns})
    found += [*_across_parts(row_hashes, parts), *table.missing_target(), *table.imbalance()]
    found += [*table.repeated_columns(), *table.identifiers(), *table.wide_categories(), *table.constant()]
    return tuple(found)


class _Table:
    """The columns in use, read once."""

    def __init__(self, sample: pd.DataFrame, rows: int, columns: Columns) -> None:
        self.columns, self.rows, self.sampled = columns, rows, len(sample)
        self.missing_targets = int(sample[columns.target].isna().sum())
        known = sample[sample[columns.target].notna()]
        self.frame = known
        self.y = columns.labels(known)
        self.numbers = {
            name: read_numbers(known[name], columns.na_values)[0] for name, kind in columns.columns if kind == "numeric"
        }

    def single_leaks(self) -> list[ProfileWarning]:
        """Columns that reproduce the target alone."""
        found = []
        for name, kind in self.columns.columns:
            why = self._follows(name) if kind == "numeric" else ""
            why = why or self._maps(name)
            if why:
                fix = f"if it is not known when predicting, add drop: ['{name}']"
                found.append(ProfileWarning("leak", (name,), f"'{name}' alone reproduces the target ({why}); {fix}"))
        return found

    def _follows(self, name: str) -> str:
        x = self.numbers[name]
        known = ~np.isnan(x)
        if self.columns.task == "multiclass" or known.sum() < 3 or np.ptp(x[known]) == 0 or np.ptp(self.y[known]) == 0:
            return ""
        correlation = float(np.corrcoef(x[known], self.y[known])[0, 1])
        return f"correlation {correlation:.4f}" if abs(correlation) > LEAK_CORRELATION else ""

    def _maps(self, name: str) -> str:
        """Tell whether few values of a column each go with one target value, and the values with all of the target."""
        codes, _ = read_categories(self.frame[name], self.columns.na_values)
        known = codes >= 0
        targets = np.unique(self.y[known], return_inverse=True)[1]
        values = len(np.unique(codes[known]))
        if values < 2 or values * 5 > known.sum() or targets.max(initial=0) == 0:
            return ""
        pairs = len(np.unique(codes[known].astype(np.int64) * (int(targets.max()) + 1) + targets))
        return f"each of its {values:,} values goes with one value of the target" if pairs == values else ""

    def sum_leaks(self, known: set[str]) -> list[ProfileWarning]:
        """Columns that add up to a regression target: pairs first, then any set that least squares fits exactly."""
        if self.columns.task != "regression" or not np.ptp(self.y):
            return []
        names = [name for name in self.numbers if name not in known]
        chosen = slice(0, _LEAK_ROWS)
        y = self.y[chosen]
        x = {name: self.numbers[name][chosen] for name in names}
        found = []
        for a, b in combinations(names[:_MAX_PAIRED], 2):
            for sign, formula in ((1, f"{a} + {b}"), (-1, f"{a} - {b}")):
                if _same(x[a] + sign * x[b], y):
                    found.append(self._sum(formula, (a, b)))
            if _same(x[b] - x[a], y):
                found.append(self._sum(f"{b} - {a}", (b, a)))
        rest = [name for name in names if not any(name in warning.columns for warning in found)]
        return found + self._combination(rest, {name: x[name] for name in rest}, y)

    def _combination(self, names: list[str], x: dict[str, Values], y: Values) -> list[ProfileWarning]:
        names = [name for name in names if not np.isnan(x[name]).all() and np.nanstd(x[name]) > 0]
        fit = _exact_fit(names, x, y)
        if fit is None:
            return []
        weights = fit
        # leave out what the fit does not need, least weight first
        for name in sorted(names, key=lambda name: abs(fit[name]) * np.nanstd(x[name])):
            fewer = _exact_fit([other for other in weights if other != name], x, y)
            weights = weights if fewer is None else fewer
        if len(weights) < 2:
            return []
        offset = float(y.mean() - sum(weight * np.nanmean(x[name]) for name, weight in weights.items()))
        terms = [_term(weight, name) for name, weight in weights.items()]
        terms += [f"{'-' if offset < 0 else '+'} {abs(offset):.4g}"] if abs(offset) > 1e-6 * np.std(y) else []
        return [self._sum(" ".join(terms).removeprefix("+ "), tuple(weights))]

    def _sum(self, formula: str, names: tuple[str, ...]) -> ProfileWarning:
        message = f"{formula} = {self.columns.target} in every row; "
        message += f"if they are not known when predicting, add drop: [{', '.join(names)}]"
        return ProfileWarning("leak_sum", names, message)

    def missing_target(self) -> list[ProfileWarning]:
        if not self.missing_targets:
            return []
        message = f"'{self.columns.target}' is missing in {self.missing_targets:,} of {self.sampled:,} rows"
        return [ProfileWarning("missing_target", (self.columns.target,), message)]

    def imbalance(self) -> list[ProfileWarning]:
        """A class ten times rarer than the most frequent one."""
        if self.columns.task == "regression":
            return []
        counts = np.bincount(self.y.astype(np.intp), minlength=len(self.columns.class_names))
        rare = int(np.argmin(counts))
        if counts[rare] * 10 > counts.max():
            return []
        message = f"class '{self.columns.class_names[rare]}' has {counts[rare]:,} of {counts.sum():,} rows; "
        message += "accuracy will flatter, look at balanced_accuracy, or set class_weight: balanced"
        return [ProfileWarning("imbalance", (self.columns.target,), message)]

    def repeated_columns(self) -> list[ProfileWarning]:
        """Columns equal cell by cell."""
        groups: dict[int, list[str]] = {}
        for name in self.columns.names:
            cells = read_categories(self.frame[name])[0] if name not in self.numbers else self.numbers[name] + 0.0
            groups.setdefault(hash(cells.tobytes()), []).append(name)
        return [
            ProfileWarning(
                "duplicate_columns", tuple(names), f"{' and '.join(map(repr, names))} say the same; keep one"
            )
            for names in groups.values()
            if len(names) > 1
        ]

    def identifiers(self) -> list[ProfileWarning]:
        """Whole numbers that count rows, one each."""
        found = []
        for name, x in self.numbers.items():
            if len(x) < _FEW_ROWS or np.isnan(x).any() or (x != np.floor(x)).any():
                continue
            # a sample of consecutive numbers spans as much as the table has rows
            dense = np.ptp(x) < 1.05 * self.rows
            if len(np.unique(x)) == len(x) and (dense or (np.diff(x) > 0).all()):
                message = (
                    f"'{name}' looks like an identifier (a different whole number in each row); add drop: ['{name}']"
                )
                found.append(ProfileWarning("identifier", (name,), message))
        return found

    def wide_categories(self) -> list[ProfileWarning]:
        """Text that is nearly different in each row, or has so many categories that one-hot columns fill the net."""
        found = []
        for name, kind in self.columns.columns:
            if kind != "categorical":
                continue
            codes, names = read_categories(self.frame[name], self.columns.na_values)
            known = int((codes >= 0).sum())
            size = f"one-hot: {len(names):,} columns, {4 * len(names) * self.rows / 1e6:,.0f} MB"
            if known >= _FEW_ROWS and len(names) > 0.5 * known:
                message = f"'{name}' differs nearly in each row ({len(names):,} values in {known:,} cells; {size})"
                found.append(ProfileWarning("near_unique", (name,), f"{message}; add drop: ['{name}']"))
            elif len(names) > _MANY_CATEGORIES:
                message = f"'{name}' has {len(names):,} categories ({size}); raise prepare.min_frequency, or drop it"
                found.append(ProfileWarning("many_categories", (name,), message))
        return found

    def constant(self) -> list[ProfileWarning]:
        return [
            ProfileWarning("constant", (name,), f"'{name}' carries nothing and is left out: {reason}")
            for name, reason in self.columns.dropped
            if reason.startswith(("constant", "all cells"))
        ]


def _same(x: Values, y: Values) -> bool:
    known = ~np.isnan(x)
    return bool(known.sum() > 2 and np.ptp(y[known]) and (np.abs(x - y)[known] <= 1e-9 * np.abs(y).max()).all())


def _term(weight: float, name: str) -> str:
    factor = "" if abs(abs(weight) - 1) < 1e-6 else f"{abs(weight):.4g} "
    return f"{'-' if weight < 0 else '+'} {factor}{name}"


def _exact_fit(names: list[str], x: dict[str, Values], y: Values) -> dict[str, float] | None:
    """Return least squares weights if they reproduce y to rounding from rows enough to tell, else None."""
    if not names:
        return None
    table = np.column_stack([np.where(np.isnan(x[name]), np.nanmean(x[name]), x[name]) for name in names])
    if len(y) < 2 * (len(names) + 1) + 5:
        return None
    center, spread = table.mean(axis=0), table.std(axis=0)
    scaled = (table - center) / spread
    weights, *_ = np.linalg.lstsq(scaled, y - y.mean(), rcond=None)
    residual = y - y.mean() - scaled @ weights
    if np.abs(residual).max() > 1e-6 * y.std():
        return None
    return {name: float(weight) for name, weight in zip(names, weights / spread, strict=True)}


def _across_parts(hashes: NDArray[np.uint64], parts: Parts | None) -> list[ProfileWarning]:
    if parts is None:
        return []
    train, validation = parts.folds[0]
    found: list[ProfileWarning] = []
    for name, rows in (("validation", validation), ("test", parts.test)):
        elsewhere: Any = train if name == "validation" else np.concatenate([train, validation])
        repeated = int(np.isin(hashes[rows], hashes[elsewhere]).sum())
        if repeated:
            where = "training" if name == "validation" else "training or validation"
            message = (
                f"{repeated:,} of {len(rows):,} {name} rows ({repeated / len(rows):.1%}) also stand among the {where}"
            )
            found.append(ProfileWarning("duplicate_rows", (), f"{message} rows; the {name} figures will flatter"))
    return found
