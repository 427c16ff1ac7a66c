from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.space.domain import Choices, FloatRange, IntRange
from hpsearch.space.space import Configuration, Space, build_space, configuration_key, widths
from hpsearch.space.table import TABLE

from .domains import spaces


@given(spaces())
@settings(deadline=None)
def test_the_defaults_lie_in_the_space(space: Space) -> None:
    assert space.contains(space.defaults())
    assert space.faults(space.defaults()) == []


@given(spaces(), st.integers(0, 4))
@settings(deadline=None)
def test_a_configuration_has_only_what_its_net_has(space: Space, depth: int) -> None:
    point = {p.name: p.domain.nearest(p.row.usual) for p in space} | {"hidden_layers": depth}
    configuration = space.active(point)
    assert sum(name.startswith("neurons_") for name in configuration) in (0, min(depth, _widths(space)))
    assert ("dropout" in configuration) == (depth > 0 and "dropout" in point)
    assert list(configuration) == [name for name in point if name in configuration]


def test_a_study_that_names_nothing_searches_the_tables_default_ranges() -> None:
    space = build_space({})
    names = ["hidden_layers", *(f"neurons_{i}" for i in range(1, 5)), "activation", "optimizer", "dropout"]
    assert [p.name for p in space] == [*names, "learning_rate", "batch_size", "epochs"]
    assert all(p.domain == p.row.default for p in space)


def test_what_the_space_leaves_no_choice_of_need_not_be_written() -> None:
    space = build_space({"hidden_layers": Choices((1,)), "epochs": Choices((10,)), "optimizer": Choices(("adam",))})
    given = {"neurons_1": 32, "activation": "relu", "dropout": 0.1, "learning_rate": 0.01, "batch_size": 16}
    whole = space.completed(given)
    assert whole == given | {"hidden_layers": 1, "epochs": 10, "optimizer": "adam"}
    assert space.contains(whole)
    assert not space.contains(given)


def test_optional_rows_take_part_when_named() -> None:
    assert [p.name for p in build_space({"l2": FloatRange(0.0, 0.1)}) if p.row.optional] == ["l2"]


def test_one_width_serves_all_layers_when_asked() -> None:
    space = build_space({"hidden_layers": IntRange(0, 3)}, per_layer=False)
    assert [p.name for p in space if p.row.name == "neurons"] == ["neurons"]
    assert "neurons" not in space.active({p.name: p.row.usual for p in space} | {"hidden_layers": 0})


def test_a_linear_model_has_no_parameter_of_a_hidden_layer() -> None:
    names = [p.name for p in build_space({"hidden_layers": Choices((0,))})]
    assert names == ["hidden_layers", "optimizer", "learning_rate", "batch_size", "epochs"]


def test_the_number_of_configurations_counts_each_net_once() -> None:
    domains = {
        "hidden_layers": IntRange(0, 2), "neurons": Choices((4, 8)), "activation": Choices(("relu", "tanh")),
        "optimizer": Choices(("adam",)), "dropout": FloatRange(0.0, 0.2, 0.1), "learning_rate": Choices((0.1,)),
        "batch_size": Choices((8,)), "epochs": IntRange(1, 5),
    }  # fmt: skip
    assert build_space(domains).count() == 5 * (1 + 2 * 2 * 3 + 2 * 2 * 2 * 3)
    assert build_space(domains, per_layer=False).count() == 5 * (1 + 2 * 2 * 3 + 2 * 2 * 3)
    assert build_space({}).count() is None


GOOD: Configuration = build_space({}).defaults()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"hidden_layers": None}, "hidden_layers is missing; it decides which other parameters exist; give it first"),
        (
            {"hidden_layers": 2.0},
            "hidden_layers 2.0 is not a whole number; it decides which other parameters exist; give it first",
        ),
        ({"hidden_layers": 9}, "hidden_layers 9 is outside 1..4; give one of these, or widen hidden_layers"),
        (
            {"neurons_3": 64},
            "neurons_3 does not exist in a net with 2 hidden layers; remove it, or give more hidden_layers",
        ),
        ({"neurons_2": None}, "neurons_2 is missing; it takes 16..256, log; add it"),
        ({"neurons_1": 8}, "neurons_1 8 is outside 16..256, log; give one of these, or widen neurons"),
        ({"neurons_1": True}, "neurons_1 true is outside 16..256, log; give one of these, or widen neurons"),
        (
            {"activation": "gelu"},
            "activation 'gelu' is outside relu, tanh, sigmoid, elu; give one of these, or widen activation",
        ),
        ({"actvation": "relu"}, "'actvation' is not in this space; did you mean 'activation'?"),
        ({"l2": 0.1}, "'l2' is not in this space; known: " + ", ".join(p.name for p in build_space({}))),
    ],
)
def test_a_configuration_that_does_not_fit_is_told_why(change: dict[str, Any], fault: str) -> None:
    changed = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    assert build_space({}).faults(changed) == [fault]
    assert not build_space({}).contains(changed)


def test_all_that_is_wrong_with_a_configuration_is_told_at_once() -> None:
    changed = {**GOOD, "dropout": 2.0, "epochs": 1, "x": 1}
    assert len(build_space({}).faults(changed)) == 3


def test_the_widths_of_a_net_are_read_either_way() -> None:
    assert widths({"hidden_layers": 2, "neurons_1": 8, "neurons_2": 4}) == (8, 4)
    assert widths({"hidden_layers": 2, "neurons": 8}) == (8, 8)
    assert widths({"hidden_layers": 0}) == ()


@given(spaces(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_key_of_a_configuration_does_not_depend_on_the_order(space: Space, draw: Any) -> None:
    items = list(space.defaults().items())
    key = configuration_key(dict(items))
    draw.shuffle(items)
    assert configuration_key(dict(items)) == key


@given(st.floats(0, 1) | st.integers(0, 9), st.floats(0, 1) | st.integers(0, 9))
@settings(deadline=None)
def test_keys_are_equal_where_configurations_are(a: float, b: float) -> None:
    assert (configuration_key({"dropout": a}) == configuration_key({"dropout": b})) == (a == b)


def _widths(space: Space) -> int:
    return sum(p.name.startswith("neurons_") for p in space)


def test_every_row_of_the_table_can_be_named() -> None:
    assert {p.row.name for p in build_space({row.name: row.default for row in TABLE})} == {row.name for row in TABLE}
