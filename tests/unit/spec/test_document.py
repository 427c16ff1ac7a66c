from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.errors import SpecError
from hpsearch.spec.document import read_document


def read(text: str | bytes) -> dict[str, Any]:
    document = read_document(text if isinstance(text, bytes) else text.encode(), "s.yaml")
    assert not document.faults, document.faults
    return document.values


def faults(text: str | bytes) -> list[str]:
    """Every fault as a person sees it, whether it stops the reading or not."""
    try:
        document = read_document(text if isinstance(text, bytes) else text.encode(), "s.yaml")
    except SpecError as error:
        return str(error).splitlines()
    return [fault.describe("s.yaml") for fault in document.faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1.0e-3", 0.001),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0", 0),
        ("+12", 12),
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("null", None),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ('"no"', "no"),
        ("2024-01-01", "2024-01-01"),
        (".inf", float("inf")),
        ("-.INF", float("-inf")),
        ("=", "="),
        ("relu", "relu"),
    ],
)
def test_a_plain_value_means_what_yaml_1_2_says(text: str, value: object) -> None:
    found = read(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


def test_the_file_may_begin_with_a_byte_order_mark_and_end_its_lines_as_windows_does() -> None:
    assert read(b"\xef\xbb\xbfa: 1\r\nb: [x, y]\r\n") == {"a": 1, "b": ["x", "y"]}


def test_every_path_has_its_line_and_column() -> None:
    document = read_document(b"a:\n  b: [1, 2]\nc: {d: e}\n", "s.yaml")
    places = {("a",): (1, 1), ("a", "b"): (2, 3), ("a", "b", 1): (2, 10), ("c", "d"): (3, 5)}
    assert {path: document.marks[path] for path in places} == places


def test_all_faults_of_the_values_are_told_at_once() -> None:
    assert [line.split(":")[1] for line in faults("a: 010\nb: !!str 5\nc: 1_0\nc: 2\n")] == ["1", "2", "3", "4"]


def test_a_bomb_of_aliases_is_refused_before_it_is_unfolded() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    found = faults(bomb)
    assert 0 < len(found) < 100
    assert all("an alias (*name) repeats" in line for line in found)


@pytest.mark.parametrize("text", ['"\\ud83d\\ude00"', '{"\\ud83d\\ude00": 1}'])
def test_a_character_in_two_halves_as_json_has_it_is_one(text: str) -> None:
    assert read(f"a: {text}")["a"] in ("\U0001f600", {"\U0001f600": 1})


texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, min_size=1, max_size=4))
@settings(deadline=None)
def test_json_is_read_as_what_it_is(content: dict[str, Any]) -> None:
    assert read(json.dumps(content, ensure_ascii=False)) == content
