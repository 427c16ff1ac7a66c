from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.errors import SpecError
from hpsearch.spec.document import MAX_NODES, read_document


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
        ("1e400", float("inf")),
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


NOT_YAML = "s.yaml:{}: not valid YAML: {}"

BAD = [
    # 3: duplicate keys
    ("a: 1\nb: 2\na: 3", ["s.yaml:3:1: field 'a': stands twice, first in line 1; remove one"]),
    ("a: {b: 1, b: 2}", ["s.yaml:1:11: field 'a.b': stands twice, first in line 1; remove one"]),
    # 5: the text itself
    ("a:\n\tb: 1", [NOT_YAML.format("2:1", "a tab stands here; use spaces")]),
    ("a: 'x\nb: 1", [NOT_YAML.format("1:4", "the quote that opens here is never closed; close it")]),
    ("a: [1, 2\nb: 3", [NOT_YAML.format(
        "1:4", "the list [ that opens here is not closed, or lacks a comma; check its brackets and commas")]),
    ("a: {b: 1\nc: 2", [NOT_YAML.format(
        "1:4", "the mapping { that opens here is not closed, or lacks a comma; check its brackets and commas")]),
    ("a: b: c", [NOT_YAML.format(
        "1:5", "a second ':' stands in this line, or it is indented too far; quote the text or align the line")]),
    ("a:\n  b: 1\n c: 2", [NOT_YAML.format(
        "3:2", "this line is neither 'key: value' nor indented like its neighbours; check the colon and the spaces")]),
    ("a: 1\n- b", [NOT_YAML.format(
        "2:1", "this line is neither 'key: value' nor indented like its neighbours; check the colon and the spaces")]),
    ("a: @b", [NOT_YAML.format("1:4", "this sign cannot begin a value; quote the text")]),
    (b"a: 1\nb: \x00", [NOT_YAML.format("2", "the control character 0x00 stands here; remove it")]),
    (b"a: 1\nb: \xe9t\xe9", ["s.yaml:2: byte 8 is not UTF-8; save the file as UTF-8"]),
    ("a: 1".encode("utf-16"), ["s.yaml:1: byte 0 is not UTF-8; save the file as UTF-8"]),
    # 6: no mapping, or several
    ("", ["s.yaml:1: found nothing; a study file is a mapping that begins with data:"]),
    ("# only a comment\n", ["s.yaml:1: found nothing; a study file is a mapping that begins with data:"]),
    ("- a\n- b", ["s.yaml:1: found a list; a study file is a mapping that begins with data:"]),
    ("just text", ["s.yaml:1: found a single value; a study file is a mapping that begins with data:"]),
    ("a: 1\n---\nb: 2", [NOT_YAML.format(
        "2:1", "a second document begins here; a study file holds one, remove the ---")]),
    # 7: tags
    ("a: !!python/object/apply:os.system [ls]",
     ["s.yaml:1:4: field 'a': the tag !!python/object/apply:os.system is not allowed; remove it"]),
    ("a: !!str 5", ["s.yaml:1:4: field 'a': the tag !!str is not allowed; remove it"]),
    ("a: !mine {b: 1}", ["s.yaml:1:4: field 'a': the tag !mine is not allowed; remove it"]),
    ("!!python/name:os.x : 1", ["s.yaml:1:1: the tag !!python/name:os.x is not allowed; remove it"]),
    ("a: !!set {b}", ["s.yaml:1:4: field 'a': the tag !!set is not allowed; remove it"]),
    # 8: aliases
    ("a: &x [1]\nb: *x", ["s.yaml:1:4: field 'b': an alias (*name) repeats a part of the file; write it out"]),
    ("a: &x [*x]", ["s.yaml:1:4: field 'a.0': an alias (*name) repeats a part of the file; write it out"]),
    # 11: numbers that readers disagree on
    ("a: 010", ["s.yaml:1:4: field 'a': 010 is ambiguous: a leading zero means octal to some readers; "
                "write it without, or quote it"]),
    ("a: 1:30", ["s.yaml:1:4: field 'a': 1:30 is ambiguous: YAML 1.1 reads it in base 60; quote it, or write 90s"]),
    ("a: 1_000", ["s.yaml:1:4: field 'a': 1_000 is ambiguous: write the number without underscores, or quote it"]),
    ("a: 0x1F", ["s.yaml:1:4: field 'a': 0x1F is ambiguous: write the number in decimal, or quote it"]),
    ("? [a]\n: 1", ["s.yaml:1:3: a key must be a plain name; write name: value"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BAD)
def test_a_fault_of_the_text_is_told_with_its_place_and_its_fix(text: str | bytes, expected: list[str]) -> None:
    assert faults(text) == expected


def test_all_faults_of_the_values_are_told_at_once() -> None:
    assert [line.split(":")[1] for line in faults("a: 010\nb: !!str 5\nc: 1_0\nc: 2\n")] == ["1", "2", "3", "4"]


def test_a_bomb_of_aliases_is_refused_before_it_is_unfolded() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    found = faults(bomb)
    assert 0 < len(found) < 100
    assert all("an alias (*name) repeats" in line for line in found)


def test_a_file_of_more_than_a_megabyte_is_not_read() -> None:
    text = "a: " + "x" * 1_000_000
    assert faults(text) == ["s.yaml: the file has 1,000,003 bytes; a study file has at most 1 MB"]


def test_a_file_of_too_many_values_is_refused_once() -> None:
    text = f"a: [{','.join(['1'] * (MAX_NODES + 50))}]"
    assert faults(text) == ["s.yaml:1:19997: field 'a.9996': more than 10,000 values; a study file is smaller"]


@pytest.mark.parametrize("depth", [30, 200, 400, 600, 5000])
def test_brackets_within_brackets_are_refused_at_any_depth(depth: int) -> None:
    (found,) = faults("a: " + "[" * depth + "]" * depth)
    assert "more than 20" in found


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
