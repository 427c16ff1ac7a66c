from __future__ import annotations

import pandas as pd
import pytest
from sklearn.datasets import load_iris

from hpsearch.data.sources import read_table, source_digest
from hpsearch.errors import DataError
from hpsearch.spec.sections import DataSection


def refused(section, folder) -> str:
    with pytest.raises(DataError) as error:
        read_table(section, folder)
    return str(error.value)


def test_a_missing_file_is_named_with_the_nearest_one(csv):
    section, folder = csv("a,y\n1,2\n", name="rows.csv")
    message = refused(section.model_copy(update={"csv": "row.csv"}), folder)
    assert str(folder / "row.csv") in message
    assert "did you mean 'rows.csv'?" in message


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "rows").mkdir()
    assert "is a folder" in refused(DataSection(csv="rows", target="y"), tmp_path)


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "rows.parquet").write_text("a,y\n1,2\n")
    message = refused(DataSection(parquet="rows.parquet", target="y"), tmp_path)
    assert "rows.parquet: field 'data.parquet': cannot be read as Parquet" in message


def test_a_parquet_file_without_rows_is_refused(tmp_path):
    pd.DataFrame({"a": [], "y": []}).to_parquet(tmp_path / "rows.parquet")
    assert "no rows" in refused(DataSection(parquet="rows.parquet", target="y"), tmp_path)


def test_an_unnamed_parquet_index_is_no_column(tmp_path):
    pd.DataFrame({"a": [1, 2], "y": [3, 4]}, index=[5, 9]).to_parquet(tmp_path / "rows.parquet")
    frame = read_table(DataSection(parquet="rows.parquet", target="y"), tmp_path)
    pd.testing.assert_frame_equal(frame, pd.DataFrame({"a": [1, 2], "y": [3, 4]}))


def test_a_bundled_set_has_class_names(tmp_path):
    frame = read_table(DataSection(sklearn="iris"), tmp_path)
    iris = load_iris()
    assert frame["target"].tolist() == iris.target_names[iris.target].tolist()
    assert frame.drop(columns="target").to_numpy().tolist() == iris.data.tolist()


def test_the_digest_follows_content_and_read_options_not_the_path(csv):
    section, folder = csv("a,y\n1,2\n")
    first = source_digest(section, folder)
    assert source_digest(csv("a,y\n1,2\n", name="copy.csv")[0], folder) == first
    assert source_digest(csv("a,y\n1,2\n", na_values=["?"])[0], folder) != first
    assert source_digest(csv("a,y\n1,3\n")[0], folder) != first


def test_bundled_sets_have_their_own_digests(tmp_path):
    names = ("diabetes", "breast_cancer", "wine", "digits", "iris")
    assert len({source_digest(DataSection(sklearn=name), tmp_path) for name in names}) == 5
