"""Training rows -> a fitted preparation: plain JSON values, which `data/transform.py` applies to any rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hpsearch.data.columns import Columns
from hpsearch.data.transform import DATE_PARTS, FORMAT, Floats, date_part, read_categories, read_dates, read_numbers
from hpsearch.spec.sections import PrepareSection

State = dict[str, Any]

_SUBSAMPLE = 200_000


def fit_preparation(frame_train: pd.DataFrame, columns: Columns, prepare: PrepareSection) -> State:
    """Return the preparation fitted on training rows, as plain JSON values (drawn in `data/transform.py`).

    Missing numbers get the median; scaling is fitted after that, so a standard-scaled training column has mean 0 and
    deviation 1. Categories rarer than `min_frequency` share a slot, and missing cells have one where training has them.
    """
    fit = {"numeric": _fit_numeric, "categorical": _fit_categorical, "date": _fit_date}
    fitted = [
        {"name": name, "kind": kind} | fit[kind](frame_train[name], columns, prepare) for name, kind in columns.columns
    ]
    state = {"format": FORMAT, "na_values": list(columns.na_values), "columns": fitted}
    return state | {"target": _fit_target(frame_train, columns, prepare), "features": _features(fitted)}


def align(states: Sequence[State]) -> list[State]:
    """Return preparations of several folds with the same features in the same order.

    A category that is frequent in one fold's training rows and rare in another's has its slot in both; where it is
    rare the slot is never set. So one net fits every fold, and no fold knows more than its own training rows.
    """
    aligned = [state | {"columns": [dict(column) for column in state["columns"]]} for state in states]
    for same in zip(*(state["columns"] for state in aligned), strict=True):
        if same[0]["kind"] == "categorical":
            names = sorted({name for column in same for name in column["index"]})
            other, missing = (any(column[slot] is not None for column in same) for slot in ("other", "missing"))
            slots = _slots(names, other=other, missing=missing)
            for column in same:
                kept = {name: slots["index"][name] for name in column["index"]}
                unset = {slot: None for slot in ("other", "missing") if column[slot] is None}
                column.update(slots | {"index": kept} | unset)
    return [state | {"features": _features(aligned[0]["columns"])} for state in aligned]


def _fit_numeric(series: pd.Series[Any], columns: Columns, prepare: PrepareSection) -> State:
    return _fit_values(read_numbers(series, columns.na_values)[0], prepare)


def _fit_date(series: pd.Series[Any], columns: Columns, prepare: PrepareSection) -> State:
    dates, _ = read_dates(series, columns.na_values)
    parts = DATE_PARTS if series.name in columns.timed else DATE_PARTS[:-1]
    return {"parts": [{"part": part} | _fit_values(date_part(dates, part), prepare) for part in parts]}


def _fit_categorical(series: pd.Series[Any], columns: Columns, prepare: PrepareSection) -> State:
    codes, names = read_categories(series, columns.na_values)
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    frequent = [name for name, count in zip(names, counts, strict=True) if count >= prepare.min_frequency]
    return _slots(frequent, other=len(frequent) < len(names), missing=bool((codes < 0).any()))


def _slots(names: list[str], *, other: bool, missing: bool) -> State:
    """Lay out one-hot slots: each category, then the one that rare categories share, then the one for missing cells."""
    at = len(names)
    return {
        "slots": names + ["(other)"] * other + ["(missing)"] * missing,
        "index": {name: slot for slot, name in enumerate(names)},
        "other": at if other else None, "missing": at + other if missing else None,
    }  # fmt: skip


def _fit_values(values: Floats, prepare: PrepareSection) -> State:
    known = values[~np.isnan(values)]
    fill = float(np.median(known)) if len(known) else 0.0
    return {"fill": fill, "scaling": _fit_scaling(np.where(np.isnan(values), fill, values), prepare.numeric)}


def _fit_scaling(values: Floats, method: str) -> State:
    """Fit scikit-learn's scaler and keep its numbers."""
    from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler

    column = values[:, None]
    if method == "standard":
        standard = StandardScaler().fit(column)
        return _affine(standard.mean_[0], standard.scale_[0])
    if method == "minmax":
        minmax = MinMaxScaler().fit(column)
        return _affine(minmax.data_min_[0], 1 / minmax.scale_[0])
    if method == "robust":
        robust = RobustScaler().fit(column)
        return _affine(robust.center_[0], robust.scale_[0])
    if method == "quantile":
        if values.min() == values.max():
            return _affine(values[0], 1.0)
        # So many quantiles smooth best: Gorishniy et al., Revisiting Deep Learning Models for Tabular Data (2021).
        count = min(len(values), max(10, min(len(values) // 30, 1000)))
        quantile = QuantileTransformer(n_quantiles=count, subsample=_SUBSAMPLE, random_state=0).fit(column)
        return {"kind": "quantile", "quantiles": quantile.quantiles_[:, 0].tolist()}
    return _affine(0.0, 1.0)


def _affine(center: float, scale: float) -> State:
    return {"kind": "affine", "center": float(center), "scale": float(scale)}


def _fit_target(frame_train: pd.DataFrame, columns: Columns, prepare: PrepareSection) -> State:
    scaling = {"center": 0.0, "scale": 1.0}
    if columns.task == "regression" and prepare.target == "standard":
        fitted = _fit_scaling(columns.labels(frame_train), "standard")
        scaling = {"center": fitted["center"], "scale": fitted["scale"]}
    return {"name": columns.target, "task": columns.task, "class_names": list(columns.class_names)} | scaling


def _features(fitted: Sequence[State]) -> list[str]:
    """Return the inputs' names in order, each its own."""
    return _distinct(name for column in fitted for name in _FEATURES[column["kind"]](column))


_FEATURES: dict[str, Callable[[State], list[str]]] = {
    "numeric": lambda column: [column["name"]],
    "categorical": lambda column: [f"{column['name']}={slot}" for slot in column["slots"]],
    "date": lambda column: [f"{column['name']}.{part['part']}" for part in column["parts"]],
}


def _distinct(names: Iterable[str]) -> list[str]:
    seen: Counter[str] = Counter()
    distinct: list[str] = []
    for name in names:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct
