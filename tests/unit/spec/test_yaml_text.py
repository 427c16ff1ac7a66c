from __future__ import annotations

import pytest

from hpsearch.errors import SpecError
from hpsearch.spec.yaml_text import MAX_BYTES, MAX_DEPTH, MAX_NODES, compose


def fault(text: str | bytes) -> str:
    with pytest.raises(SpecError) as raised:
        compose(text if isinstance(text, bytes) else text.encode(), "s.yaml")
    return str(raised.value)


def test_an_empty_text_has_no_root() -> None:
    assert compose(b"# nothing", "s.yaml") is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a:\n\tb: 1", "2:1: not valid YAML: a tab"),
        ("a: 'x\nb: 1", "1:4: not valid YAML: the quote that opens here"),
        ("a: 'x\n---\nb'", "1:4: not valid YAML: the quote that opens here is not closed before the ---"),
        ("a: {b: 1\nc: 2", "1:4: not valid YAML: the mapping {"),
        ("a: [1, 2\nb: 3", "1:4: not valid YAML: the list ["),
        ("a: [", "1:5: not valid YAML: the file ends"),
        ("a: 1\n- b", "2:1: not valid YAML: this line is neither"),
        ("a: !x!y z", "1:4: not valid YAML: a ! begins a tag"),
        ("a: !<x", "1:7: not valid YAML: a ! begins a tag"),
        ("a: & b", "1:5: not valid YAML: a & or * begins an alias"),
        ("a: &x 1\nb: &x 2", "2:4: not valid YAML: a & or * begins an alias"),
        ("%YAML 3.1\n---\na: 1", "1:1: not valid YAML: a line that begins with %"),
        ("{a: 1}\n{b: 2}", "2:1: not valid YAML: this cannot be read"),
        ("a: 1\nb: c\x1b", "2:5: not valid YAML: the control character 0x1b stands here; remove it"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place_and_cause(text: str, place: str) -> None:
    assert fault(text).startswith(f"s.yaml:{place}")


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 600, 100_000])
@pytest.mark.parametrize(
    ("nested", "column"), [("[", MAX_DEPTH + 1), ("{? ", 3 * MAX_DEPTH + 1), ("{a: ", 4 * MAX_DEPTH - 2)]
)
def test_a_text_of_any_depth_is_refused_where_it_is_too_deep(nested: str, column: int, depth: int) -> None:
    assert fault(nested * depth).startswith(f"s.yaml:1:{column}: more than {MAX_DEPTH} lists or mappings")


@pytest.mark.parametrize("line", ["- 1\n", "key{}: 1\n", "- {{a: 1}}\n"])
def test_a_text_of_too_many_values_is_refused_where_they_are_too_many(line: str) -> None:
    text = "".join(line.format(n) for n in range(MAX_NODES))
    assert fault(text).endswith(f"more than {MAX_NODES:,} keys and values; a study file is smaller; shorten it")


def test_a_text_of_as_many_values_as_are_allowed_is_read() -> None:
    assert compose(("- 1\n" * (MAX_NODES - 1)).encode(), "s.yaml") is not None


def test_a_text_of_more_than_a_megabyte_is_not_read() -> None:
    assert "the file has 1,000,001 bytes" in fault(b"x" * (MAX_BYTES + 1))
