from __future__ import annotations

from pathlib import Path

import pytest

import hpsearch
from hpsearch.app.export import export_study
from hpsearch.delivery.predictor import verify_package
from hpsearch.errors import PackageError


def test_the_export_has_the_model_the_configuration_the_evaluation_and_its_pictures(
    finished: Path, tmp_path: Path
) -> None:
    written = export_study(hpsearch.load("flowers", store=finished), tmp_path / "out")
    names = {str(path.relative_to(tmp_path / "out")) for path in written}
    assert {"model.keras", "preparation.json", "configuration.yaml", "evaluation.json", "predict.py"} <= names
    assert "evaluation/confusion_matrix.png" in names
    verify_package(tmp_path / "out")


def test_a_folder_that_holds_something_else_is_not_written_over(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(PackageError, match=r"files of others \(thesis\.txt\)"):
        export_study(hpsearch.load("flowers", store=finished), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
