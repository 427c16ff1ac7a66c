from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hpsearch.search.suggestion import End, fixed, narrower, number_text, rounded, study_line, wider, without
from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange, Value
from hpsearch.space.table import ROWS, TABLE, Row
from hpsearch.spec import StudySpec, make_spec
from hpsearch.spec.document import read_document


def load(line: str) -> StudySpec:
    """Load a study file that has the line in its space."""
    text = f"data: {{sklearn: diabetes}}\nspace:\n  {line}\n"
    return make_spec(read_document(text.encode(), "study.yaml").values)


@st.composite
def ranges(draw: st.DrawFn, row: Row) -> Domain:
    legal = row.legal
    assert not isinstance(legal, Choices)
    if isinstance(legal, IntRange):
        low, high = sorted(draw(st.tuples(*[st.integers(legal.low, min(legal.high, 300))] * 2)))
        step = draw(st.sampled_from([1, 1, 2, 5]))
        return IntRange(low, low + (high - low) // step * step, step, log=step == 1 and low > 0 and draw(st.booleans()))
    low, high = sorted(draw(st.tuples(*[st.floats(max(legal.low, 1e-9), min(legal.high, 1.0))] * 2)))
    low, high = float(f"{low:.4g}"), float(f"{high:.4g}")
    assume(legal.low <= low and high <= legal.high)
    return FloatRange(low, high, log=draw(st.booleans()))


@st.composite
def rows_and_domains(draw: st.DrawFn) -> tuple[Row, Domain]:
    row = draw(st.sampled_from(TABLE))
    if isinstance(row.legal, Choices):
        return row, Choices(tuple(draw(st.lists(st.sampled_from(row.legal.choices), min_size=1, unique=True))))
    if draw(st.booleans()):
        return row, draw(ranges(row))
    domain = draw(ranges(row))
    values = draw(st.lists(st.sampled_from(_some(domain)), min_size=1, unique=True))
    return row, Choices(tuple(values))


def _some(domain: Domain) -> list[Value]:
    assert not isinstance(domain, Choices)
    return list({domain.nearest(domain.low + (domain.high - domain.low) * part / 4): None for part in range(5)})


@given(rows_and_domains(), st.sampled_from(["low", "high"]))
def test_a_wider_domain_loads_and_holds_all_it_held_and_more(given: tuple[Row, Domain], end: End) -> None:
    row, old = given
    new = wider(row, old, end)
    assume(new is not None)
    assert new is not None
    assert load(study_line(row, new)).space.domains() == {row.name: new}
    if isinstance(old, Choices):
        assert isinstance(new, Choices)
        assert set(old.choices) < set(new.choices)
    else:
        assert not isinstance(new, Choices)
        kept: End = "high" if end == "low" else "low"
        assert getattr(new, kept) == getattr(old, kept)
        assert new.low <= old.low <= old.high <= new.high
        assert (new.low, new.high) != (old.low, old.high)
        assert new.contains(old.low)
        assert new.contains(old.high)


@given(rows_and_domains(), st.sampled_from(["low", "high"]), st.floats(0, 1))
def test_a_narrower_domain_loads_and_lies_within(given: tuple[Row, Domain], end: End, part: float) -> None:
    row, old = given
    assume(not isinstance(row.legal, Choices))
    numbers = [float(v) for v in (old.choices if isinstance(old, Choices) else (old.low, old.high))]
    new = narrower(old, end, min(numbers) + part * (max(numbers) - min(numbers)))
    assume(new is not None)
    assert new is not None
    assume(row.name != "hidden_layers" or new.nearest(99) != 0)
    assert load(study_line(row, new)).space.domains() == {row.name: new}
    assert new != old
    ends = new.choices if isinstance(new, Choices) else (new.low, new.high)
    assert all(old.contains(value) for value in ends)


@given(rows_and_domains(), st.floats(0, 1))
def test_a_fixed_value_loads_and_is_one_of_the_domain(given: tuple[Row, Domain], part: float) -> None:
    row, domain = given
    values = domain.choices if isinstance(domain, Choices) else tuple(_some(domain))
    only = fixed(domain, values[int(part * (len(values) - 1))])
    assert domain.contains(only.choices[0])
    assert load(study_line(row, only)).space.domains() == {row.name: only}


@pytest.mark.parametrize(
    ("row", "domain", "end", "line"),
    [
        ("learning_rate", FloatRange(1e-4, 1e-1, log=True), "high", "learning_rate: {low: 1e-4, high: 1, log: true}"),
        ("learning_rate", FloatRange(1e-4, 1e-1, log=True), "low", "learning_rate: {low: 1e-5, high: 0.1, log: true}"),
        ("learning_rate", FloatRange(1e-2, 1e-1, log=True), "high", "learning_rate: {low: 0.01, high: 0.3, log: true}"),
        ("neurons", IntRange(16, 256, log=True), "high", "neurons: {low: 16, high: 512, log: true}"),
        ("hidden_layers", IntRange(1, 2), "high", "hidden_layers: {low: 1, high: 3}"),
        ("hidden_layers", IntRange(1, 4), "low", "hidden_layers: {low: 0, high: 4}"),
        ("epochs", IntRange(30, 100), "high", "epochs: {low: 30, high: 150}"),
        ("epochs", IntRange(30, 100), "low", "epochs: {low: 15, high: 100}"),
        ("epochs", IntRange(10, 50, 10), "high", "epochs: {low: 10, high: 70, step: 10}"),
        ("dropout", FloatRange(0.0, 0.5), "high", "dropout: {low: 0, high: 0.8}"),
        ("dropout", FloatRange(0.0, 0.9), "high", "dropout: {low: 0, high: 0.99}"),
        ("dropout", FloatRange(0.0, 0.6, 0.1), "high", "dropout: {low: 0, high: 0.9, step: 0.1}"),
        ("batch_size", Choices((16, 32, 64)), "high", "batch_size: [16, 32, 64, 128]"),
        ("batch_size", Choices((16, 32, 64)), "low", "batch_size: [8, 16, 32, 64]"),
        ("batch_size", Choices((64, 32, 16)), "low", "batch_size: [64, 32, 16, 8]"),
        ("dropout", Choices((0.1, 0.2, 0.3)), "high", "dropout: [0.1, 0.2, 0.3, 0.4]"),
    ],
)  # fmt: skip
def test_bounds_move_as_far_as_a_person_would_move_them(row: str, domain: Domain, end: End, line: str) -> None:
    moved = wider(ROWS[row], domain, end)
    assert moved is not None
    assert study_line(ROWS[row], moved) == line


@pytest.mark.parametrize(
    ("row", "domain", "end"),
    [
        ("dropout", FloatRange(0.0, 0.5), "low"),
        ("dropout", FloatRange(0.0, 0.99), "high"),
        ("dropout", FloatRange(0.0, 0.9, 0.3), "high"),
        ("hidden_layers", IntRange(0, 4), "low"),
        ("hidden_layers", IntRange(4, 16), "high"),
        ("batch_size", Choices((1, 2)), "low"),
        ("batch_size", Choices((32,)), "high"),
        ("optimizer", Choices(("adam", "sgd")), "high"),
    ],
)
def test_what_the_table_forbids_is_not_suggested(row: str, domain: Domain, end: End) -> None:
    assert wider(ROWS[row], domain, end) is None


def test_a_width_that_all_layers_share_stays_shared() -> None:
    for domain in (IntRange(16, 512, log=True), Choices((16, 32)), Choices((64,))):
        spec = load(study_line(ROWS["neurons"], domain, shared=True))
        assert not spec.space.per_layer
        assert spec.space.domains() == {"neurons": domain}


def test_choices_are_left_out_by_name() -> None:
    assert without(Choices(("adam", "sgd", "rmsprop")), ["sgd"]) == Choices(("adam", "rmsprop"))


def test_numbers_are_rounded_as_a_person_would() -> None:
    assert [rounded(v) for v in (0.00173, 0.23, 47.0, 0.0)] == [0.0015, 0.25, 50.0, 0.0]
    assert [rounded(v, "up") for v in (0.75, 135.0, 9.0, 10.0)] == [0.8, 150.0, 10.0, 10.0]
    assert [rounded(v, "down") for v in (0.75, 135.0, 9.0, 10.0)] == [0.6, 100.0, 8.0, 10.0]


@given(st.floats(1e-12, 1e12))
def test_a_number_reads_back_the_same(value: float) -> None:
    values = read_document(f"value: {number_text(value)}".encode(), "x").values
    assert values == {"value": value}


def test_numbers_are_short() -> None:
    assert [number_text(v) for v in (1e-4, 3e-4, 0.02, 1e-12, 2.5e-05, 512.0)] == [
        "1e-4", "3e-4", "0.02", "1e-12", "2.5e-5", "512",
    ]  # fmt: skip
