from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import errors
from hpsearch.errors import (
    Fault,
    HpsearchError,
    NoTrialCompleted,
    SpecError,
    TrialFailed,
    as_written,
    printable,
    suggestion,
)


def test_a_fault_is_described_with_what_is_known_of_its_place() -> None:
    assert Fault("a.b", "is wrong", 3, 7).describe("s.yaml") == "s.yaml:3:7: field 'a.b': is wrong"
    assert Fault("", "is empty", 1).describe("s.yaml") == "s.yaml:1: is empty"
    assert Fault("a", "is wrong").describe("study") == "study: field 'a': is wrong"


def test_a_spec_error_shows_each_of_its_faults_on_a_line() -> None:
    error = SpecError([Fault("a", "one", 1, 1), Fault("b", "two", 2, 1)], "s.yaml")
    assert str(error).splitlines() == ["s.yaml:1:1: field 'a': one", "s.yaml:2:1: field 'b': two"]
    assert [fault.field for fault in error.faults] == ["a", "b"]


def test_a_users_mistake_exits_with_two_and_a_study_without_a_trial_with_three() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, HpsearchError)]
    assert {kind.exit_code for kind in kinds if kind is not NoTrialCompleted} == {2}
    assert NoTrialCompleted.exit_code == 3


def test_the_tree_in_the_docstring_names_every_error_and_its_parent() -> None:
    kinds = {n: k for n, k in vars(errors).items() if isinstance(k, type) and issubclass(k, HpsearchError)}
    drawn: list[tuple[str, int]] = []
    for line in str(errors.__doc__).splitlines():
        name = line.strip("│├└─ ").split(" ")[0]
        if name in kinds:
            drawn.append((name, (len(line) - len(line.lstrip("│├└─ "))) // 4))
    assert {name for name, _ in drawn} == set(kinds)
    for index, (name, depth) in enumerate(drawn[1:], start=1):
        parent = next(n for n, d in reversed(drawn[:index]) if d == depth - 1)
        assert kinds[name].__bases__[0] is kinds[parent]


def test_a_failed_trial_carries_its_reason() -> None:
    assert TrialFailed("diverged at epoch 3").reason == "diverged at epoch 3"


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("epoch", "; did you mean 'epochs'?"),
        ("EPOCHS", "; did you mean 'epochs'?"),
        ("xyz", "; known: epochs, Dropout"),
        ("dropout", "; did you mean 'Dropout'?"),
    ],
)
def test_a_suggestion_names_the_nearest_or_all(given: str, hint: str) -> None:
    assert suggestion(given, ["epochs", "Dropout"]) == hint


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), (1, "1"), ("a", "'a'"), (math.inf, ".inf"), (-math.inf, "-.inf"), ([1], "[1]")],
)
def test_a_value_is_shown_as_a_study_file_writes_it(value: object, text: str) -> None:
    assert as_written(value) == text
    assert yaml.safe_load(text) == value


def test_a_value_is_shown_in_one_short_line() -> None:
    assert as_written(math.nan) == ".nan"
    assert as_written(10**5000) == "a number of 16,610 bits"
    assert as_written("x" * 500) == "'" + "x" * 56 + "..."


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=50))
@settings(deadline=None)
def test_any_value_fits_a_line(value: object) -> None:
    text = as_written(value)
    assert len(text) <= 60
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("größe °C 日本 x\u00a0y", "größe °C 日本 x\u00a0y"),
        ("\x1b[2Jx\x07\r\n", "\\x1b[2Jx\\x07\\r\\n"),
        ("a\u202eb\u2028c\udcff", "a\\u202eb\\u2028c\\udcff"),
    ],
)
def test_what_would_act_on_the_terminal_is_written_as_its_escape(text: str, printed: str) -> None:
    assert printable(text) == printed
    assert Fault(text, text).describe(text).count(printed) == 3


def test_control_characters_that_are_to_stay_stay() -> None:
    assert printable("a\n\tb\x1b", keep="\n\t") == "a\n\tb\\x1b"


def test_of_many_faults_fifty_are_printed_and_the_rest_counted() -> None:
    error = SpecError([Fault(f"f{n}", "wrong", n) for n in range(1, 1_052)], "s.yaml")
    lines = str(error).splitlines()
    assert (len(lines), lines[-1], len(error.faults)) == (51, "s.yaml: and 1,001 more; mend these first", 1_051)


def test_the_path_of_a_field_is_shortened() -> None:
    assert len(Fault("x" * 10_000, "wrong").describe("s.yaml")) < 160
