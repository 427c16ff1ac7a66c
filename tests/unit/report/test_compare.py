from dataclasses import replace

import pytest

from hpsearch.errors import StudyError
from hpsearch.report.compare import Entry, compare
from hpsearch.space.domain import IntRange
from hpsearch.space.space import build_space

SHALLOW = {"hidden_layers": 1, "neurons_1": 64, "activation": "relu", "learning_rate": 0.001}
DEEP = {"learning_rate": 0.001, "hidden_layers": 2, "neurons_2": 32, "neurons_1": 64, "activation": "tanh"}
ENTRY = Entry("bike", 3, "rmse", "minimize", 45.0, SHALLOW, 321, 12.5, 40, {"val_rmse": 45.0}, "abc", "20 % test")
OTHER = replace(ENTRY, trial=7, value=44.0, configuration=DEEP, metrics={"test_rmse": 46.0})


def row(comparison, name):
    return next(row for row in comparison.rows() if row.name == name)


def test_hyperparameters_that_differ_are_marked_and_named():
    comparison = compare([ENTRY, OTHER])
    assert comparison.differing == ("hidden_layers", "neurons_2", "activation")
    assert not row(comparison, "learning_rate").differs


def test_a_hyperparameter_that_a_net_does_not_have_is_none():
    assert row(compare([ENTRY, OTHER]), "neurons_2").values == (None, 32)


def test_hyperparameters_stand_in_the_tables_order_with_widths_by_layer():
    space = build_space({"hidden_layers": IntRange(1, 12)})
    point = {parameter.name: parameter.domain.nearest(50) for parameter in space} | {"hidden_layers": 12}
    shuffled = dict(sorted(space.active(point).items()))
    names = [line.name for line in compare([replace(ENTRY, configuration=shuffled)]).rows()]
    assert names[3:-5] == list(space.active(point))


@pytest.mark.parametrize(("direction", "best"), [("minimize", OTHER), ("maximize", ENTRY)])
def test_the_best_goes_by_the_direction(direction, best):
    comparison = compare([replace(ENTRY, direction=direction), replace(OTHER, direction=direction)])
    assert comparison.best.trial == best.trial
    assert comparison.best_column == f"bike #{best.trial}"


@pytest.mark.parametrize("value", [None, float("nan")])
def test_an_entry_without_a_value_is_never_the_best(value):
    assert compare([replace(ENTRY, value=value), OTHER]).best is OTHER
    assert compare([replace(ENTRY, value=value)]).best is None


def test_entries_of_other_objectives_are_not_ranked():
    comparison = compare([ENTRY, replace(OTHER, objective="r2", direction="maximize")])
    assert comparison.best is None
    assert "r2 (maximize), rmse (minimize)" in comparison.notes[0]


def test_other_data_and_other_splits_are_said():
    notes = compare([ENTRY, replace(OTHER, data_digest="xyz", split="5 folds")]).notes
    assert len(notes) == 2


def test_columns_never_bear_the_same_name():
    assert compare([ENTRY, ENTRY, ENTRY]).columns == ("bike #3", "bike #3 (2)", "bike #3 (3)")


def test_the_frame_has_a_column_a_configuration_and_a_row_a_line():
    comparison = compare([ENTRY, OTHER])
    frame = comparison.to_frame()
    assert list(frame.columns) == ["bike #3", "bike #7", "differs"]
    assert list(frame.index) == [line.name for line in comparison.rows()]
    assert frame.loc["neurons_1", "bike #7"] == 64
    assert isinstance(frame.loc["neurons_1", "bike #7"], int)
    assert list(frame.index[frame["differs"] & frame.index.isin(SHALLOW)]) == ["hidden_layers", "activation"]


def test_nothing_to_compare_is_an_error():
    with pytest.raises(StudyError, match="nothing to compare"):
        compare([])
