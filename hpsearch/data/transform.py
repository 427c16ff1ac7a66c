"""Raw rows -> the inputs of a net, by a fitted preparation that is plain JSON.

This file imports numpy, pandas and the standard library alone: a model package carries a copy of it and predicts
without hpsearch, scikit-learn or pickle (docs/decisions/0002-preparation-is-plain-data.md).

    {"format": 1, "features": ["temp", "season=fall", "season=(other)", "day.year"], "na_values": ["?"],
     "columns": [{"name": "temp", "kind": "numeric", "fill": 13.1, "scaling": {"kind": "affine", ...}},
                 {"name": "season", "kind": "categorical", "slots": ["fall", "(other)"], "index": {"fall": 0},
                  "other": 1, "missing": null},
                 {"name": "day", "kind": "date", "parts": [{"part": "year", "fill": 2011.0, "scaling": {...}}]}],
     "target": {"name": "cnt", "task": "regression", "class_names": [], "center": 189.0, "scale": 181.3}}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

State = Mapping[str, Any]
Floats = NDArray[np.float64]

FORMAT = 1

FLOAT32_MAX = float(np.finfo(np.float32).max)

DATE_PARTS = ("year", "month", "day", "weekday", "hour")


class CellError(ValueError):
    """A cell cannot be read. `row` counts from 0; `what` names column and cell, without the row."""

    def __init__(self, row: int, what: str) -> None:
        self.row = row
        self.what = what
        super().__init__(f"row {row + 1}, {what}")


def transform(frame: pd.DataFrame, state: State) -> NDArray[np.float32]:
    """Return the inputs of a net, float32 (rows, len(state["features"])).

    Columns are found by name: their order does not matter, further columns are ignored. Missing cells and categories
    that training never saw have their place. Raises CellError for a cell that cannot be read, else ValueError.
    """
    if state["format"] != FORMAT:
        raise ValueError(f"the preparation has format {state['format']}; this version reads format {FORMAT}")
    missing, _ = check_columns(frame, state)
    if missing:
        given = ", ".join(map(str, frame.columns))
        raise ValueError(f"column {', '.join(map(repr, missing))} is missing; found: {given}")
    x = np.zeros((len(frame), len(state["features"])), dtype=np.float32)
    at = 0
    for column in state["columns"]:
        at += _WRITERS[column["kind"]](frame[column["name"]], column, state.get("na_values", ()), x[:, at:])
    return x


def check_columns(frame: pd.DataFrame, state: State) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the raw columns that a frame lacks, and of those it has beyond them (they are ignored)."""
    needed = dict.fromkeys(column["name"] for column in state["columns"])
    found = Counter(str(name) for name in frame.columns)
    twice = sorted(name for name in needed if found[name] > 1)
    if twice:
        raise ValueError(f"column {', '.join(map(repr, twice))} stands twice")
    return tuple(n for n in needed if n not in found), tuple(n for n in found.elements() if n not in needed)


def inverse_target(y: NDArray[Any], state: State) -> NDArray[Any]:
    """Return targets as the raw table has them, shape (rows,).

    Regression: the target's own units, float64, from scaled ones. Classes: names, as text, from their indexes.
    """
    target = state["target"]
    if target["task"] == "regression":
        scale, center = float(target["scale"]), float(target["center"])
        return np.asarray(y, dtype=np.float64) * scale + center
    names: NDArray[Any] = np.array(target["class_names"], dtype=object)[np.asarray(y).astype(np.int64)]
    return names


def read_numbers(
    series: pd.Series[Any], na_values: tuple[str, ...] | list[str] = ()
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return cells as float64 with NaN where missing, and which cells hold something that is no finite number."""
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_complex_dtype(series.dtype):
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        return values, np.isinf(values)
    cells = series.astype(object)
    missing = _missing(cells, na_values)
    known = cells.where(~missing, None)
    try:
        values = pd.to_numeric(known, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    except OverflowError:  # whole numbers of over 308 digits, which pandas reads from a file, but does not convert
        values = pd.to_numeric(known.map(str, na_action="ignore"), errors="coerce").to_numpy(
            np.float64, na_value=np.nan
        )
    return values, ~missing & ~np.isfinite(values)


def read_dates(
    series: pd.Series[Any], na_values: tuple[str, ...] | list[str] = ()
) -> tuple[pd.DatetimeIndex, NDArray[np.bool_]]:
    """Return cells as dates (ISO 8601 text; UTC where a zone is given), NaT where missing, and which are no date."""
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return pd.DatetimeIndex(pd.to_datetime(series, utc=True)), np.zeros(len(series), dtype=np.bool_)
    cells = series.astype(object)
    missing = _missing(cells, na_values)
    text = pd.Series([None if gone else str(cell) for cell, gone in zip(cells, missing, strict=True)], dtype=object)
    dates = pd.DatetimeIndex(pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True))
    return dates, ~missing & np.asarray(dates.isna())


def read_categories(
    series: pd.Series[Any], na_values: tuple[str, ...] | list[str] = ()
) -> tuple[NDArray[np.intp], list[str]]:
    """Return each cell's code (-1 where missing) and the text each code stands for: 3 and 3.0 are both '3'."""
    codes, uniques = pd.factorize(series.astype(object) if isinstance(series.dtype, pd.CategoricalDtype) else series)
    texts = [category_name(value) for value in uniques]
    names = sorted({text for text in texts if text != "" and text not in na_values})
    place = {name: code for code, name in enumerate(names)}
    lookup = np.array([place.get(text, -1) for text in texts] + [-1], dtype=np.intp)
    return lookup[codes], names


def category_name(value: object) -> str:
    """Return the text that a cell is known by as a category: a whole number without fraction, 3.0 as '3'."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def date_part(dates: pd.DatetimeIndex, part: str) -> Floats:
    """Return year, month (1-12), day (1-31), weekday (Monday 0) or hour (0-23), NaN where the date is missing."""
    # pandas 3.1 warns of `weekday`; `day_of_week` is in all versions
    return np.asarray(getattr(dates, "day_of_week" if part == "weekday" else part), dtype=np.float64)


def scale(values: Floats, scaling: State) -> Floats:
    """Return filled values scaled as the preparation says: affine, or by quantiles to a standard normal."""
    if scaling["kind"] == "quantile":
        return _to_normal(values, np.asarray(scaling["quantiles"], dtype=np.float64))
    with np.errstate(over="ignore"):
        scaled: Floats = (values - scaling["center"]) / scaling["scale"]
    return scaled


def _write_numeric(series: pd.Series[Any], column: State, na_values: list[str], x: NDArray[np.float32]) -> int:
    values, bad = read_numbers(series, na_values)
    _refuse(series, bad, "is no finite number")
    x[:, 0] = _filled(series, values, column)
    return 1


def _write_date(series: pd.Series[Any], column: State, na_values: list[str], x: NDArray[np.float32]) -> int:
    dates, bad = read_dates(series, na_values)
    _refuse(series, bad, "is no date such as 2011-12-31 or 2011-12-31T18:00")
    for at, part in enumerate(column["parts"]):
        x[:, at] = _filled(series, date_part(dates, part["part"]), part)
    return len(column["parts"])


def _write_categorical(series: pd.Series[Any], column: State, na_values: list[str], x: NDArray[np.float32]) -> int:
    try:
        codes, names = read_categories(series, na_values)
    except TypeError:  # lists and objects, which JSON may hold and nothing can compare
        nested = np.array([isinstance(cell, list | dict | set | np.ndarray) for cell in series], dtype=np.bool_)
        _refuse(series, nested, "is no text, number or truth value")
        raise
    other = -1 if column["other"] is None else column["other"]
    missing = other if column["missing"] is None else column["missing"]
    slots = np.array([column["index"].get(name, other) for name in names] + [missing], dtype=np.intp)[codes]
    rows = np.flatnonzero(slots >= 0)
    x[rows, slots[rows]] = 1.0
    return len(column["slots"])


_WRITERS = {"numeric": _write_numeric, "categorical": _write_categorical, "date": _write_date}


def _filled(series: pd.Series[Any], values: Floats, column: State) -> NDArray[np.float32]:
    scaled = scale(np.where(np.isnan(values), column["fill"], values), column["scaling"])
    with np.errstate(over="ignore"):
        inputs = scaled.astype(np.float32)
    _refuse(series, ~np.isfinite(inputs), "is too large: beyond the range of float32 once scaled")
    return inputs


def _refuse(series: pd.Series[Any], bad: NDArray[np.bool_], why: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise CellError(row, f"column '{series.name}': {show(series.iloc[row])} {why}")


def show(cell: object) -> str:
    """Return a cell as a message quotes it: text in quotes, all else plainly, 80 characters at most."""
    shown = repr(cell) if isinstance(cell, str) else str(cell)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _missing(cells: pd.Series[Any], na_values: tuple[str, ...] | list[str]) -> NDArray[np.bool_]:
    return np.asarray(cells.isna() | cells.isin(["", *na_values]), dtype=np.bool_)


_EDGE = 1e-7
"""Probabilities are kept this far from 0 and 1, as scikit-learn's QuantileTransformer does: |z| stays below 5.2."""


def _to_normal(values: Floats, quantiles: Floats) -> Floats:
    """Map values to a standard normal by the quantiles of the training rows, at evenly spaced probabilities.

    Repeated quantiles make a flat step; the mean of the interpolation from both sides lands in its middle
    (scikit-learn, `QuantileTransformer(output_distribution="normal")`).
    """
    # Between numbers nearer to each other than this a slope is infinite, and interpolation NaN.
    values, quantiles = (np.where(np.abs(x) < 1e-290, 0.0, x) for x in (values, quantiles))
    probabilities = np.linspace(0, 1, len(quantiles))
    below = np.interp(values, quantiles, probabilities)
    above = np.interp(-values, -quantiles[::-1], -probabilities[::-1])
    p = 0.5 * (below - above)
    p[values >= quantiles[-1]] = 1
    p[values <= quantiles[0]] = 0
    return normal_quantile(np.clip(p, _EDGE, 1 - _EDGE))


def normal_quantile(p: Floats) -> Floats:
    """Return the standard normal's quantiles at probabilities 0 < p < 1, to about 1e-15 relative.

    M. J. Wichura, Algorithm AS 241: The percentage points of the normal distribution, Applied Statistics 37 (1988).
    """
    q = p - 0.5
    z = np.empty_like(q)
    central = np.abs(q) <= 0.425
    r = 0.180625 - q[central] ** 2
    z[central] = q[central] * np.polyval(_A, r) / np.polyval(_B, r)
    tail = ~central
    r = np.sqrt(-np.log(np.minimum(p[tail], 1 - p[tail])))
    near = np.polyval(_C, r - 1.6) / np.polyval(_D, r - 1.6)
    far = np.polyval(_E, r - 5) / np.polyval(_F, r - 5)
    z[tail] = np.copysign(np.where(r <= 5, near, far), q[tail])
    return z


_A = (
    2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
    1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0,
)  # fmt: skip
_B = (
    5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
    5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0,
)  # fmt: skip
_C = (
    7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
    3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0,
)  # fmt: skip
_D = (
    1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
    6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0,
)  # fmt: skip
_E = (
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
    2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0,
)  # fmt: skip
_F = (
    2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
    1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0,
)  # fmt: skip
