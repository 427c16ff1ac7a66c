"""The target column: which task it makes, its classes, and what no net could learn from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpsearch.data.faults import cells, data_error, places, too_large
from hpsearch.data.transform import FLOAT32_MAX, read_categories, read_dates, read_numbers, show
from hpsearch.errors import DataError, suggestion
from hpsearch.metrics import TaskType
from hpsearch.spec.sections import DataSection

MAX_CLASSES = 1000
_FEW = 20


@dataclass(frozen=True)
class Target:
    """A target column understood. `class_names`: sorted, numbers by value; binary: (negative, positive)."""

    name: str
    task: TaskType
    class_names: tuple[str, ...]
    note: str
    """how the task came about, as a sentence"""


def infer_target(frame: pd.DataFrame, section: DataSection, *, allow_missing: bool = False) -> Target:
    """Return the task, given or inferred, and its classes.

    Text, true/false, two whole numbers, or at most 20 whole numbers with 10 rows each on average make classes; all
    else regression. Raises `DataError` for a target that is absent, incomplete, constant, or unfit for the given task.
    """
    name = section.target_name
    if name not in frame.columns:
        raise data_error(section, "data.target", f"no column '{name}'{suggestion(name, map(str, frame.columns))}")
    series = frame[name]
    gone = np.flatnonzero(series.isna())
    if len(gone) == len(frame):
        raise data_error(section, "data.target", f"'{name}' has no values; name another column")
    if len(gone) and not allow_missing:
        found = f"'{name}' is missing in {len(gone):,} of {len(frame):,} rows ({places(frame, gone)})"
        raise data_error(section, "data.target", f"{found}; remove these rows, or set prepare.missing: drop")
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        raise data_error(
            section, "data.target", f"'{name}' holds dates; a target holds numbers or classes, name another column"
        )
    kind = _Kind.of(frame, section)
    target = _regression(frame, section, kind) if _is_regression(section, kind) else _classes(frame, section, kind)
    if section.task is not None:
        return replace(target, note=f"task: {target.task}, as given")
    return target


def encode_target(
    series: pd.Series[Any], target: str, task: TaskType, class_names: tuple[str, ...]
) -> NDArray[np.float64]:
    """Return (rows,) float64: a regression target as it is, a class as its index. Raises `DataError` for others."""
    if task == "regression":
        values, bad = read_numbers(series)
        bad |= np.isnan(values)
    else:
        codes, names = read_categories(series)
        place = {name: index for index, name in enumerate(class_names)}
        values = np.array([place.get(name, np.nan) for name in names] + [np.nan])[codes]
        bad = np.isnan(values)
    if bad.any():
        row = int(np.argmax(bad))
        expected = "a number" if task == "regression" else f"one of {', '.join(class_names[:10])}"
        raise DataError(f"row {row + 1}, column '{target}': {show(series.iloc[row])} is not {expected}")
    return values


def decimal_hint(texts: pd.Series[Any], section: DataSection) -> str:
    """Return what to do about distinct texts that look like numbers in another notation, empty if they do not."""
    for pattern, fix in _NOTATIONS[section.decimal]:
        if texts.str.fullmatch(pattern).mean() > 0.95:
            return f"its cells look like numbers: {fix}"
    return ""


_NOTATIONS = {
    ".": (
        (r"-?\d{1,3}(,\d{3})+", "set decimal: ',', or remove the commas if they part thousands"),
        (r"-?\d{1,3}(,\d{3})+\.\d+", "remove the commas between thousands"),
        (r"-?\d+,\d+", "set decimal: ','"),
        (r"-?\d{1,3}(\.\d{3})*,\d+", "set decimal: ',' and remove the points between thousands"),
    ),
    ",": ((r"-?\d{1,3}(\.\d{3})+(,\d+)?", "remove the points between thousands"),),
}
"""By the decimal mark that a study says: how else numbers are written, and what helps."""


def _check_single_rows(frame: pd.DataFrame, section: DataSection) -> None:
    """Refuse a class with one row where the split keeps class shares: it cannot stand in two parts."""
    split = section.split
    if split.column or section.time_ordered or split.stratify is False or split.shuffle is False:
        return
    codes, names = read_categories(frame[section.target_name])
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    single = [f"'{names[at]}'" for at in np.flatnonzero(counts == 1)]
    if single:
        shown = ", ".join(single[:3]) + (f" and {len(single) - 3:,} more" if len(single) > 3 else "")
        have = f"{len(single):,} of {len(names):,} classes {'has' if len(single) == 1 else 'have'} a single row"
        message = f"{have} ({shown}), too few to stand in two parts"
        fix = "add rows, remove these, or set stratify: false"
        raise data_error(section, "data.split.stratify", f"{message}; {fix}")


@dataclass(frozen=True)
class _Kind:
    name: str
    rows: int
    distinct: int
    numbers: bool
    whole: bool
    """numbers without fraction"""

    @classmethod
    def of(cls, frame: pd.DataFrame, section: DataSection) -> _Kind:
        name = section.target_name
        series = frame[name].dropna()
        if pd.api.types.is_bool_dtype(series.dtype) or bool(
            series.map(lambda cell: isinstance(cell, bool | np.bool_)).all()
        ):
            return cls(name, len(series), int(series.nunique()), False, False)
        values, bad = read_numbers(series)
        bad |= np.abs(values) > FLOAT32_MAX  # infinite ones too
        numeric = pd.api.types.is_numeric_dtype(series.dtype)
        if not numeric and bad.mean() >= 0.05:
            return cls(name, len(series), int(series.nunique()), False, False)
        if bad.any():
            chosen = frame[name].notna().to_numpy(copy=True)
            chosen[chosen] = bad
            if numeric:
                raise too_large(section, "data.target", frame, name, chosen)
            first = show(str(frame[name].iloc[int(np.argmax(chosen))]))
            message = f"'{name}' holds numbers, but not in {cells(frame, name, chosen)}"
            mend = "mend it" if bad.sum() == 1 else "mend them"
            fix = f"{mend}, or set na_values: [{first}] and prepare.missing: drop if it is missing"
            raise data_error(section, "data.target", f"{message}; {fix}")
        if numeric and section.task is None and np.abs(values).max() > 2**53 and (values == np.floor(values)).all():
            message = (
                f"'{name}' holds whole numbers above 2^53, as identifiers do; name another column, or give the task"
            )
            raise data_error(section, "data.target", message)
        whole = bool((values == np.floor(values)).all())
        return cls(name, len(series), len(np.unique(values)), True, whole)

    def describe(self) -> str:
        numbers = "whole numbers" if self.whole else "numbers"
        return f"{self.distinct:,} distinct {numbers if self.numbers else 'values'} in '{self.name}'"


def _is_regression(section: DataSection, kind: _Kind) -> bool:
    if section.task is not None:
        return section.task == "regression"
    few = kind.distinct == 2 or (kind.distinct <= _FEW and kind.distinct * 10 <= kind.rows)
    return kind.numbers and not (kind.whole and few) and kind.distinct > 1


def _regression(frame: pd.DataFrame, section: DataSection, kind: _Kind) -> Target:
    if not kind.numbers:
        other = "binary" if kind.distinct == 2 else "multiclass"
        message = f"regression needs numbers, found {kind.describe()} that are none; try task: {other}"
        raise data_error(section, "data.task", message)
    if kind.distinct == 1:
        raise _constant(frame, section, kind)
    return Target(kind.name, "regression", (), f"task: regression, inferred from {kind.describe()}")


def _constant(frame: pd.DataFrame, section: DataSection, kind: _Kind) -> DataError:
    value = show(frame[kind.name].dropna().iloc[0])
    where = f"all {kind.rows:,} rows" if kind.rows > 1 else "the only row"
    message = f"'{kind.name}' is {value} in {where}; a target that does not vary cannot be learned, name another column"
    return data_error(section, "data.target", message)


def _refuse_other_notations(section: DataSection, texts: pd.Series[Any]) -> None:
    """Refuse texts that are numbers or dates to a person, where nobody said that they are classes."""
    hint = decimal_hint(texts, section)
    if hint:
        raise data_error(section, "data.target", f"'{section.target_name}' was read as text; {hint}")
    _, bad = read_dates(texts)
    if bad.mean() < 0.05:
        message = f"'{section.target_name}' holds dates; a target holds numbers or classes, name another column"
        raise data_error(section, "data.target", message)


def _classes(frame: pd.DataFrame, section: DataSection, kind: _Kind) -> Target:
    if kind.distinct == 1:
        raise _constant(frame, section, kind)
    if kind.numbers and not kind.whole:
        raise data_error(section, "data.task", f"classes expected, found {kind.describe()}; try task: regression")
    texts = pd.Series(pd.unique(frame[kind.name].dropna()), dtype=object).astype(str)
    if section.task is None and not kind.numbers:
        _refuse_other_notations(section, texts)
    if kind.distinct > min(MAX_CLASSES, max(2, kind.rows // 2)):
        fix = "try task: regression" if kind.numbers else "name a column with fewer classes"
        message = f"found {kind.describe()} in {kind.rows:,} rows: too many for classes; {fix}"
        raise data_error(section, "data.task" if kind.numbers else "data.target", message)
    _, names = read_categories(frame[kind.name])
    if section.task == "binary" and len(names) != 2:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        message = f"binary needs 2 classes, '{kind.name}' has {len(names):,}: {shown}; try task: multiclass"
        raise data_error(section, "data.task", message)
    _check_single_rows(frame, section)
    ordered = sorted(names, key=float) if kind.numbers else names
    task: TaskType = section.task or ("binary" if len(names) == 2 else "multiclass")
    return Target(kind.name, task, tuple(ordered), f"task: {task}, inferred from {kind.describe()}")
