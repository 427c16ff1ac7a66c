from __future__ import annotations

from typing import Any

import pytest

from hpsearch.search.samplers import grid
from hpsearch.search.widen import fitting, rewritten
from hpsearch.space.domain import Choices, IntRange
from hpsearch.space.hypermodel import hypermodel_space
from hpsearch.space.parse import DomainError
from hpsearch.space.space import build_space


def found(name: str, choices: list[Any], *needs: tuple[str, list[Any]], kind: str = "int") -> dict[str, Any]:
    conditions = [[{"parent": parent, "values": values} for parent, values in needs]] if needs else []
    return {
        "name": name, "kind": kind, "domain": {"choices": choices}, "usual": choices[0], "asked": "hp.Choice",
        "needs": conditions,
    }  # fmt: skip


DEEP = ("kind", ["deep"])
FOUND = [
    found("kind", ["linear", "deep"], kind="category"),
    found("layers", [1, 2, 3], DEEP),
    found("units", [8, 16], ("layers", [2, 3])),
]
SPACE = hypermodel_space(FOUND, own={"epochs": Choices((3,)), "batch_size": Choices((16, 32))})


def values(**given: Any) -> dict[str, Any]:
    return given | {"batch_size": 16, "epochs": 3}


def test_what_a_missing_parameter_decides_is_missing_too() -> None:
    point = values(kind="linear", layers=3, units=8)
    assert SPACE.active(point) == values(kind="linear")
    assert SPACE.active(point | {"kind": "deep"}) == values(kind="deep", layers=3, units=8)
    assert SPACE.active(point | {"kind": "deep", "layers": 1}) == values(kind="deep", layers=1)


def test_each_kind_of_net_is_counted_and_walked_once() -> None:
    walked = list(grid(SPACE, 0))
    assert SPACE.count() == len(walked) == 2 * (1 + 1 + 2 + 2)
    assert all(SPACE.contains(configuration) for configuration in walked)
    assert len({str(sorted(configuration.items())) for configuration in walked}) == len(walked)


def test_a_configuration_that_is_in_no_net_is_told_why() -> None:
    assert SPACE.faults(values(kind="linear", layers=2)) == [
        "layers does not exist in a net with kind linear; remove it"
    ]
    assert SPACE.faults(values(kind="linear", units=8)) == ["units does not exist in a net with no layers; remove it"]


def test_true_and_false_may_be_written_as_such() -> None:
    space = hypermodel_space([found("normalized", ["false", "true"], kind="category")], {"normalized": True})
    assert space.completed({"normalized": True, "batch_size": 16, "epochs": 30})["normalized"] == "true"
    assert space.parameters[0].domain == Choices(("true",))


def test_names_of_the_table_mean_what_the_hypermodel_makes_of_them() -> None:
    space = hypermodel_space([found("hidden_layers", [1, 2]), found("l2", [0, 1], ("hidden_layers", [2]))])
    assert not space.tabular
    one = {"hidden_layers": 1, "batch_size": 16, "epochs": 30}
    assert rewritten(one, space) == one
    assert space.contains(one)
    assert fitting([], space) == ([], {})


def test_a_name_that_was_not_found_is_told_with_the_nearest() -> None:
    with pytest.raises(DomainError) as told:
        hypermodel_space(FOUND, {"unit": 3, "layers": [1, 9]})
    assert [at for at, _ in told.value.faults] == ["unit", "layers.1"]
    assert "did you mean 'units'" in told.value.faults[0][1]


def test_the_table_s_layers_are_conditions_too() -> None:
    widths = [p for p in build_space({"hidden_layers": IntRange(0, 2)}) if p.row.name == "neurons"]
    assert [[p.active({"hidden_layers": depth}) for depth in range(3)] for p in widths] == [
        [False, True, True],
        [False, False, True],
    ]
