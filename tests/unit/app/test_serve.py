"""What is settled before a server starts; a served model itself is asked in tests/e2e/test_delivery.py."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sample_studies import copy_study

import hpsearch
from hpsearch.app.serve import example_row, served
from hpsearch.data.prepared import load_table
from hpsearch.errors import DeliveryError, UnknownStudy


def test_a_host_that_others_reach_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    refused = pytest.raises(DeliveryError, match=r"0\.0\.0\.0 can be reached from other machines")
    with refused, served("rentals", host="0.0.0.0", store=tmp_path / "store"):
        pass
    assert not (tmp_path / "store").exists()


def test_an_unknown_study_is_told_before_a_server_starts(finished: Path) -> None:
    with pytest.raises(UnknownStudy, match="did you mean 'rentals'"), served("rental", store=finished):
        pass
    assert not (finished / "serve.log").exists()


def test_the_example_is_a_row_of_the_studys_test_part(finished: Path) -> None:
    result = hpsearch.load("rentals", store=finished)
    frame, columns, parts = load_table(result.file.load_spec())
    row = example_row("rentals", finished, result.folder.path / "package")
    assert row.to_dict("records") == frame[list(columns.names)].iloc[parts.test[:1]].to_dict("records")


def test_without_the_data_the_example_is_made_up(finished: Path, tmp_path: Path, rentals_csv: Path) -> None:
    study = copy_study(finished, "rentals", tmp_path / "store")
    told = (study / "study.json").read_text().replace(str(rentals_csv.parent), str(tmp_path / "gone"))
    (study / "study.json").write_text(told)
    made_up = example_row("rentals", tmp_path / "store", study / "package")
    predictor = hpsearch.load("rentals", store=tmp_path / "store").predictor()
    assert list(made_up.columns) == predictor.about["columns"]
    assert len(predictor.predict(made_up)) == 1


def test_a_packages_example_is_made_up(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "studies" / "flowers" / "package", tmp_path / "package")
    row = example_row(str(tmp_path / "package"), finished, tmp_path / "package")
    assert row.shape == (1, 4)
