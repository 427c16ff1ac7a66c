import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hpsearch.delivery.export import export
from hpsearch.delivery.manifest import write_manifest
from hpsearch.delivery.package import FILES
from hpsearch.delivery.predictor import Predictor, verify_package
from hpsearch.errors import PackageError

PNG = b"\x89PNG\r\n\x1a\n"


def test_an_export_holds_the_package_its_evaluation_and_how_to_use_it(packages: dict[str, Any], tmp_path: Path) -> None:
    paths = export(tmp_path / "out", packages["regression"].folder, {"rmse": 49.5}, {"residuals": PNG, "roc.png": PNG})
    names = {path.relative_to(tmp_path / "out").as_posix() for path in paths}
    assert names == {
        *FILES, "README.md", "predict.py", "requirements.txt", "evaluation.json",
        "evaluation/residuals.png", "evaluation/roc.png",
    }  # fmt: skip
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text()) == {"rmse": 49.5}
    verify_package(tmp_path / "out")


def test_the_readme_names_columns_and_classes(packages: dict[str, Any], tmp_path: Path) -> None:
    export(tmp_path / "out", packages["multiclass"].folder, None, {})
    text = (tmp_path / "out" / "README.md").read_text()
    assert "Trial 7 of the study `bikes`" in text
    assert "`temp`, `season`, `code`, `day`" in text
    assert "`high`, `low`, `so so`" in text
    assert "evaluation" not in text


@pytest.mark.parametrize(("metadata", "told"), [
    ({"kind": "best trial", "members": [7]}, "Trial 7 of the study `bikes`, made by"),
    ({"kind": "winner", "members": [7]}, "The winner of the study `bikes`: trial 7's configuration, trained again"),
    ({"kind": "ensemble", "members": [7, 2]}, "The average of 2 nets, of trials 7, 2 of the study `bikes`"),
])  # fmt: skip
def test_the_readme_says_which_model_it_is_and_when_it_says_yes(
    packages: dict[str, Any], tmp_path: Path, metadata: dict[str, Any], told: str
) -> None:
    package = Path(shutil.copytree(packages["binary"].folder, tmp_path / "package"))
    about = json.loads((package / "package.json").read_text())
    about |= {"threshold": 0.375, "metadata": about["metadata"] | metadata}
    (package / "package.json").write_text(json.dumps(about))
    write_manifest(package)
    export(tmp_path / "out", package, None, {})
    text = (tmp_path / "out" / "README.md").read_text()
    assert told in text
    assert "`prediction`: `cnt` as one of `no`, `yes` (`yes` where its probability is above 0.375)" in text


def test_the_script_predicts_a_csv_where_hpsearch_is_not_installed(
    packages: dict[str, Any], rows: pd.DataFrame, tmp_path: Path
) -> None:
    export(tmp_path / "out", packages["binary"].folder, None, {})
    rows.assign(id=7).to_csv(tmp_path / "rows.csv", index=False)
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    for name in ("hpsearch", "sklearn", "mlflow", "yaml"):
        (blocked / f"{name}.py").write_text(f"raise ImportError('{name} is not installed')\n")
    done = subprocess.run(
        [sys.executable, "../out/predict.py", "../rows.csv", "../predictions.csv"], cwd=blocked, capture_output=True,
        text=True, env=os.environ | {"PYTHONPATH": str(blocked)}, check=False,
    )  # fmt: skip
    told = "predict.py: the model does not know column 'id', which is ignored\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, "", told)
    expected = Predictor.load(packages["binary"].folder).predict(rows)
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "predictions.csv"), expected, rtol=0, atol=1e-6, check_dtype=False
    )
    # Bytecode that the script left beside is no reason to refuse the next export.
    export(tmp_path / "out", packages["binary"].folder, None, {})


def test_an_earlier_export_is_replaced_with_all_its_files(packages: dict[str, Any], tmp_path: Path) -> None:
    export(tmp_path / "out", packages["regression"].folder, {"rmse": 1.0}, {"roc": PNG})
    paths = export(tmp_path / "out", packages["binary"].folder, None, {})
    assert len(paths) == len(FILES) + 3
    assert json.loads((tmp_path / "out" / "package.json").read_text())["task"] == "binary"


def test_a_folder_with_a_persons_own_files_is_refused(packages: dict[str, Any], tmp_path: Path) -> None:
    export(tmp_path / "out", packages["regression"].folder, None, {})
    (tmp_path / "out" / "predictions.csv").write_text("mine")
    with pytest.raises(PackageError, match=r"files of others \(predictions.csv\); move them away or name a new"):
        export(tmp_path / "out", packages["regression"].folder, None, {})
    assert (tmp_path / "out" / "predictions.csv").read_text() == "mine"


def test_a_damaged_package_is_not_exported(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    with pytest.raises(PackageError, match="no whole model package"):
        export(tmp_path / "out", tmp_path / "package", None, {})
    assert not (tmp_path / "out").exists()
