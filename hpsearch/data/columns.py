"""Which columns a study uses, and what kind each is: inferred, overridden by the study file, and said in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpsearch.data.faults import cells, data_error, one_line, too_large
from hpsearch.data.target import decimal_hint, encode_target, infer_target
from hpsearch.data.transform import FLOAT32_MAX, read_categories, read_dates, read_numbers, show
from hpsearch.errors import DataError, suggestion
from hpsearch.metrics import TaskType
from hpsearch.spec.sections import DataSection, PrepareSection

Kind = Literal["numeric", "categorical", "date"]

_MOSTLY = 0.95
_EXACT = 2**53


@dataclass(frozen=True)
class Columns:
    """What a table is to a study."""

    task: TaskType
    target: str
    class_names: tuple[str, ...]
    """sorted, as text; binary: (negative, positive); regression: none"""
    columns: tuple[tuple[str, Kind], ...]
    """name and kind of each column used, in the source's order"""
    dropped: tuple[tuple[str, str], ...] = ()
    """name and reason of each column not used"""
    notes: tuple[str, ...] = ()
    """what a person should know, as sentences"""
    timed: tuple[str, ...] = ()
    """date columns that have a time of day"""
    na_values: tuple[str, ...] = ()
    """texts that mean 'missing'"""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns used."""
        return tuple(name for name, _ in self.columns)

    def labels(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return the target as numbers, (rows,): as it is for regression, else each class's index."""
        return encode_target(frame[self.target], self.target, self.task, self.class_names)


def infer_columns(frame: pd.DataFrame, section: DataSection, prepare: PrepareSection) -> Columns:
    """Return the task, the columns to use and their kinds.

    Numbers are numeric, ISO 8601 text and dates are dates, all else is categorical. Constant and empty columns are
    dropped. Raises `DataError` for unknown names, for a numeric column with a few cells that are no numbers, for
    infinite cells, and for a target that cannot be learned.
    """
    target = infer_target(frame, section, allow_missing=prepare.missing == "drop")
    unused = _unused(frame, section)
    columns: list[tuple[str, Kind]] = []
    dropped: list[tuple[str, str]] = []
    notes: list[str] = [target.note]
    timed: list[str] = []
    for name in map(str, frame.columns):
        if name == section.target_name:
            continue
        found = _Found("numeric", unused[name]) if name in unused else _look_at(frame, name, section)
        if found.kind == "date" and prepare.dates == "drop" and not found.reason:
            found = replace(found, reason="a date (prepare.dates: drop)")
        if found.reason:
            dropped.append((name, found.reason))
            continue
        columns.append((name, found.kind))
        timed += [name] if found.timed else []
        notes += [found.note] if found.note else []
    if not columns:
        reasons = "; ".join(f"'{name}': {reason}" for name, reason in dropped) or "there is only the target"
        message = f"no column is left to predict '{target.name}' from ({reasons})"
        raise data_error(section, "data.features", f"{message}; name other features, or another file")
    notes += [f"column '{name}' is not used: {reason}" for name, reason in dropped if name not in unused]
    return Columns(
        target.task, target.name, target.class_names, columns=tuple(columns), dropped=tuple(dropped),
        notes=tuple(map(one_line, notes)), timed=tuple(timed), na_values=tuple(section.na_values),
    )  # fmt: skip


def _unused(frame: pd.DataFrame, section: DataSection) -> dict[str, str]:
    """Return the columns the study file leaves out, with the reason; refuse names that are not there."""
    names = [str(name) for name in frame.columns]
    for field in ("features", "drop", "categorical", "numeric"):
        _check_known(section, f"data.{field}", getattr(section, field) or (), names)
    _check_known(section, "data.split.column", [section.split.column] if section.split.column else (), names)
    _check_known(section, "data.time_ordered", [section.time_ordered] if section.time_ordered else (), names)
    for field in ("features", "drop"):
        if section.target_name in (getattr(section, field) or ()):
            raise data_error(section, f"data.{field}", f"'{section.target_name}' is the target; remove it here")
    for field, name in (("data.split.column", section.split.column), ("data.time_ordered", section.time_ordered)):
        if name == section.target_name:
            raise data_error(section, field, f"'{name}' is the target; name another column")
    unused = dict.fromkeys(section.drop, "dropped by the study file")
    if section.features is not None:
        unused = {name: "not among data.features" for name in names if name not in section.features}
    if section.split.column is not None:
        unused[section.split.column] = "names each row's part"
    return unused


def _check_known(section: DataSection, field: str, given: Iterable[str], names: list[str]) -> None:
    for name in given:
        if name not in names:
            raise data_error(section, field, f"no column '{name}'{suggestion(name, names)}")


@dataclass(frozen=True)
class _Found:
    kind: Kind
    reason: str = ""
    """why the column is not used; empty: it is used"""
    note: str = ""
    timed: bool = False


def _look_at(frame: pd.DataFrame, name: str, section: DataSection) -> _Found:
    series = frame[name]
    if not bool(series.notna().any()):
        return _Found("numeric", "all cells are missing")
    _refuse_nested(series, section)
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        found = _date(frame, name, section)
    elif name in section.categorical or (isinstance(series.dtype, pd.CategoricalDtype) and name not in section.numeric):
        found = _categories(series)
    elif name in section.numeric or _is_number(series):
        found = _numbers(frame, name, section)
    elif pd.api.types.is_bool_dtype(series.dtype):
        found = _categories(series)
    else:
        found = _text(frame, name, section)
    return found


def _refuse_nested(series: pd.Series[Any], section: DataSection) -> None:
    first = series.dropna().iloc[0]
    if isinstance(first, list | tuple | dict | set | bytes | np.ndarray):
        message = f"column '{series.name}' holds {type(first).__name__} cells; a cell is a number, a text or a date"
        raise data_error(section, "data.drop", f"{message}; drop: ['{series.name}']")


def _is_number(series: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype)


def _numbers(frame: pd.DataFrame, name: str, section: DataSection) -> _Found:
    if _is_inexact(frame[name]) and name not in section.numeric:
        return replace(_categories(frame[name]), note=_identifier(name, "whole numbers above 2^53"))
    values, bad = read_numbers(frame[name], section.na_values)
    if bad.any() and not _is_number(frame[name]):
        raise _not_all(frame, name, section, bad, "numbers")
    if (large := np.abs(values) > FLOAT32_MAX).any():
        raise too_large(section, "data.numeric", frame, name, large)
    # numpy's min over NaN would warn where a column is empty; it is not, here
    low, high = np.nanmin(values), np.nanmax(values)
    if low == high:
        return _Found(
            "numeric", f"constant ({low:g} in every row)" if not np.isnan(values).any() else f"constant ({low:g})"
        )
    return _Found("numeric")


def _is_inexact(series: pd.Series[Any]) -> bool:
    """Tell whether a column holds whole numbers that float64 cannot tell apart."""
    return pd.api.types.is_integer_dtype(series.dtype) and max(-int(series.min()), int(series.max())) > _EXACT


def _date(frame: pd.DataFrame, name: str, section: DataSection) -> _Found:
    dates, bad = read_dates(frame[name], section.na_values)
    if bad.any():
        raise _not_all(frame, name, section, bad, "dates")
    known = dates.dropna()
    if known.min() == known.max():
        return _Found("date", f"constant ({known.min()})")
    return _Found("date", timed=bool((known != known.normalize()).any()))


def _categories(series: pd.Series[Any]) -> _Found:
    codes, names = read_categories(series)
    if len(names) == 1 and (codes >= 0).all():
        return _Found("categorical", f"constant ('{names[0]}' in every row)")
    return _Found("categorical")


def _text(frame: pd.DataFrame, name: str, section: DataSection) -> _Found:
    series = frame[name]
    texts = pd.Series(pd.unique(series.dropna()), dtype=object)
    numbers = pd.Series(read_numbers(texts)[0])
    if numbers.notna().mean() > 0.5:
        return _text_of_numbers(frame, name, section, texts[numbers.notna()])
    if texts.astype(str).str.match(_ISO).mean() > _MOSTLY:
        return _date(frame, name, section)
    found = _categories(series)
    hint = decimal_hint(texts.astype(str), section)
    return replace(found, note=f"column '{name}' was read as text; {hint}") if hint and not found.reason else found


_ISO = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$"


def _text_of_numbers(frame: pd.DataFrame, name: str, section: DataSection, parsed: pd.Series[Any]) -> _Found:
    """Judge a text column whose cells are numbers, or nearly all: identifiers, numbers, or a fault."""
    _, bad = read_numbers(frame[name], section.na_values)
    if bad.any() and bad.mean() < 1 - _MOSTLY:
        raise _not_all(frame, name, section, bad, "numbers")
    identifier = parsed.astype(str).str.fullmatch(r"[+-]?(0\d+|\d{16,})").any()
    if not bad.any():
        note = _identifier(name, "leading zeros or over 15 digits")
        return replace(_categories(frame[name]), note=note) if identifier else _numbers(frame, name, section)
    found = _categories(frame[name])
    others = pd.Series(pd.unique(frame[name][bad]), dtype=object).astype(str)
    fix = decimal_hint(others, section) or f"mend them or set na_values: [{show(others[0])}] if these are numbers"
    note = f"{_share(frame, name, bad, 'numbers')}: read as categories; {fix}"
    return found if found.reason else replace(found, note=note)


def _identifier(name: str, why: str) -> str:
    return f"column '{name}' looks like an identifier ({why}): read as categories; drop it if it is one"


def _not_all(frame: pd.DataFrame, name: str, section: DataSection, bad: NDArray[np.bool_], what: str) -> DataError:
    first = show(str(frame[name].iloc[int(np.argmax(bad))]))
    fixes = f"mend {'it' if bad.sum() == 1 else 'them'}, or try na_values: [{first}], or categorical: ['{name}']"
    return data_error(section, "data.numeric", f"{_share(frame, name, bad, what)}; {fixes}")


def _share(frame: pd.DataFrame, name: str, bad: NDArray[np.bool_], what: str) -> str:
    rest = f"{bad.sum():,} {'is' if bad.sum() == 1 else 'are'} not"
    return f"{1 - bad.mean():.1%} of the cells of '{name}' are {what}, {rest} ({cells(frame, name, bad)})"
