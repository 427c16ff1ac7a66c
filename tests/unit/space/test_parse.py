from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange
from hpsearch.space.optuna import to_distribution
from hpsearch.space.parse import DomainError, parse_domain, write_domain
from hpsearch.space.table import ROWS, TABLE

from .domains import domains

rows_with_domains = st.sampled_from(TABLE).flatmap(lambda row: st.tuples(st.just(row), domains(row)))
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
spans = st.fixed_dictionaries(
    {}, optional={key: scalars | st.just([1]) for key in ("low", "high", "step", "log", "choices", "per_layer", "lo")}
)


@given(rows_with_domains)
@settings(deadline=None)
def test_a_written_domain_reads_back_as_itself(drawn: Any) -> None:
    row, domain = drawn
    assert parse_domain(row, write_domain(domain)) == domain


@given(st.sampled_from(TABLE), anything | spans)
@settings(deadline=None)
def test_whatever_is_written_is_a_legal_domain_or_a_domain_error(row: Any, written: object) -> None:
    try:
        domain = parse_domain(row, written)
    except DomainError as error:
        told = [message for _, message in error.faults]
        assert told
        assert all(told)
        return
    ends = domain.choices if isinstance(domain, Choices) else (domain.low, domain.high)
    assert all(row.legal.contains(value) for value in ends)


@given(st.decimals("0.01", "0.9", places=2), st.decimals("0.01", "0.9", places=2), st.decimals("0.01", "0.9", places=2))
@settings(deadline=None)
def test_a_step_that_we_accept_optuna_takes_as_it_is(low: Any, high: Any, step: Any) -> None:
    low, high, step = *sorted((float(low), float(high))), float(step)
    try:
        domain = parse_domain(ROWS["dropout"], {"low": low, "high": high, "step": step})
    except DomainError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Optuna lowers an end that the step does not reach, and says so
        assert to_distribution(domain).high == high  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("row", "written", "domain"),
    [
        ("epochs", 50, Choices((50,))),
        ("epochs", 5.0, Choices((5,))),
        ("learning_rate", 1, Choices((1.0,))),
        ("neurons", {"high": 64}, IntRange(16, 64, log=True)),
        ("neurons", {"low": 16, "high": 64, "step": 16}, IntRange(16, 64, 16)),
        ("neurons", {"log": False}, IntRange(16, 256)),
        ("dropout", {"high": 0.3, "step": 0.1}, FloatRange(0.0, 0.3, 0.1)),
        ("activation", "relu", Choices(("relu",))),
        ("activation", {"choices": ["relu", "elu"]}, Choices(("relu", "elu"))),
        ("batch_size", {"low": 8, "high": 64}, IntRange(8, 64)),
        ("epochs", IntRange(1, 3), IntRange(1, 3)),
    ],
)
def test_a_row_is_fixed_narrowed_or_listed(row: str, written: object, domain: Domain) -> None:
    assert parse_domain(ROWS[row], written) == domain


BAD = [
    ("epochs", "yes", {"": "'yes' is not a number; epochs takes whole numbers 1..100000"}),
    ("epochs", True, {"": "true is not a number; epochs takes whole numbers 1..100000"}),
    ("epochs", "5", {"": "'5' is not a number; epochs takes whole numbers 1..100000"}),
    ("epochs", 5.5, {"": "5.5 is not a whole number; epochs takes whole numbers 1..100000"}),
    ("epochs", 0, {"": "0 is out of bounds; epochs takes whole numbers 1..100000"}),
    ("epochs", -1, {"": "-1 is out of bounds; epochs takes whole numbers 1..100000"}),
    ("epochs", 10**30, {"": f"{10**30} is out of bounds; epochs takes whole numbers 1..100000"}),
    ("epochs", 10**400, {"": "a number of 1,329 bits is out of bounds; epochs takes whole numbers 1..100000"}),
    ("epochs", float("nan"), {"": ".nan is not finite; epochs takes whole numbers 1..100000"}),
    ("dropout", float("inf"), {"": ".inf is not finite; dropout takes numbers 0..0.99"}),
    ("dropout", None, {"": "null is not a number; dropout takes numbers 0..0.99"}),
    ("neurons", {"low": 64, "high": 16}, {"low": "low 64 is above high 16; swap them"}),
    ("neurons", {"low": 300}, {"low": "low 300 is above high 256; give high too, this one is the default"}),
    ("neurons", {"high": 8}, {"high": "low 16 is above high 8; give low too, this one is the default"}),
    (
        "hidden_layers",
        {"low": 0, "high": 4, "log": True},
        {"low": "low 0 is not above 0, which log needs; raise it or set log: false"},
    ),
    (
        "hidden_layers",
        {"low": 1, "high": 4, "step": 2},
        {"step": "step 2 from 1 does not reach 4; write high: 3"},
    ),
    (
        "dropout",
        {"low": 0.1, "high": 0.5, "step": 0.3},
        {"step": "step 0.3 from 0.1 does not reach 0.5; write high: 0.4"},
    ),
    (
        "dropout",
        {"step": 1e-300},
        {"step": "step 1e-300 makes more than 1,000,000,000 values; raise or remove it"},
    ),
    ("dropout", {"step": 0}, {"step": "0 is no step; give a number above 0"}),
    ("epochs", {"step": 1.5}, {"step": "1.5 is no step; give a whole number above 0"}),
    (
        "neurons",
        {"low": 16, "high": 64, "step": 16, "log": True},
        {"step": "step and log cannot go together; remove one"},
    ),
    ("neurons", {"log": "no"}, {"log": "'no' is not true or false; write one of them"}),
    ("neurons", {"lo": 3}, {"lo": "'lo' is not known here; did you mean 'low'?"}),
    ("neurons", {"low": 0, "high": "x"}, {
        "low": "0 is out of bounds; neurons takes whole numbers 1..16384",
        "high": "'x' is not a number; neurons takes whole numbers 1..16384",
    }),
    ("batch_size", {"low": 8}, {"high": "'high' is missing; batch_size has no default range; give low and high"}),
    ("activation", [], {"": "the list of choices is empty; give at least one"}),
    ("activation", {"choices": []}, {"choices": "the list of choices is empty; give at least one"}),
    ("activation", {"choices": "relu"}, {"choices": "'relu' is not a list; write choices: [a, b, ...]"}),
    ("activation", {"choices": ["relu"], "low": 1}, {"low": "'low' cannot stand beside choices; remove it"}),
    ("activation", ["relu", "rleu"], {"1": "'rleu' is no activation; did you mean 'relu'?"}),
    ("activation", ["relu", "relu"], {"1": "'relu' stands twice; remove one"}),
    ("activation", ["relu", 3], {"1": "3 is no activation; known: relu, tanh, sigmoid, elu, selu, gelu, silu, "
                                      "leaky_relu, softplus, linear"}),
    ("activation", ["relu", ["tanh"]], {"1": "['tanh'] is no activation; did you mean 'tanh'?"}),
    ("batch_size", [16, 16.0], {"1": "16.0 stands twice; remove one"}),
    ("dropout", ["x", 0], {"0": "'x' is not a number; dropout takes numbers 0..0.99"}),
    ("batch_size", [0], {"0": "0 is out of bounds; batch_size takes whole numbers 1..1048576"}),
    ("optimizer", {"low": 1}, {"": "found a range; optimizer takes adam, sgd, rmsprop, adamw, nadam, adagrad, adamax, "
                                   "momentum, nesterov; write one, or a list of them"}),
    ("epochs", {"\x1b[31m": 1}, {"\x1b[31m": "'\\x1b[31m' is not known here; known: low, high, step, log"}),
]  # fmt: skip


@pytest.mark.parametrize(("row", "written", "faults"), BAD)
def test_each_fault_says_what_was_found_what_is_allowed_and_the_fix(row: str, written: Any, faults: Any) -> None:
    with pytest.raises(DomainError) as raised:
        parse_domain(ROWS[row], written)
    assert dict(raised.value.faults) == faults
