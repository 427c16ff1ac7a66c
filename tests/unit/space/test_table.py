from __future__ import annotations

import pytest

from hpsearch.model import build_model
from hpsearch.space.domain import Choices
from hpsearch.space.table import ACTIVATIONS, OPTIMIZERS, ROWS, TABLE, Row

GIVEN = {
    "model structure": ["hidden_layers", "neurons", "activation"],
    "optimization, regularization": ["optimizer", "dropout", "weight_decay", "l2"],
    "training": ["learning_rate", "batch_size", "epochs"],
}


def test_the_rows_stand_in_their_groups_and_order() -> None:
    groups: dict[str, list[str]] = {}
    for row in TABLE:
        groups.setdefault(row.group, []).append(row.name)
    assert groups == GIVEN
    assert list(groups) == list(GIVEN)
    assert [row.name for row in TABLE if row.optional] == ["weight_decay", "l2"]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_the_default_range_and_the_usual_value_are_legal(row: Row) -> None:
    ends = row.default.choices if isinstance(row.default, Choices) else (row.default.low, row.default.high)
    assert all(row.legal.contains(value) for value in (*ends, row.usual))
    assert row.meaning
    assert row.used_by


def test_a_row_is_found_by_its_name() -> None:
    assert list(ROWS.values()) == list(TABLE)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_builds_a_net(optimizer: str) -> None:
    assert build(optimizer=optimizer).optimizer is not None


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_one_that_keras_knows(activation: str) -> None:
    assert build(activation=activation).layers[0].activation.__name__ == activation


def build(**changed: str) -> object:
    from hpsearch.data.dataset import Signature

    configuration = {"hidden_layers": 1, "neurons": 2, "activation": "relu", "optimizer": "adam", "dropout": 0.0}
    signature = Signature("regression", 2, ("a", "b"), ("a", "b"), "y")
    common = {"learning_rate": 0.1, "batch_size": 4, "epochs": 1}
    return build_model(configuration | common | changed, signature, 0, "mse")
