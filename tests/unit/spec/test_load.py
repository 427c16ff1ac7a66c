from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpsearch.errors import SpecError
from hpsearch.spec import StudySpec, load_spec, make_spec

STUDIES = sorted((Path(__file__).parents[3] / "studies").glob("*.yaml"))
IRIS = "data: {sklearn: iris}\n"
SLUG = "use 1 to 100 of A-Z a-z 0-9 . _ - and begin with a letter or digit"


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


BAD = [
    # 1, 2: text that YAML 1.1 would have made something else
    (IRIS + "space:\n  learning_rate: '1e-3'",
     ["3:3: field 'space.learning_rate': '1e-3' is not a number; learning_rate takes numbers 1e-12..100"]),
    (IRIS + "search: {sampler: {name: tpe, group: no}}",
     ["2:31: field 'search.sampler.group': 'no' will not do; group takes true or false"]),
    # 4: unknown keys, at every level
    (IRIS + "space: {epoch: 5}", ["2:9: field 'space.epoch': 'epoch' is not known here; did you mean 'epochs'?"]),
    (IRIS + "serch: {trials: 5}", ["2:1: field 'serch': 'serch' is not known here; did you mean 'search'?"]),
    ("dta: {sklearn: iris}", ["1:1: field 'dta': 'dta' is not known here; did you mean 'data'?"]),
    ("data: {sklearn: iris, split: {tset: 0.2}}",
     ["1:31: field 'data.split.tset': 'tset' is not known here; did you mean 'test'?"]),
    ("data: {sklearn: iris, split: {validation: {fold: 3}}}",
     ["1:44: field 'data.split.validation.fold': 'fold' is not known here; did you mean 'folds'?"]),
    ("data: {sklearn: iris, split: {validation: {float: 3, folds: 3}}}",
     ["1:44: field 'data.split.validation.float': 'float' is not known here; known: folds"]),
    (IRIS + "space: {neurons: {lo: 3}}",
     ["2:19: field 'space.neurons.lo': 'lo' is not known here; did you mean 'low'?"]),
    (IRIS + "folder: /etc", ["2:1: field 'folder': 'folder' is not known here; remove it"]),
    # 9: numbers that are none, not whole, or out of bounds
    (IRIS + "search: {trials: yes}", ["2:10: field 'search.trials': 'yes' is not a whole number; write one"]),
    (IRIS + "search: {trials: true}", ["2:10: field 'search.trials': true is not a whole number; write one"]),
    (IRIS + "search: {trials: '5'}", ["2:10: field 'search.trials': '5' is not a whole number; write one"]),
    (IRIS + "search: {trials: 5.5}", ["2:10: field 'search.trials': 5.5 is not a whole number; write one"]),
    (IRIS + "search: {trials: 0}",
     ["2:10: field 'search.trials': 0 is out of bounds; give a number of at least 1"]),
    (IRIS + "search: {seed: -1}", ["2:10: field 'search.seed': -1 is out of bounds; give a number of at least 0"]),
    (IRIS + f"search: {{trials: {10**30}}}",
     [f"2:10: field 'search.trials': {10**30} is out of bounds; give a number of at most 1,000,000"]),
    (IRIS + f"search: {{trials: 1{'0' * 400}}}",
     ["2:10: field 'search.trials': .inf is not a whole number; write one"]),
    ("data: {sklearn: iris, split: {test: 1}}",
     ["1:31: field 'data.split.test': 1 is out of bounds; give a number below 1.0"]),
    # 10: what is not finite
    (IRIS + "search: {stop_at: .nan}", ["2:10: field 'search.stop_at': .nan is not finite; give a number that is"]),
    (IRIS + "search: {stop_at: 1e999}", ["2:10: field 'search.stop_at': .inf is not finite; give a number that is"]),
    (IRIS + "space: {dropout: .inf}",
     ["2:9: field 'space.dropout': .inf is not finite; dropout takes numbers 0..0.99"]),
    # 12, 13: ranges and choices
    (IRIS + "space: {dropout: {low: 0.5, high: 0.1}}",
     ["2:19: field 'space.dropout.low': low 0.5 is above high 0.1; swap them"]),
    (IRIS + "space: {epochs: [10, 20, x]}",
     ["2:26: field 'space.epochs.2': 'x' is not a number; epochs takes whole numbers 1..100000"]),
    # 14, 15: parameters that nothing uses
    (IRIS + "space: {hidden_layers: 0, dropout: 0.1}",
     ["2:27: field 'space.dropout': no net has dropout, as hidden_layers is 0; remove it, or allow a layer"]),
    (IRIS + "space: {hidden_layers: 0, neurons: {per_layer: false}, activation: relu}",
     ["2:56: field 'space.activation': no net has activation, as hidden_layers is 0; remove it, or allow a layer"]),
    # 16: names
    (IRIS + "search: {sampler: anneal}",
     ["2:10: field 'search.sampler': 'anneal' is no sampler; known: tpe, random, grid, qmc, cmaes, nsga2, "
      "keras-tuner/random, keras-tuner/bayesian, keras-tuner/hyperband, keras-tuner/grid"]),
    (IRIS + "search: {pruner: medain}", ["2:10: field 'search.pruner': 'medain' is no pruner; did you mean 'median'?"]),
    (IRIS + "search: {objective: RSME}", ["2:10: field 'search.objective': 'RSME' is no metric; did you mean 'rmse'?"]),
    (IRIS + "search: {objective: [rmse]}",
     ["2:10: field 'search.objective': ['rmse'] is no metric; did you mean 'rmse'?"]),
    (IRIS + "search: {loss: 3}",
     ["2:10: field 'search.loss': 3 is no loss; known: mse, mae, huber, binary_crossentropy, "
      "sparse_categorical_crossentropy"]),
    (IRIS + "search: {sampler: 3}",
     ["2:10: field 'search.sampler': 3 is neither a name nor a mapping; write NAME, or {name: NAME, OPTION: VALUE}"]),
    (IRIS + "search: {sampler: {group: true}}", ["2:10: field 'search.sampler.name': 'name' is missing; add it"]),
    ("data: {sklearn: irs}",
     ["1:8: field 'data.sklearn': 'irs' is not allowed; sklearn takes diabetes, breast_cancer, wine, digits, iris; "
      "did you mean 'iris'?"]),
    (IRIS + "prepare: {numeric: 3}",
     ["2:11: field 'prepare.numeric': 3 is not allowed; numeric takes standard, quantile, minmax, robust, none"]),
    # 18: counts and times
    (IRIS + "search: {workers: 0}",
     ["2:10: field 'search.workers': 0 workers cannot be; give auto, inline or a number from 1 to 1024"]),
    (IRIS + "search: {workers: many}",
     ["2:10: field 'search.workers': 'many' workers cannot be; give auto, inline or a number from 1 to 1024"]),
    (IRIS + "search: {timeout: 0}",
     ["2:10: field 'search.timeout': 0 is no duration; write a number of seconds or 30s, 10min, 1.5h"]),
    (IRIS + "search: {trial_timeout: soon}",
     ["2:10: field 'search.trial_timeout': 'soon' is no duration; write a number of seconds or 30s, 10min, 1.5h"]),
    # 20: names of studies
    (IRIS + "name: ../up",
     [f"2:1: field 'name': '../up' is no study name; {SLUG}"]),
    (IRIS + "name: 5",
     [f"2:1: field 'name': 5 is no study name; {SLUG}"]),
    (IRIS + f"name: {'x' * 600}",
     [f"2:1: field 'name': '{'x' * 56}... is no study name; {SLUG}"]),
    # sections
    ("name: x", [" field 'data': 'data' is missing; add it, as data: {csv: FILE, target: COLUMN}"]),
    ("data:", ["1:1: field 'data': 'data' is empty; give it keys, or remove the line"]),
    ("data: [1]", ["1:1: field 'data': [1] is not a mapping; write one"]),
    (IRIS + "space:\n", ["2:1: field 'space': 'space' is empty; give it keys, or remove the line"]),
    ("data: {csv: a.csv, parquet: b.parquet, target: y}",
     ["1:1: field 'data': data needs exactly one of csv, parquet, sklearn; found csv and parquet, keep one"]),
    ("data: {target: y}",
     ["1:1: field 'data': data needs exactly one of csv, parquet, sklearn; found none, add csv: FILE"]),
    ("data: {csv: a.csv}", ["1:1: field 'data.target': the column to predict is missing; add target: NAME"]),
    ("data: {csv: a.csv, target: y, categorical: [a, b], numeric: [b]}",
     ["1:52: field 'data.numeric': b cannot be both categorical and numeric; keep one"]),
    ("data: {csv: a.csv, target: y, time_ordered: t, split: {shuffle: true}}",
     ["1:31: field 'data.time_ordered': time order excludes split.column, shuffle and stratify; remove one"]),
    ("data: {csv: a.csv, target: y, split: {column: part, test: 0.1}}",
     ["1:39: field 'data.split.column': 'column' brings its own split; remove test"]),
    ("data: {csv: a.csv, target: y, separator: tab}",
     ["1:31: field 'data.separator': 'tab' is not allowed; separator is one character"]),
    ("data: {csv: a.csv, target: y, features: []}",
     ["1:31: field 'data.features': [] is empty; list at least one, or remove 'features'"]),
    ("data: {csv: a.csv, target: y, drop: b}", ["1:31: field 'data.drop': 'b' is not a list; write one"]),
    ("data: {csv: a.csv, target: y, split: {validation: 1.5}}",
     ["1:39: field 'data.split.validation': 1.5 is neither a share between 0 and 1, such as 0.2, nor {folds: 5}; "
      "write one"]),
    ("data: {csv: a.csv, target: y, split: {validation: {folds: 1}}}",
     ["1:52: field 'data.split.validation.folds': 1 is out of bounds; give a number of at least 2"]),
    ("data: {csv: a.csv, target: y, split: {stratify: maybe}}",
     ["1:39: field 'data.split.stratify': 'maybe' is not allowed; write auto, true or false"]),
    (IRIS + "space: {neurons: {per_layer: 3}}",
     ["2:19: field 'space.neurons.per_layer': 3 is not true or false; write true or false"]),
    (IRIS + "search: {start_with: [3]}", ["2:23: field 'search.start_with.0': 3 is not a mapping; write one"]),
    (IRIS + "search:\n  start_with:\n  - {hidden_layers: 7}",
     ["4:5: field 'search.start_with.0': hidden_layers 7 is outside 1..4"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BAD)
def test_a_fault_is_told_in_our_words_with_its_place_and_its_fix(faults: Any, text: str, expected: list[str]) -> None:
    assert faults(text) == expected


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


def test_a_file_that_is_not_there_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "bike.yaml").write_text(IRIS)
    with pytest.raises(
        SpecError, match=r"bkie.yaml: cannot be read: No such file or directory; did you mean 'bike.yaml'"
    ):
        load_spec(tmp_path / "bkie.yaml")
    with pytest.raises(SpecError, match=r"other.yaml: cannot be read: .*; study files there: bike.yaml"):
        load_spec(tmp_path / "other.yaml")


def test_a_folder_is_no_study_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="is a folder; name a study file"):
        load_spec(tmp_path)


def test_a_spec_made_in_python_tells_its_faults_without_lines() -> None:
    with pytest.raises(SpecError) as raised:
        make_spec({"data": {"sklearn": "iris"}, "search": {"trials": 0}})
    message = "study: field 'search.trials': 0 is out of bounds; give a number of at least 1"
    assert str(raised.value) == message


TEXT = STUDIES[1].read_bytes()
TOKENS = [
    b"",
    b"\n",
    b"\t",
    b" ",
    b":",
    b"- ",
    b"[",
    b"]",
    b"{",
    b"}",
    b"'",
    b'"',
    b"&a ",
    b"*a",
    b"!!int ",
    b"#",
    b"|",
]
TOKENS += [b"null", b"true", b"1e9", b"-1", b".nan", b"\xff", b"\x00", b"x", b",", b"%", b"1:30", b"?", b"folder: a\n"]
edits = st.lists(st.tuples(st.integers(0, len(TEXT)), st.integers(0, 12), st.sampled_from(TOKENS)), max_size=4)


@given(edits)
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_study_file_changed_anywhere_is_a_study_or_a_spec_error(
    tmp_path: Path, edits: list[tuple[int, int, bytes]]
) -> None:
    text = TEXT
    for at, removed, token in edits:
        text = text[:at] + token + text[at + removed :]
    file = tmp_path / "s.yaml"
    file.write_bytes(text)
    try:
        assert isinstance(load_spec(file), StudySpec)
    except SpecError as error:
        told(error)


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
