import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from hpsearch.data import transform
from hpsearch.delivery.package import FILES, write_package
from hpsearch.delivery.predictor import Predictor, verify_package
from hpsearch.errors import PackageError
from hpsearch.metrics import LOSSES
from hpsearch.model import average_models, build_model


def test_a_package_holds_its_files_and_nothing_else(made: Any) -> None:
    assert sorted(path.name for path in made.folder.iterdir() if path.is_file()) == sorted(FILES)
    assert [path.name for path in made.folder.parent.iterdir() if path.name.startswith(".")] == []
    verify_package(made.folder)


def test_the_description_says_what_goes_in_and_what_comes_out(packages: dict[str, Any]) -> None:
    about = json.loads((packages["binary"].folder / "package.json").read_text())
    assert about["columns"] == ["temp", "season", "code", "day"]
    assert (about["task"], about["target"], about["class_names"]) == ("binary", "cnt", ["no", "yes"])
    assert about["threshold"] == 0.5
    assert about["metadata"] == {"study": "bikes", "trial": 7, "metrics": {"val_rmse": 41.5}}
    assert about["versions"]["keras"] == version("keras")


def test_the_configuration_is_plain_yaml(made: Any) -> None:
    about = json.loads((made.folder / "package.json").read_text())
    assert yaml.safe_load((made.folder / "configuration.yaml").read_text()) == about["configuration"]


def test_the_preparation_is_carried_as_it_is(made: Any) -> None:
    assert json.loads((made.folder / "preparation.json").read_text()) == made.preparation
    assert (made.folder / "transform.py").read_text() == Path(str(transform.__file__)).read_text()


def test_keras_reads_the_weights_back_without_an_optimizer(made: Any) -> None:
    import keras

    net = keras.models.load_model(made.folder / "model.keras", safe_mode=True)
    for got, given in zip(net.get_weights(), made.model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, given)
    assert getattr(net, "optimizer", None) is None


def test_no_file_of_a_package_is_a_pickle(made: Any) -> None:
    # Protocol 2 and later begin with 0x80 and the protocol's number; a zip of torch or joblib would hold one inside.
    for path in made.folder.iterdir():
        if path.is_file():
            assert path.read_bytes()[0] != 0x80
            assert path.suffix not in (".pkl", ".pickle", ".joblib")


def test_an_earlier_package_is_replaced(make_package: Any, tmp_path: Path) -> None:
    make_package(tmp_path / "best", "regression", 1)
    second = make_package(tmp_path / "best", "regression", 2)
    x = np.ones((1, 9), dtype=np.float32)
    np.testing.assert_allclose(Predictor.load(tmp_path / "best").outputs(x), second.model(x), rtol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def test_a_net_whose_weights_are_no_numbers_is_not_packaged_and_the_earlier_package_stays(
    packages: dict[str, Any], tmp_path: Path, make_package: Any
) -> None:
    made = packages["regression"]
    shutil.copytree(made.folder, tmp_path / "best")
    broken = make_package(tmp_path / "other", "regression", 3).model
    broken.set_weights([weights * np.nan for weights in broken.get_weights()])
    with pytest.raises(PackageError, match="no package was written"):
        write_package(
            tmp_path / "best", model=broken, preparation=made.preparation, signature=made.signature, metadata={},
            configuration={"hidden_layers": 2},
        )  # fmt: skip
    assert (tmp_path / "best" / "MANIFEST.json").read_bytes() == (made.folder / "MANIFEST.json").read_bytes()
    verify_package(tmp_path / "best")


def test_a_net_with_other_layers_is_not_packaged(packages: dict[str, Any], tmp_path: Path) -> None:
    import keras

    made = packages["regression"]
    other = keras.layers.EinsumDense("ab,bc->ac", output_shape=4)
    net = keras.Sequential([keras.layers.Input((9,)), other, keras.layers.Dense(1)])
    with pytest.raises(PackageError, match=r"names keras.layers.EinsumDense"):
        write_package(
            tmp_path / "best", model=net, preparation=made.preparation, signature=made.signature, metadata={},
            configuration={"hidden_layers": 0},
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_an_average_of_nets_is_packaged_as_one_net(made: Any, rows: pd.DataFrame, tmp_path: Path) -> None:
    configuration = json.loads((made.folder / "package.json").read_text())["configuration"]
    assert configuration["dropout"] > 0
    shallower = (
        build_model(configuration | {"hidden_layers": depth}, made.signature, 5, LOSSES[made.task][0])
        for depth in (1, 0)
    )
    nets = [made.model, *shallower]
    write_package(
        tmp_path / "best", model=average_models(nets), preparation=made.preparation, signature=made.signature,
        metadata={}, configuration=configuration,
    )  # fmt: skip
    package = Predictor.load(tmp_path / "best")
    x = np.random.default_rng(0).normal(size=(100, made.signature.inputs)).astype(np.float32)
    expected = np.mean([net.predict(x, verbose=0) for net in nets], axis=0, dtype=np.float64)
    np.testing.assert_allclose(package.outputs(x), expected, rtol=0, atol=1e-6)
    assert len(package.predict(rows)) == len(rows)


def test_a_folder_with_files_of_others_is_left_alone(packages: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    made = packages["regression"]
    with pytest.raises(PackageError, match="files of others"):
        write_package(
            tmp_path, model=made.model, preparation=made.preparation, signature=made.signature, metadata={},
            configuration={"hidden_layers": 2},
        )  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
