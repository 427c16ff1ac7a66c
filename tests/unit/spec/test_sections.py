from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from hpsearch.space.domain import Choices, FloatRange, IntRange
from hpsearch.space.table import ROWS, TABLE
from hpsearch.spec.sections import (
    DataSection,
    FoldsSection,
    ModelSection,
    NamedOptions,
    PrepareSection,
    SearchSection,
    SpaceSection,
    SplitSection,
    StudySpec,
    WinnerSection,
    check_name,
)
from hpsearch.spec.strategies import PRUNERS, SAMPLERS
from hpsearch.spec.values import parse_duration

DATA = DataSection(csv="a.csv", target="y")


def test_only_the_data_are_required() -> None:
    spec = StudySpec(data=DATA)
    assert (spec.name, spec.search.trials, spec.search.sampler.name, spec.search.pruner.name) == (
        "study", 50, "tpe", "median",
    )  # fmt: skip
    assert spec.space.build().defaults()["hidden_layers"] == 2
    assert spec.search.early_stopping is not None


def test_a_study_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        StudySpec(data=DATA).name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (90, 90.0),
        (0.5, 0.5),
        ("90s", 90.0),
        ("10min", 600.0),
        ("1.5h", 5400.0),
        ("1h 30min", 5400.0),
        ("2 d", 172800.0),
    ],
)
def test_a_duration_is_seconds_or_has_units(written: object, seconds: float) -> None:
    assert parse_duration(written) == seconds
    assert SearchSection(timeout=written).timeout == seconds  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "written", [0, -1, "", "soon", "5", "5 parsecs", "-1min", True, None, [], float("nan"), "9" * 400 + "h"]
)
def test_what_is_no_duration_is_told_how_to_write_one(written: object) -> None:
    with pytest.raises(PydanticCustomError, match=r"no duration; write a number of seconds or 30s, 10min, 1\.5h"):
        parse_duration(written)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(1, 59))
@settings(deadline=None)
def test_parts_of_a_duration_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert parse_duration(f"{hours}h {minutes}min {seconds}s") == hours * 3600 + minutes * 60 + seconds


@pytest.mark.parametrize("name", ["a", "bike_demand", "2024.v-1", "x" * 100])
def test_a_slug_is_a_name(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", ".hidden", "-rf", "a/b", "..", "a b", "a\n", "x" * 101, "é", "<script>", None, 5])
def test_what_could_leave_its_folder_is_no_name(name: object) -> None:
    with pytest.raises(PydanticCustomError, match="is no study name"):
        check_name(name)


def test_a_split_holds_out_a_share_or_folds() -> None:
    assert SplitSection(validation=0.25).validation == 0.25
    assert SplitSection.model_validate({"validation": {"folds": 5}}).validation == FoldsSection(folds=5)
    assert [SplitSection(stratify=value).stratify for value in ("auto", True, None)] == ["auto", True, None]


@pytest.mark.parametrize(
    ("written", "workers"), [("auto", "auto"), ("inline", "inline"), (4, 4), (2.0, 2), (1024, 1024)]
)
def test_workers_are_counted_or_named(written: Any, workers: object) -> None:
    assert SearchSection(workers=written).workers == workers


def test_a_whole_number_may_be_written_as_a_real_one() -> None:
    assert SearchSection(trials=1e3).trials == 1000  # type: ignore[arg-type]


def test_a_strategy_is_a_name_or_a_name_with_options() -> None:
    expected = NamedOptions(name="tpe", options={"n_startup_trials": 5})
    for written in (
        {"name": "tpe", "n_startup_trials": 5},
        {"name": "tpe", "options": {"n_startup_trials": 5}},
        expected,
    ):
        assert SearchSection.model_validate({"sampler": written}).sampler == expected
    assert SearchSection.model_validate({"pruner": "none"}).pruner == NamedOptions(name="none")


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_can_be_named(name: str) -> None:
    assert SearchSection.model_validate({"sampler": name}).sampler.name == name


@pytest.mark.parametrize("name", [name for name in PRUNERS if name != "threshold"])
def test_every_pruner_can_be_named(name: str) -> None:
    assert SearchSection.model_validate({"pruner": name}).pruner.name == name


def test_the_space_holds_the_rows_that_are_named_as_domains() -> None:
    section = SpaceSection.model_validate({"epochs": 5, "dropout": {"high": 0.2}, "activation": ["relu", "elu"]})
    assert section.domains() == {
        "activation": Choices(("relu", "elu")),
        "dropout": FloatRange(0.0, 0.2),
        "epochs": Choices((5,)),
    }


def test_one_width_for_all_layers_is_asked_for_beside_its_range() -> None:
    section = SpaceSection.model_validate({"neurons": {"low": 8, "high": 16, "per_layer": False}})
    assert section.neurons == IntRange(8, 16, log=True)
    assert [p.name for p in section.build() if p.row.name == "neurons"] == ["neurons"]
    alone = SpaceSection.model_validate({"neurons": {"per_layer": False}})
    assert alone.domains() == {}
    assert "neurons" in [p.name for p in alone.build()]


def test_the_space_has_a_field_for_every_row_of_the_table() -> None:
    assert list(SpaceSection.model_fields) == [*(row.name for row in TABLE), "per_layer"]


def test_the_target_of_a_bundled_set_has_a_name() -> None:
    assert DataSection(sklearn="iris").target_name == "target"
    assert DATA.target_name == "y"


def test_the_schema_describes_every_field_and_knows_nothing_of_our_own() -> None:
    schema = StudySpec.model_json_schema()
    assert set(schema["properties"]) == {"name", "description", "data", "prepare", "space", "model", "search", "winner"}
    assert schema["required"] == ["data"]
    space = schema["$defs"]["SpaceSection"]["properties"]
    assert list(space) == list(ROWS)
    for section in (
        DataSection,
        ModelSection,
        PrepareSection,
        SearchSection,
        SpaceSection,
        SplitSection,
        WinnerSection,
    ):
        shown = schema["$defs"][section.__name__]["properties"]
        assert all("description" in field for field in shown.values()), section


def test_the_schema_offers_what_the_model_takes() -> None:
    search = StudySpec.model_json_schema()["$defs"]["SearchSection"]["properties"]
    assert search["sampler"]["anyOf"][0] == {"enum": list(SAMPLERS)}
    assert search["pruner"]["anyOf"][0] == {"enum": list(PRUNERS)}
    assert {"rmse", None} <= set(search["objective"]["enum"])
    assert {"type": "string"} in search["timeout"]["anyOf"]
    assert set(
        StudySpec.model_json_schema()["$defs"]["SpaceSection"]["properties"]["optimizer"]["anyOf"][0]["enum"]
    ) == {
        *ROWS["optimizer"].legal.choices  # type: ignore[union-attr]
    }
