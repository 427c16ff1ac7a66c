from __future__ import annotations

from dataclasses import replace

import pytest

from hpsearch.data.dataset import Signature
from hpsearch.model import count_parameters
from hpsearch.training.compiled.shape import exact_shape

SIGNATURE = Signature("regression", 5, tuple("abcde"), tuple("abcde"), "y")
CONFIGURATION = {"hidden_layers": 2, "neurons_1": 24, "neurons_2": 8, "activation": "relu", "batch_size": 32}
SHAPE = exact_shape(CONFIGURATION, SIGNATURE, 1000, "mse")


def test_an_exact_shape_has_the_net_s_weights() -> None:
    assert SHAPE.weights == count_parameters(CONFIGURATION, SIGNATURE)


def test_splits_whose_rows_differ_a_little_share_a_shape() -> None:
    assert exact_shape(CONFIGURATION, SIGNATURE, 999, "mse") == SHAPE


def test_a_batch_is_no_larger_than_the_rows_there_are() -> None:
    assert exact_shape({**CONFIGURATION, "batch_size": 10_000}, SIGNATURE, 1000, "mse").batch == SHAPE.rows


@pytest.mark.parametrize(
    "change",
    [{"widths": (24, 9)}, {"widths": (64, 64)}, {"batch": 64}, {"activation": "blend"}, {"penalized": True}, {}],
)
def test_a_larger_shape_holds_a_trial(change: dict[str, object]) -> None:
    assert replace(SHAPE, **change).holds(SHAPE)


@pytest.mark.parametrize(
    "change",
    [
        {"widths": (24, 7)},
        {"widths": (24, 8, 8)},
        {"batch": 16},
        {"loss": "mae"},
        {"activation": "tanh"},
        {"rows": 2048},
    ],
)
def test_a_smaller_or_other_shape_does_not(change: dict[str, object]) -> None:
    assert not replace(SHAPE, **change).holds(SHAPE)


def test_a_blend_has_no_room_for_an_activation_with_a_formula_of_its_own() -> None:
    assert not replace(SHAPE, activation="blend").holds(replace(SHAPE, activation="gelu"))


def test_a_net_without_hidden_layers_has_no_activation_to_compile_for() -> None:
    assert exact_shape({"hidden_layers": 0, "batch_size": 32}, SIGNATURE, 1000, "mse").activation == "linear"
