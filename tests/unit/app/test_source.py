from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sample_studies import copy_study

import hpsearch
from hpsearch.app.source import delivered_package, found_package
from hpsearch.delivery.mlflow_model import package_digest
from hpsearch.errors import PackageError, UnknownStudy


def test_a_study_gives_the_package_it_delivers(finished: Path) -> None:
    with found_package("rentals", finished) as package:
        assert package == finished / "studies" / "rentals" / "package"


def test_a_study_whose_package_is_gone_gives_a_new_one(finished: Path, tmp_path: Path) -> None:
    shutil.rmtree(copy_study(finished, "flowers", tmp_path) / "package")
    package = delivered_package(hpsearch.load("flowers", store=tmp_path))
    assert (package / "MANIFEST.json").exists()


def test_a_folder_gives_itself_unless_a_study_has_its_name(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("rentals", "exported"):
        (tmp_path / name).mkdir()
    with found_package("exported", finished) as package:
        assert package == Path("exported")
    with found_package("rentals", finished) as package:
        assert package.is_relative_to(finished)
    with found_package("./rentals", finished) as package:
        assert package.resolve() == tmp_path / "rentals"


def test_an_address_gives_what_mlflow_keeps_there_while_it_is_needed(finished: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{finished}/mlflow.db")
    experiment = client.get_experiment_by_name("rentals")
    (model,) = client.search_logged_models([experiment.experiment_id])
    with found_package(f"models:/{model.model_id}", finished) as package:
        assert package_digest(package) == package_digest(finished / "studies" / "rentals" / "package")
        assert not package.is_relative_to(finished)
    assert not package.exists()


def test_a_name_that_means_nothing_is_told_with_the_nearest(finished: Path) -> None:
    with pytest.raises(UnknownStudy, match="did you mean 'rentals'"), found_package("rental", finished):
        pass


def test_a_folder_that_is_not_there_is_told(finished: Path) -> None:
    with pytest.raises(PackageError, match="no folder models/bike; give a study's name"), found_package("models/bike"):
        pass


def test_a_store_without_mlflow_has_no_address(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"mlflow\.db does not exist"), found_package("models:/a@b", tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
