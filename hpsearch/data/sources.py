"""Where rows come from: a CSV file, a Parquet file, or a set that scikit-learn brings -> one pandas table."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from hpsearch.data.csv_file import check_names, read_csv
from hpsearch.data.faults import data_error
from hpsearch.data.memory import check_text
from hpsearch.errors import as_written, suggestion
from hpsearch.spec.sections import DataSection


def read_table(section: DataSection, folder: Path) -> pd.DataFrame:
    """Return all rows and columns of a source as they are, rows numbered from 0.

    Paths are relative to `folder`. scikit-learn's sets have their feature names and the column 'target', for
    classification with class names as text. Raises `DataError`, with file, line and fix, for what cannot be read.
    """
    if section.sklearn is not None:
        return _read_sklearn(section.sklearn)
    path = _path(section, folder)
    _check_size(section, path)
    return read_csv(section, path) if section.csv is not None else _read_parquet(section, path)


def source_digest(section: DataSection, folder: Path) -> str:
    """Return 64 hex digits that change with a source's content or with how it is read; nothing is parsed."""
    if section.sklearn is not None:
        return hashlib.sha256(f"sklearn:{section.sklearn}:{version('scikit-learn')}".encode()).hexdigest()
    options = section.model_dump(include={"separator", "decimal", "encoding", "na_values"}) if section.csv else {}
    path = _path(section, folder)
    _check_size(section, path, ever=True)  # what cannot be read need not be digested for hours
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(json.dumps([content, options], sort_keys=True).encode()).hexdigest()


def _path(section: DataSection, folder: Path) -> Path:
    kind, given = ("csv", section.csv) if section.csv is not None else ("parquet", section.parquet)
    field = f"data.{kind}"
    try:
        path = (folder / Path(str(given)).expanduser()).resolve()
        if path.is_dir():
            raise data_error(section, field, f"{path} is a folder; name a file in it")
        if path.is_file():
            path.open("rb").close()
            return path
    except PermissionError as error:
        raise data_error(section, field, f"{path} cannot be read: {error.strerror}; check its permissions") from None
    except (OSError, RuntimeError) as error:  # too long a name; links that go in a circle; the ~ of no user
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        message = f"{as_written(given)} leads to no file ({reason}); give the path of a file"
        raise data_error(section, field, message) from None
    if path.exists():
        raise data_error(section, field, f"{path} is a device or a pipe; name a file")
    raise data_error(section, field, f"no file {path}; {_where(str(given))}{_near(path)}")


def _where(given: str) -> str:
    from_where = "the path is relative to the study file"
    return f"{from_where}, and $ stands for itself in it" if "$" in given else from_where


def _near(path: Path) -> str:
    try:
        names = sorted(p.name for p in path.parent.iterdir() if p.is_file() and not p.name.startswith("."))[:50]
    except OSError:
        return ""
    return suggestion(path.name, names).replace("known:", "files there:") if names else ""


def _check_size(section: DataSection, path: Path, *, ever: bool = False) -> None:
    """Refuse a file that will not fit."""
    packed = {".gz": 5, ".parquet": 3}.get(path.suffix, 1)
    check_text(section, "data.csv" if section.csv else "data.parquet", packed * path.stat().st_size, ever=ever)


def _read_parquet(section: DataSection, path: Path) -> pd.DataFrame:
    import pyarrow as pa

    try:
        frame = pd.read_parquet(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        message = f"cannot be read as Parquet: {str(error).splitlines()[0]}"
        raise data_error(section, "data.parquet", message) from None
    frame = frame.reset_index(drop=all(name is None for name in frame.index.names))
    frame.columns = pd.Index([str(name) for name in frame.columns])
    check_names(section, "data.parquet", list(frame.columns))
    if frame.empty:
        raise data_error(section, "data.parquet", "the file has no rows; add rows")
    return frame


def _read_sklearn(name: str) -> pd.DataFrame:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame: pd.DataFrame = bunch.frame
    if name != "diabetes":
        names = [str(text) for text in bunch.target_names]
        frame["target"] = pd.Series([names[index] for index in frame["target"]], index=frame.index)
    return frame
