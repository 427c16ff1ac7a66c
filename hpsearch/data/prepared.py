"""A study's data, prepared once for each digest and kept on disk for every worker and every later launch.

    <cache>/<digest>/dataset.json, columns.json, test_rows.npy
    <cache>/<digest>/split-0/x_train.npy ... y_test.npy, rows_train.npy, rows_validation.npy
    <cache>/<digest>/split-0/preparation.json, target.json
    <cache>/<digest>-refit/                             the same of a data set with one split (see `data/refit.py`)

Row positions count the rows of `load_table`'s frame.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpsearch.data.columns import Columns, infer_columns
from hpsearch.data.dataset import Dataset, Signature, open_dataset
from hpsearch.data.faults import data_error, places, source_name
from hpsearch.data.memory import check_memory
from hpsearch.data.prepare import align, fit_preparation
from hpsearch.data.sources import read_table, source_digest
from hpsearch.data.split import Parts, split_rows
from hpsearch.data.transform import CellError, read_dates, show, transform
from hpsearch.errors import StoreError
from hpsearch.spec.sections import StudySpec

FORMAT = 1
"""Raise it when the same study file and source would give other arrays."""


def prepare_dataset(spec: StudySpec, cache: Path) -> Dataset:
    """Return the study's prepared data: from `cache` where they lie there, else read, split, fitted and written.

    A folder appears whole or not at all, so processes may prepare the same data at once. Raises `DataError` for data
    that do not fit the study, `StoreError` where the cache cannot be written.
    """
    digest = dataset_digest(spec)
    folder = cache / digest[:16]
    if (folder / "dataset.json").is_file():
        return open_dataset(folder)
    frame, columns, parts = load_table(spec)
    return publish_dataset(spec, frame, columns, parts, folder, digest)


def publish_dataset(
    spec: StudySpec, frame: pd.DataFrame, columns: Columns, parts: Parts, folder: Path, digest: str
) -> Dataset:
    """Fit a preparation for each split of a table and write the arrays to `folder`, which appears whole or not at all.

    Raises `DataError` for a cell that cannot be prepared, `StoreError` where the folder cannot be written.
    """
    cache = folder.parent
    try:
        cache.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=cache))
        try:
            _write(spec, frame, columns, parts, Dataset(draft, digest, _NO_SIGNATURE, len(parts.folds), {}))
            _publish(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise StoreError(f"{cache}: prepared data cannot be written: {error.strerror or error}{_room(cache)}") from None
    return open_dataset(folder)


def load_table(spec: StudySpec) -> tuple[pd.DataFrame, Columns, Parts]:
    """Return the raw table, its columns and the rows of each part: the same ones `prepare_dataset` uses."""
    data = spec.data
    frame = read_table(data, spec.folder)
    columns = infer_columns(frame, data, spec.prepare)
    if spec.prepare.missing == "drop":
        frame, columns = _without_missing(spec, frame, columns)
    labels = columns.labels(frame)
    parts = split_rows(frame, labels, data.split, columns.task, _time(spec, frame), source=source_name(data))
    return frame, columns, parts


def dataset_digest(spec: StudySpec) -> str:
    """Return 64 hex digits of all that decides the arrays: content, columns, split, preparation, format."""
    decides = {
        "source": source_digest(spec.data, spec.folder),
        "data": spec.data.model_dump(mode="json", exclude={"csv", "parquet", "sklearn"}),
        "prepare": spec.prepare.model_dump(mode="json"),
        "format": FORMAT,
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


_NO_SIGNATURE = Signature("regression", 0, (), (), "")


def _without_missing(spec: StudySpec, frame: pd.DataFrame, columns: Columns) -> tuple[pd.DataFrame, Columns]:
    """Leave out rows with a missing cell, and look at the rest again: a column may have become constant."""
    rows = len(frame)
    complete = frame.dropna(subset=[columns.target, *columns.names])
    if complete.empty:
        message = f"all {rows:,} rows have a missing cell in a used column; drop that column, or set impute"
        raise data_error(spec.data, "prepare.missing", message)
    if len(complete) == rows:
        return frame, columns
    complete = complete.reset_index(drop=True)
    complete.attrs.clear()
    again = infer_columns(complete, spec.data, spec.prepare)
    note = f"{rows - len(complete):,} of {rows:,} rows have a missing cell and are left out"
    return complete, replace(again, notes=(*again.notes, note))


def _time(spec: StudySpec, frame: pd.DataFrame) -> NDArray[Any] | None:
    name = spec.data.time_ordered
    if name is None:
        return None
    if pd.api.types.is_numeric_dtype(frame[name].dtype):
        return frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    dates, bad = read_dates(frame[name], spec.data.na_values)
    if bad.any():
        first = frame[name].iloc[int(np.argmax(bad))]
        where = places(frame, np.flatnonzero(bad))
        message = f"'{name}' holds {show(first)} ({where}), neither a number nor a date such as 2011-12-31"
        message += "; mend it, or name another column"
        raise data_error(spec.data, "data.time_ordered", message)
    return np.asarray(dates.tz_localize(None))


def _write(spec: StudySpec, frame: pd.DataFrame, columns: Columns, parts: Parts, draft: Dataset) -> None:
    y = columns.labels(frame)
    used = frame[[*columns.names, columns.target]]
    states = [fit_preparation(used.iloc[train], columns, spec.prepare) for train, _ in parts.folds]
    states = align(states) if len(states) > 1 else states
    inputs = len(states[0]["features"])
    made = f"{len(frame):,} rows of {inputs:,} inputs take"
    fix = "raise prepare.min_frequency, or drop columns with many categories"
    check_memory(spec.data, "data", made, 4 * inputs * len(frame), fix)
    for number, ((train, validation), state) in enumerate(zip(parts.folds, states, strict=True)):
        folder = draft.folder / f"split-{number}"
        folder.mkdir()
        target = {key: state["target"][key] for key in ("center", "scale")}
        for part, rows in (("train", train), ("validation", validation), ("test", parts.test)):
            try:
                np.save(folder / f"x_{part}.npy", transform(used.iloc[rows], state))
            except CellError as error:
                where = places(frame, [int(rows[error.row])])
                message = f"{where}, {error.what}; mend the cell, or drop the column"
                raise data_error(spec.data, "data.csv" if spec.data.csv else "data", message) from None
            scaled = (y[rows] - target["center"]) / target["scale"]
            np.save(folder / f"y_{part}.npy", _float32(spec, columns, scaled))
        np.save(folder / "rows_train.npy", train)
        np.save(folder / "rows_validation.npy", validation)
        (folder / "preparation.json").write_text(json.dumps(state))
        (folder / "target.json").write_text(json.dumps(target))
    np.save(draft.folder / "test_rows.npy", parts.test)
    (draft.folder / "columns.json").write_text(json.dumps(asdict(columns), indent=1))
    features = tuple(states[0]["features"])
    train, validation = parts.folds[0]
    replace(
        draft,
        signature=Signature(columns.task, len(features), features, columns.names, columns.target, columns.class_names),
        rows={"train": len(train), "validation": len(validation), "test": len(parts.test), "total": len(frame)},
        notes=(*columns.notes, *_rare(states[0], spec.prepare.min_frequency), *_wide(states[0], len(frame))),
    ).save_description()


def _rare(state: dict[str, Any], min_frequency: int) -> list[str]:
    """Say which columns lost all their categories."""
    return [
        f"column '{column['name']}': each category has fewer than {min_frequency} training rows; all share one"
        for column in state["columns"]
        if column["kind"] == "categorical" and not column["index"]
    ]


_WIDE = 1000
"""Inputs of one column that are worth a word."""


def _wide(state: dict[str, Any], rows: int) -> list[str]:
    """Say which columns make very many inputs, and how large they are."""
    return [
        f"column '{column['name']}' makes {(made := len(column['slots'])):,} inputs, {4 * made * rows / 1e6:,.0f} MB "
        "in all rows; raise prepare.min_frequency, or drop it"
        for column in state["columns"]
        if column["kind"] == "categorical" and len(column["slots"]) > _WIDE
    ]


def _float32(spec: StudySpec, columns: Columns, values: NDArray[np.float64]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        cast = values.astype(np.float32)
    if not np.isfinite(cast).all():
        message = (
            f"'{columns.target}' holds numbers beyond the range of float32; set prepare.target: standard, or rescale it"
        )
        raise data_error(spec.data, "data.target", message)
    return cast


def _publish(draft: Path, folder: Path) -> None:
    """Give the finished folder its name; where another process was first, its folder stands."""
    try:
        os.rename(draft, folder)
    except OSError:
        if not (folder / "dataset.json").is_file():
            raise


def _room(cache: Path) -> str:
    return f"; {shutil.disk_usage(cache).free / 1e9:.1f} GB are free there" if cache.is_dir() else ""
