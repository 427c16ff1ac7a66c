from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.errors import SpecError
from hpsearch.spec import load_spec, make_spec

STUDIES = sorted((Path(__file__).parents[3] / "studies").glob("*.yaml"))
IRIS = "data: {sklearn: iris}\n"


@pytest.fixture
def faults(tmp_path: Path) -> Any:
    """Return the lines a person sees for a study file, without its path."""

    def read(text: str | bytes, name: str = "s.yaml") -> list[str]:
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(SpecError) as raised:
            load_spec(file)
        lines = str(raised.value).splitlines()
        assert all(line.startswith(f"{file}:") for line in lines)
        return [line.removeprefix(f"{file}:") for line in lines]

    return read


EVERYTHING = """\
data:
  csvv: a.csv
  taget: y
  features: [a]
  drop: [b]
  split: {validation: 2, column: part, shuffle: 3}
prepare:
  numeric: standrad
space:
  epochs: 010
  dropout: {low: 1, high: 0}
  activation: [relu, rleu]
search:
  trials: yes
  trials: 5
  sampler: {name: tpe, n_startup: 1}
  pruner: nonne
  workers: none
  start_with: [{hidden_layers: 1}]
"""


def test_every_fault_of_a_file_is_told_at_once_in_the_order_of_its_lines(faults: Any) -> None:
    found = [(line.split(":")[0], line.split("'")[1]) for line in faults(EVERYTHING)]
    assert found == [
        ("2", "data.csvv"),
        ("3", "data.taget"),
        ("5", "data.drop"),
        ("6", "data.split.validation"),
        ("6", "data.split.column"),
        ("6", "data.split.shuffle"),
        ("8", "prepare.numeric"),
        ("10", "space.epochs"),
        ("11", "space.dropout.low"),
        ("12", "space.activation.1"),
        ("14", "search.trials"),
        ("15", "search.trials"),
        ("16", "search.sampler.n_startup"),
        ("17", "search.pruner"),
        ("18", "search.workers"),
    ]


def test_a_first_configuration_is_checked_beside_other_faults_of_its_section(faults: Any) -> None:
    found = faults(IRIS + "search: {trials: x, start_with: [{hidden_layers: 9}]}")
    assert [line.split("'")[1] for line in found] == ["search.trials", "search.start_with.0"]


def test_conflicts_are_told_beside_a_wrong_value_of_their_section(faults: Any) -> None:
    found = faults("data: {csv: 5, parquet: b, categorical: [a], numeric: [a], separator: ab, split: 3}")
    assert [line.split("'")[1] for line in found] == [
        "data", "data.target", "data.csv", "data.numeric", "data.separator", "data.split",
    ]  # fmt: skip


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_a_study_that_ships_comes_back_from_its_plain_values(study: Path) -> None:
    spec = load_spec(study)
    plain = json.loads(json.dumps(spec.model_dump(mode="json")))
    assert make_spec(plain, folder=spec.folder) == spec


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_a_study_that_ships_can_be_written_again_without_its_defaults(study: Path) -> None:
    spec = load_spec(study)
    short = yaml.safe_dump(spec.model_dump(mode="json", exclude_defaults=True))
    assert make_spec(yaml.safe_load(short), folder=spec.folder) == spec


@pytest.mark.parametrize(
    ("file", "name"),
    [("bike.yaml", "bike"), ("été à Nice!.yml", "t-Nice"), ("---.yaml", "study"), ("x" * 150 + ".yaml", "x" * 100)],
)
def test_a_study_without_a_name_bears_its_files(tmp_path: Path, file: str, name: str) -> None:
    (tmp_path / file).write_text(IRIS)
    spec = load_spec(tmp_path / file)
    assert spec.name == name
    assert spec.folder == tmp_path


def test_beside_a_value_that_could_not_be_read_nothing_is_said_of_its_absence(faults: Any) -> None:
    found = faults("data: {csv: 010, target: 1:30, drop: 3}")
    assert [line.split("'")[1] for line in found] == ["data.csv", "data.target", "data.drop"]


def test_a_key_that_looks_like_a_place_in_a_list_is_a_key(faults: Any) -> None:
    (found,) = faults(IRIS + "space:\n  '0': 1")
    assert found.startswith("3:3: field 'space.0': '0' is not known here")


def test_a_spec_made_in_python_tells_its_faults_without_lines() -> None:
    with pytest.raises(SpecError) as raised:
        make_spec({"data": {"sklearn": "iris"}, "search": {"trials": 0}})
    message = "study: field 'search.trials': 0 is out of bounds; trials takes whole numbers 1..1000000"
    assert str(raised.value) == message


paths = st.sampled_from(
    [("data",), ("data", "split"), ("data", "split", "validation"), ("space", "neurons"), ("space", "dropout"),
     ("search", "sampler"), ("search", "pruner"), ("search", "start_with"), ("search", "workers"), ("prepare",),
     ("name",), ("search", "early_stopping"), ("data", "drop"), ("search", "timeout"), ("folder",),
     ("data", "features")]
)  # fmt: skip
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@given(paths, anything)
@settings(deadline=None, max_examples=300)
def test_any_value_in_any_place_is_a_study_or_a_spec_error(path: tuple[str, ...], value: object) -> None:
    values: dict[str, Any] = {"data": {"sklearn": "iris", "split": {}}, "space": {}, "search": {}, "prepare": {}}
    *outer, last = path
    at = values
    for key in outer:
        at = at[key]
    at[last] = value
    try:
        spec = make_spec(values)
    except SpecError as error:
        told(error)
    else:
        assert make_spec(spec.model_dump(mode="json"), folder=spec.folder) == spec


def told(error: SpecError) -> None:
    """Hold that no fault speaks pydantic's language."""
    assert error.faults
    for fault in error.faults:
        for foreign in ("Input should", "Value error", "validator", "pydantic", "Extra inputs", "FoldsSection"):
            assert foreign not in fault.message, fault
        assert "function-" not in fault.field, fault
