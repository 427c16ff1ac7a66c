import re
from dataclasses import replace
from statistics import fmean, stdev

import pytest

from hpsearch.data.scored_rows import ScoredRows
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
    lines = compare([replace(ENTRY, configuration=shuffled)]).rows()
    assert [line.name for line in lines if line.group == "hyperparameters"] == list(space.active(point))


@pytest.mark.parametrize(("direction", "best"), [("minimize", OTHER), ("maximize", ENTRY)])
def test_the_best_goes_by_the_direction(direction, best):
    comparison = compare([replace(ENTRY, direction=direction), replace(OTHER, direction=direction)])
    assert comparison.best.trial == best.trial
    assert comparison.best_column == f"bike #{best.trial}"


@pytest.mark.parametrize("value", [None, float("nan")])
def test_an_entry_without_a_value_is_never_the_best(value):
    assert compare([replace(ENTRY, value=value), OTHER]).best is OTHER
    assert compare([replace(ENTRY, value=value)]).best is None


def test_the_best_is_what_stands_as_best_whatever_the_search_found():
    stands = replace(ENTRY, values=(45.0, 46.0), standing="best")
    comparison = compare([stands, replace(OTHER, values=(47.0, 48.0), standing="tied", p_value=0.3)])
    assert comparison.best is stands
    assert comparison.notes == ()


def test_no_best_is_named_where_only_one_was_trained_again():
    comparison = compare([replace(ENTRY, values=(45.0, 46.0)), OTHER])
    assert comparison.best is None
    assert comparison.notes == ("only 'bike' was trained again on new seeds: no best is named",)


def test_mean_standard_deviation_and_n_are_of_the_new_seeds():
    comparison = compare([replace(ENTRY, values=(3.0, 5.0, 10.0), standing="best"), OTHER])
    assert row(comparison, "mean").values == (fmean((3, 5, 10)), None)
    assert row(comparison, "sd").values == (stdev((3, 5, 10)), None)
    assert row(comparison, "n").values == (3, None)
    assert row(comparison, "value").values == (45.0, 44.0)


def test_what_was_not_trained_again_is_marked_as_searched():
    judged = replace(ENTRY, values=(3.0, 5.0), standing="tied", p_value=0.7)
    comparison = compare([replace(ENTRY, values=(2.0, 4.0), standing="best"), judged, OTHER])
    assert row(comparison, "verdict").values == ("best", "tied", "searched")
    assert row(comparison, "p_value").values == (None, 0.7, None)


def test_a_size_is_that_of_float32_weights():
    assert row(compare([ENTRY]), "size_bytes").values == (321 * 4,)


def test_latency_has_a_row_for_each_percentile_and_batch():
    measured = {"p50_batch_1": 1e-3, "p99_batch_1": 2e-3, "p50_batch_1000": 1e-6, "p99_batch_1000": 3e-6}
    comparison = compare([replace(ENTRY, latency=measured), OTHER])
    for name, seconds in measured.items():
        assert row(comparison, f"latency_{name}").values == (seconds, None)


def test_of_the_study_files_only_what_differs_has_a_row():
    other = replace(OTHER, settings={"prepare.numeric": "quantile", "search.seed": "0"})
    comparison = compare([replace(ENTRY, settings={"prepare.numeric": "standard", "search.seed": "0"}), other])
    assert row(comparison, "prepare.numeric").values == ("standard", "quantile")
    assert "search.seed" not in {line.name for line in comparison.rows()}


def test_entries_of_other_objectives_are_refused_with_both_studies_and_both_objectives():
    other = replace(OTHER, study="boat", objective="r2", direction="maximize")
    with pytest.raises(StudyError, match=r"'bike' and 'boat':\n  objective: rmse \(minimize\) -> r2 \(maximize\)"):
        compare([ENTRY, other])


def test_entries_of_other_rows_are_refused_with_all_that_differs_and_what_to_do():
    scored = ScoredRows("bike.csv", "abc", "c0ffee", {"data.target": "cnt", "data.split.seed": 0})
    other = replace(scored, prepared="xyz", fields={"data.target": "temp", "data.split.seed": 1})
    boat, car = (replace(OTHER, study=name, scored=other) for name in ("boat", "car"))
    with pytest.raises(StudyError) as caught:
        compare([replace(ENTRY, scored=scored), boat, car, car])
    text = str(caught.value)
    lines = "  data.target: 'cnt' -> 'temp'\n  data.split.seed: 0 -> 1\n"
    assert f"'bike' and 'boat':\n{lines}'bike' and 'car':\n{lines}give " in text
    assert len(re.findall("'car'", text)) == 1


def test_entries_of_the_same_rows_prepared_otherwise_are_compared():
    scored = ScoredRows("bike.csv", "abc", "c0ffee", {"data.target": "cnt"})
    other = replace(OTHER, data_digest="xyz", scored=replace(scored, prepared="xyz"))
    assert compare([replace(ENTRY, scored=scored), other]).best is other


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
