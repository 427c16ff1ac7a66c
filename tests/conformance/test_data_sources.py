"""What every source of rows must hold, whatever it is read from."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hpsearch.data.columns import infer_columns
from hpsearch.data.prepared import load_table, prepare_dataset
from hpsearch.data.sources import read_table, source_digest
from hpsearch.data.transform import transform
from hpsearch.spec.load import make_spec
from hpsearch.spec.sections import StudySpec

BUNDLED = ("diabetes", "breast_cancer", "wine", "digits", "iris")


def table() -> pd.DataFrame:
    rows = np.arange(60)
    days = pd.date_range("2011-01-01", periods=60).strftime("%Y-%m-%d")
    kinds = np.where(rows % 3 == 0, "a", "b")
    return pd.DataFrame({"x": np.sin(rows), "kind": kinds, "day": days, "y": np.cos(rows) * 9})


def write_csv(path: Path) -> None:
    table().to_csv(path, index=False)


def write_parquet(path: Path) -> None:
    table().to_parquet(path)


FILES: dict[str, Callable[[Path], None]] = {"csv": write_csv, "csv.gz": write_csv, "parquet": write_parquet}


@pytest.fixture(params=[*FILES, *BUNDLED])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> StudySpec:
    if request.param in BUNDLED:
        return make_spec({"data": {"sklearn": request.param}}, folder=tmp_path)
    FILES[request.param](tmp_path / f"rows.{request.param}")
    kind = request.param.split(".")[0]
    return make_spec({"data": {kind: f"rows.{request.param}", "target": "y"}}, folder=tmp_path)


def test_rows_are_numbered_from_zero_and_columns_named_once(study):
    frame = read_table(study.data, study.folder)
    assert frame.index.tolist() == list(range(len(frame)))
    assert all(isinstance(name, str) for name in frame.columns)
    assert frame.columns.is_unique
    assert study.data.target_name in frame.columns


def test_reading_twice_gives_the_same(study):
    pd.testing.assert_frame_equal(read_table(study.data, study.folder), read_table(study.data, study.folder))


def test_the_digest_is_64_hex_digits_and_stable(study):
    digest = source_digest(study.data, study.folder)
    assert len(bytes.fromhex(digest)) == 32
    assert source_digest(study.data, study.folder) == digest


def test_the_task_is_inferred_and_said(study):
    columns = infer_columns(read_table(study.data, study.folder), study.data, study.prepare)
    assert columns.notes[0].startswith(f"task: {columns.task}, inferred from ")
    assert columns.columns


def test_raw_rows_and_prepared_arrays_agree(study, tmp_path):
    dataset = prepare_dataset(study, tmp_path / "cache")
    frame, columns, parts = load_table(study)
    raw = frame.iloc[parts.test][list(columns.names)]
    assert np.array_equal(transform(raw, dataset.preparation()), dataset.test().x)
    assert sum(dataset.rows[part] for part in ("train", "validation", "test")) == dataset.rows["total"] == len(frame)


def test_what_was_written_is_what_is_read(study, tmp_path):
    if study.data.sklearn:
        buffer = io.StringIO(read_table(study.data, study.folder).to_csv(index=False))
        expected = pd.read_csv(buffer)
        expected["target"] = expected["target"].astype(read_table(study.data, study.folder)["target"].dtype)
    else:
        expected = table()
    pd.testing.assert_frame_equal(read_table(study.data, study.folder), expected, check_exact=False, rtol=1e-14)
