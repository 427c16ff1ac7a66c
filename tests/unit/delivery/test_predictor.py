"""Predictions of packages against the same net computed by NumPy, and against what scikit-learn or pandas would say."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from hpsearch.delivery.manifest import write_manifest
from hpsearch.delivery.predictor import Predictor, verify_package
from hpsearch.errors import DataError, PackageError


@pytest.fixture(scope="module")
def regression(packages: dict[str, Any]) -> Predictor:
    return Predictor.load(packages["regression"].folder)


@pytest.fixture
def damaged(packages: dict[str, Any], tmp_path: Path) -> Path:
    """A copy of a package, to be damaged."""
    return Path(shutil.copytree(packages["binary"].folder, tmp_path / "package"))


def expected_frame(made: Any, outputs: NDArray[np.float64]) -> pd.DataFrame:
    if made.task == "regression":
        return pd.DataFrame({"prediction": outputs[:, 0] * 181.25 + 189.5})
    table = np.column_stack([1 - outputs, outputs]) if made.task == "binary" else outputs
    names = made.signature.class_names
    probabilities = {f"probability_{name}": table[:, at] for at, name in enumerate(names)}
    return pd.DataFrame({"prediction": [names[at] for at in table.argmax(axis=1)], **probabilities})


def test_raw_rows_with_gaps_are_predicted_as_the_weights_say(
    made: Any, rows: pd.DataFrame, outputs: NDArray[np.float64]
) -> None:
    predicted = Predictor.load(made.folder).predict(rows)
    expected = expected_frame(made, outputs)
    pd.testing.assert_frame_equal(predicted, expected, rtol=1e-5, atol=1e-6, check_dtype=False)


def test_probabilities_are_columns_that_add_up_to_one(packages: dict[str, Any], rows: pd.DataFrame) -> None:
    predicted = Predictor.load(packages["multiclass"].folder).predict(rows)
    names = ["probability_high", "probability_low", "probability_so so"]
    assert list(predicted.columns) == ["prediction", *names]
    np.testing.assert_allclose(predicted[names].sum(axis=1), 1, atol=1e-6)


def test_the_positive_class_is_chosen_above_the_packages_threshold(
    packages: dict[str, Any], rows: pd.DataFrame
) -> None:
    whole = Predictor.load(packages["binary"].folder)
    probabilities = whole.predict(rows)["probability_yes"]
    strict = Predictor(whole.model, whole.preparation, whole.about | {"threshold": probabilities.median()})
    assert list(strict.predict(rows)["prediction"] == "yes") == list(probabilities > probabilities.median())


def test_a_predictor_made_in_memory_predicts_as_the_loaded_one(made: Any, rows: pd.DataFrame) -> None:
    loaded = Predictor.load(made.folder)
    in_memory = Predictor(made.model, made.preparation, loaded.about)
    pd.testing.assert_frame_equal(in_memory.predict(rows), loaded.predict(rows), rtol=0, atol=1e-6)


def test_columns_are_found_by_name(regression: Predictor, rows: pd.DataFrame) -> None:
    reordered = rows[["day", "code", "temp", "season"]]
    pd.testing.assert_frame_equal(regression.predict(reordered), regression.predict(rows))


def test_the_rows_keep_their_index(regression: Predictor, rows: pd.DataFrame) -> None:
    rows.index = pd.Index(["a", "b", "c", "d"])
    assert list(regression.predict(rows).index) == ["a", "b", "c", "d"]


def test_an_extra_column_is_ignored_with_a_warning_that_names_it(regression: Predictor, rows: pd.DataFrame) -> None:
    with pytest.warns(UserWarning, match="does not know column 'cnt', which is ignored"):
        predicted = regression.predict(rows.assign(cnt=0))
    pd.testing.assert_frame_equal(predicted, regression.predict(rows))


def test_a_missing_column_is_an_error_that_names_it_and_what_is_needed(
    regression: Predictor, rows: pd.DataFrame
) -> None:
    message = "column 'temp', 'day' is missing; found: season, code; the model needs temp, season, code, day"
    with pytest.raises(DataError, match=message):
        regression.predict(rows[["season", "code"]])


def test_a_cell_that_cannot_be_read_is_an_error_with_row_and_column(regression: Predictor, rows: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="row 3, column 'temp': 'warm' is no finite number; correct"):
        regression.predict(rows.assign(temp=["9", "", "warm", "13"]))


def test_a_column_that_stands_twice_is_an_error(regression: Predictor, rows: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="column 'temp' stands twice"):
        regression.predict(pd.concat([rows, rows[["temp"]]], axis=1))


def test_no_rows_give_no_predictions(made: Any, rows: pd.DataFrame) -> None:
    predictor = Predictor.load(made.folder)
    assert predictor.predict(rows.head(0)).shape == (0, predictor.predict(rows).shape[1])


def test_outputs_do_not_depend_on_how_many_rows_go_together(regression: Predictor) -> None:
    x = np.random.default_rng(1).standard_normal((23, 9), dtype=np.float32)
    np.testing.assert_allclose(regression.outputs(x, rows=4), regression.outputs(x), rtol=0, atol=1e-5)


def test_a_csv_file_is_read_as_the_training_rows_were(
    regression: Predictor, rows: pd.DataFrame, tmp_path: Path
) -> None:
    rows.to_csv(tmp_path / "rows.csv", index=False, na_rep="?")
    pd.testing.assert_frame_equal(
        regression.predict(regression.read_csv(tmp_path / "rows.csv")), regression.predict(rows)
    )


def test_a_csv_file_is_read_by_the_options_of_the_package(regression: Predictor, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("temp;season;code;day\n9,5;Glück;7;2011-05-01\n", encoding="cp1252")
    options = {"sep": ";", "decimal": ",", "encoding": "cp1252"}
    predictor = Predictor(regression.model, regression.preparation, regression.about | {"metadata": {"csv": options}})
    (row,) = predictor.read_csv(tmp_path / "rows.csv").to_dict("records")
    assert row == {"temp": 9.5, "season": "Glück", "code": "7", "day": "2011-05-01"}


def test_truth_values_are_read_as_pandas_names_them_even_beside_one_that_is_none(
    regression: Predictor, tmp_path: Path
) -> None:
    slots = {"slots": ["False", "True"], "index": {"False": 0, "True": 1}, "other": None, "missing": None}
    columns = [{"name": "holiday", "kind": "categorical", **slots}]
    predictor = Predictor(regression.model, regression.preparation | {"columns": columns}, regression.about)
    (tmp_path / "rows.csv").write_text("holiday\ntrue\nFALSE\nmaybe\n")
    assert predictor.read_csv(tmp_path / "rows.csv")["holiday"].tolist() == ["True", "False", "maybe"]


def test_a_category_that_was_a_number_is_known_however_it_is_spelled(regression: Predictor, tmp_path: Path) -> None:
    slots = {"slots": ["7", "12"], "index": {"7": 0, "12": 1}, "other": None, "missing": None}
    columns = [{"name": "month", "kind": "categorical", **slots}]
    predictor = Predictor(regression.model, regression.preparation | {"columns": columns}, regression.about)
    (tmp_path / "rows.csv").write_text("month\n7.0\n07\n12\n")
    assert predictor.read_csv(tmp_path / "rows.csv")["month"].tolist() == [7, 7, 12]


@pytest.mark.parametrize("row", ["1,fall,7", "1,fall,7,,", '"1\n\n",fall,7', '""x,fall,7,'])
def test_a_row_that_pandas_would_mend_in_silence_is_refused(regression: Predictor, tmp_path: Path, row: str) -> None:
    (tmp_path / "rows.csv").write_text(f"temp,season,code,day\n1,fall,7,\n\n \n{row}\n")
    with pytest.raises(
        DataError, match=r"rows.csv cannot be read as CSV: (line 5: [35] fields where the header has 4|')"
    ):
        regression.read_csv(tmp_path / "rows.csv")


@pytest.mark.parametrize("content", [None, "", "a,b\n1,2\n1,2,3\n"])
def test_a_csv_file_that_cannot_be_read_is_a_data_error(
    regression: Predictor, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "rows.csv").write_text(content)
    with pytest.raises(DataError, match=r"rows.csv cannot be read as CSV: .*; give a CSV file with a header line"):
        regression.read_csv(tmp_path / "rows.csv")


def test_one_flipped_byte_in_any_file_is_refused_before_loading(damaged: Path) -> None:
    for path in sorted(damaged.iterdir()):
        content = path.read_bytes()
        path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
        named = "MANIFEST.json: unreadable" if path.name == "MANIFEST.json" else f"{path.name}: sha256 expected"
        with pytest.raises(PackageError, match=named):
            Predictor.load(damaged)
        path.write_bytes(content)
    verify_package(damaged)


def test_a_file_that_is_not_there_is_refused_with_the_fix(damaged: Path) -> None:
    (damaged / "preparation.json").unlink()
    with pytest.raises(PackageError, match=r"preparation.json: not there. Copy it again .*hpsearch export STUDY DIR"):
        verify_package(damaged)


def test_a_folder_that_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"MANIFEST.json: not there"):
        verify_package(tmp_path)
    with pytest.raises(PackageError, match="is no folder"):
        verify_package(tmp_path / "none")


def test_a_package_of_another_schema_is_refused(damaged: Path) -> None:
    about = json.loads((damaged / "package.json").read_text())
    (damaged / "package.json").write_text(json.dumps(about | {"schema": 2}))
    write_manifest(damaged)
    with pytest.raises(PackageError, match="has package schema 2, this code reads 1"):
        verify_package(damaged)


def test_a_lambda_layer_is_refused_and_never_run(damaged: Path, tmp_path: Path) -> None:
    import keras

    canary = tmp_path / "canary"

    def touch(x: Any) -> Any:
        canary.touch()
        return x

    net = keras.Sequential([keras.layers.Input((9,)), keras.layers.Lambda(touch, output_shape=(9,))])
    canary.unlink(missing_ok=True)
    net.save(damaged / "model.keras")
    write_manifest(damaged)
    with pytest.raises(PackageError, match=r"model.keras is not loaded: .*names keras.layers.Lambda"):
        Predictor.load(damaged)
    assert not canary.exists()


def test_a_net_that_keras_cannot_build_is_refused_with_the_version_that_made_it(damaged: Path) -> None:
    import zipfile

    with zipfile.ZipFile(damaged / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = members["config.json"].replace(b'"tanh"', b'"tanj"', 1)
    with zipfile.ZipFile(damaged / "model.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    write_manifest(damaged)
    with pytest.raises(PackageError, match=r"cannot read model.keras, made with Keras 3.* install that version"):
        Predictor.load(damaged)


def test_two_packages_open_in_one_process_without_hpsearch_do_not_mix(packages: dict[str, Any], tmp_path: Path) -> None:
    script = """
import importlib.util, json, sys
sys.modules["hpsearch"] = None
sys.dont_write_bytecode = True
import pandas as pd
answers = []
for folder in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location(f"predictor:{folder}", f"{folder}/predictor.py")
    sys.modules[spec.name] = code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    answers.append([code.transform.__file__, code.DataError.__name__, "tensorflow" in sys.modules])
print(json.dumps(answers))
"""
    folders = [str(packages[task].folder) for task in ("regression", "binary")]
    done = subprocess.run(
        [sys.executable, "-c", script, *folders], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert json.loads(done.stdout) == [[f"{folder}/transform.py", "ValueError", False] for folder in folders]
