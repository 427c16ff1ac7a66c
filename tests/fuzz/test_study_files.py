"""Whatever bytes stand in a study file: a study that can be written and read again, or faults in our own words.

The examples here are few enough for every change; `settings(max_examples=20_000)(test)()` runs one of the tests longer.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hpsearch import cli
from hpsearch.errors import SpecError
from hpsearch.metrics import LOSSES, METRICS
from hpsearch.space.table import ACTIVATIONS, OPTIMIZERS, ROWS
from hpsearch.spec import StudySpec, load_spec
from hpsearch.spec.strategies import PRUNERS, SAMPLERS

STUDIES = [path.read_bytes() for path in sorted((Path(__file__).parents[2] / "studies").glob("*.yaml"))]
TREES = [yaml.safe_load(study) for study in STUDIES]

SCHEMA = json.dumps(StudySpec.model_json_schema())
KEYS = sorted(
    {
        key
        for model in re.findall(r'"properties": (\{.*?\}), "title"', SCHEMA)
        for key in re.findall(r'"(\w+)": \{', model)
    }
    | {*ROWS, "neurons_1", "low", "high", "step", "log", "choices", "per_layer", "folds", "options", "folder"}
    | {option for strategy in (*SAMPLERS.values(), *PRUNERS.values()) for option in strategy}
)
WORDS = [
    *KEYS,
    *METRICS,
    *ACTIVATIONS,
    *OPTIMIZERS,
    *SAMPLERS,
    *PRUNERS,
    *(loss for found in LOSSES.values() for loss in found),
]
WORDS += [
    "iris",
    "wine",
    "auto",
    "none",
    "no",
    "off",
    "1e-3",
    "10min",
    "90s",
    "1:30",
    "010",
    "a.csv",
    "../up",
    "~",
    "~x",
    "$X",
]
NUMBERS = [
    0,
    1,
    -1,
    2,
    5,
    16,
    0.5,
    1e-3,
    -0.0,
    1e300,
    -1e-300,
    10**30,
    10**320,
    float("nan"),
    float("inf"),
    True,
    False,
]
HOSTILE = [
    "",
    " ",
    "\x1b[31m",
    "\u202e",
    "\x00",
    "\u2028",
    "a" * 10_000,
    "<script>",
    "a.b",
    "0",
    "²",
    "\U0001f600",
    "\ud800",
]

scalars = (
    st.sampled_from([*NUMBERS, *HOSTILE, None])
    | st.sampled_from(WORDS)
    | st.floats()
    | st.integers()
    | st.text(max_size=8)
)
keys = st.sampled_from(KEYS) | st.sampled_from(HOSTILE) | st.text(max_size=4)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5), max_leaves=20
)
structures = st.dictionaries(
    st.sampled_from(["data", "space", "search", "winner", "prepare", "name"]) | keys, anything, max_size=6
)

TOKENS = [
    *"\n\t :-[]{}'\"#|>!%@`,?.\\0123456789eE_~&*\x1b\x00\x85\u2028\ufeff²",
    "\n  ", "- ", ": ", "? ", "&a ", "*a", "!!int ", "<<: ", "---\n", "...\n", "%YAML 1.2\n", "\\x1b", "\\ud800",
    "null", "true", "1e9", "-1", ".nan", ".inf", "1:30", "0x1F", "folder: a\n", "9" * 400, "[" * 30,
    "a: {" * 30, "x" * 5000,
]  # fmt: skip
edits = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 12), st.sampled_from(TOKENS)), min_size=1, max_size=5)


def dumped(tree: Any, flow: bool = False) -> bytes:
    """Write a tree as YAML, and what YAML cannot hold by its escape."""
    return yaml.dump(tree, sort_keys=False, default_flow_style=flow, width=10**6).encode("utf-8", "backslashreplace")


@st.composite
def mutated(draw: Any) -> bytes:
    """Draw a shipped study in which nodes are deleted, doubled, renamed, replaced or of another type."""
    tree: Any = json.loads(json.dumps(draw(st.sampled_from(TREES))))
    for _ in range(draw(st.integers(1, 4))):
        at: Any = tree
        while isinstance(at, dict | list) and at:
            key = draw(st.sampled_from(list(at) if isinstance(at, dict) else range(len(at))))
            if isinstance(at[key], dict | list) and at[key] and draw(st.booleans()):
                at = at[key]
                continue
            change = draw(st.sampled_from(["delete", "double", "rename", "replace", "type", "wrap"]))
            value = at[key]
            if change == "delete":
                del at[key]
            elif change == "replace":
                at[key] = draw(anything)
            elif change == "type":
                at[key] = str(value) if not isinstance(value, str) else draw(st.sampled_from(NUMBERS))
            elif change == "wrap":
                at[key] = draw(st.sampled_from([[value], {"low": value}, {"name": value}, [value, value]]))
            elif isinstance(at, list):
                at.append(value)
            else:
                at[draw(keys)] = at.pop(key) if change == "rename" else value
            break
    return dumped(tree, draw(st.booleans()))


@st.composite
def edited(draw: Any) -> bytes:
    """Draw a shipped study with characters taken out and others put in."""
    text = draw(st.sampled_from(STUDIES)).decode()
    for at, removed, token in draw(edits):
        text = text[:at] + token + text[at + removed :]
    return text.encode()


contents = st.one_of(
    st.builds(dumped, structures, st.booleans()), st.builds(dumped, anything), st.text().map(str.encode), st.binary(),
    st.lists(st.sampled_from(TOKENS) | st.sampled_from(WORDS), max_size=30).map(lambda parts: "".join(parts).encode()),
    mutated(), edited(),
)  # fmt: skip

Read = Callable[[bytes], None]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "s.yaml"


FOREIGN = re.compile(
    r"Traceback|Input should|type=|pydantic|validation error|Extra inputs|Value error|function-|<class|object at 0x|"
    r"\bNone\b|\bTrue\b|\bFalse\b|Section\b|Domain\b|\bdict|tuple|\bstr\b|\bint\b|NoneType|Error\b"
)

SHOWN = re.compile(r"'[^']*(?:'|\.\.\.)|\"[^\"]*(?:\"|\.\.\.)|\{.*(?:\}|\.\.\.)|\[.*(?:\]|\.\.\.)")
"""what a message repeats of the file"""


def told(error: SpecError, file: Path, content: bytes) -> None:
    """Hold that every fault is in our words, fit to print, and has its line."""
    text = str(error)
    lines = sum(content.count(end) for end in (b"\n", b"\r", b"\x85", b"\xe2\x80")) + 1
    assert error.faults
    for fault in error.faults:
        own = SHOWN.sub("", fault.message)
        assert own.strip(), fault
        assert ";" in fault.message, fault
        assert not FOREIGN.search(own), fault
        whole = fault.message.startswith(("the file has", "'data' is missing"))
        assert whole or (fault.line is not None and 1 <= fault.line <= lines), fault
    for line in text.split("\n"):
        assert line.startswith(f"{file}:")
        assert all(c.isprintable() or category(c) == "Zs" for c in line)
        assert len(line) < 1_000
    assert text.count("\n") <= 50


common = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@given(contents)
@settings(common, max_examples=400)
@example(b'description: "\\U99999999"')
@example(b"data: {sklearn: iris}\nspace: {\xc2\xb2: 1}")
def test_a_file_of_any_content_is_a_study_that_comes_back_or_faults_with_their_lines(
    file: Path, content: bytes
) -> None:
    file.write_bytes(content)
    try:
        spec = load_spec(file)
    except SpecError as error:
        told(error, file, content)
        return
    file.write_text(json.dumps(spec.model_dump(mode="json")))
    assert load_spec(file) == spec


@given(contents)
@settings(common, max_examples=150)
def test_the_command_line_reads_a_file_of_any_content_or_ends_with_2_and_its_name(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    file.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["hpsearch", "space", str(file), "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    if ended.value.code == 0:
        assert json.loads(out)["parameters"]
        return
    assert (ended.value.code, out) == (2, "")
    assert err.startswith(f"{file}:")
    assert "Traceback" not in err
