from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import prepare_dataset
from hpsearch.errors import TrialFailed
from hpsearch.metrics import LOSSES, TaskType
from hpsearch.model import average_models, build_model
from hpsearch.spec import make_spec
from hpsearch.training.ensemble import Member, ensemble_value, mean_prediction
from hpsearch.training.quiet import import_keras

import_keras()

SOURCES: dict[TaskType, str] = {"regression": "diabetes", "binary": "breast_cancer", "multiclass": "iris"}
NETS: list[dict[str, Any]] = [
    {"hidden_layers": 2, "neurons_1": 8, "neurons_2": 5, "activation": "relu", "dropout": 0.5},
    {"hidden_layers": 1, "neurons": 6, "activation": "tanh", "dropout": 0.0},
    {"hidden_layers": 0},
]
"""of different depths, with dropout and without"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[TaskType, Dataset]:
    cache = tmp_path_factory.mktemp("cache")

    def prepared(name: str) -> Dataset:
        about = {"sklearn": name, "split": {"validation": {"folds": 2}}}
        return prepare_dataset(make_spec({"data": about}, folder=cache), cache)

    return {task: prepared(name) for task, name in SOURCES.items()}


def _nets(data: Dataset) -> tuple[list[Any], list[Member]]:
    configurations = [net | {"optimizer": "adam", "learning_rate": 0.01} for net in NETS]
    loss = LOSSES[data.signature.task][0]
    models = [build_model(given, data.signature, seed, loss) for seed, given in enumerate(configurations)]
    return models, [(given, model.get_weights()) for given, model in zip(configurations, models, strict=True)]


def _scikit_learn_s(data: Dataset, split: int, model: Any) -> dict[str, float]:
    rows = data.split(split)
    outputs = model.predict(rows.validation.x, verbose=0)
    if data.signature.task == "regression":
        truth, predicted = (y * rows.target_scale + rows.target_center for y in (rows.validation.y, outputs[:, 0]))
        return {"rmse": sk.root_mean_squared_error(truth, predicted)}
    labels = outputs[:, 0] > 0.5 if data.signature.task == "binary" else outputs.argmax(axis=1)
    truth = rows.validation.y
    return {"log_loss": sk.log_loss(truth, outputs), "accuracy": sk.accuracy_score(truth, labels)}


@pytest.mark.parametrize(
    ("task", "objective"),
    [("regression", "rmse"), ("binary", "log_loss"), ("binary", "accuracy"), ("multiclass", "log_loss")],
)
def test_it_is_what_keras_s_average_of_the_nets_is_worth(
    data: dict[TaskType, Dataset], task: TaskType, objective: str
) -> None:
    models, members = _nets(data[task])
    for split in range(2):
        theirs = _scikit_learn_s(data[task], split, average_models(models))[objective]
        assert ensemble_value(members, data[task], split, objective) == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize("task", list(SOURCES))
def test_the_mean_prediction_is_what_keras_s_average_says(data: dict[TaskType, Dataset], task: TaskType) -> None:
    models, members = _nets(data[task])
    theirs = average_models(models).predict(data[task].split(1).validation.x, verbose=0)
    ours = mean_prediction(members, data[task], 1)
    assert ours.shape == (theirs[:, 0] if data[task].signature.outputs == 1 else theirs).shape
    np.testing.assert_allclose(ours.reshape(theirs.shape), theirs, rtol=0, atol=1e-6)


def test_one_member_is_worth_what_it_is_alone(data: dict[TaskType, Dataset]) -> None:
    models, members = _nets(data["multiclass"])
    alone = _scikit_learn_s(data["multiclass"], 0, models[0])["log_loss"]
    assert ensemble_value(members[:1], data["multiclass"], 0, "log_loss") == pytest.approx(alone, rel=1e-5)


def test_the_members_order_does_not_matter(data: dict[TaskType, Dataset]) -> None:
    _, members = _nets(data["regression"])
    one, other = (ensemble_value(given, data["regression"], 0, "rmse") for given in (members, members[::-1]))
    assert one == pytest.approx(other, rel=1e-6)


def test_rows_that_do_not_define_the_objective_are_said(tmp_path: Path) -> None:
    about = {"sklearn": "breast_cancer"}
    one_class = prepare_dataset(make_spec({"data": about}, folder=tmp_path), tmp_path)
    path = one_class.folder / "split-0" / "y_validation.npy"
    np.save(path, np.ones_like(np.load(path)))
    _, members = _nets(one_class)
    with pytest.raises(TrialFailed, match="the validation rows do not define roc_auc"):
        ensemble_value(members, one_class, 0, "roc_auc")
