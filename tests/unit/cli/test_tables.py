from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

import hpsearch
from hpsearch.cli import tables
from hpsearch.spec import make_spec


@pytest.fixture
def pipe() -> Console:
    return Console(file=io.StringIO(), width=140, markup=False, highlight=False, emoji=False, soft_wrap=True)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("configuration", "text"),
    [
        ({}, ""),
        ({"hidden_layers": 0, "optimizer": "sgd", "learning_rate": 0.5}, "no hidden layer, sgd, learning_rate 0.5"),
        (
            {"hidden_layers": 2, "neurons_1": 64, "neurons_2": 32, "activation": "relu", "optimizer": "adam",
             "learning_rate": 0.000123456, "epochs": 30},
            "64-32 relu, adam, learning_rate 0.0001235, epochs 30",
        ),
    ],
)  # fmt: skip
def test_a_configuration_is_told_in_a_line(configuration: dict[str, int | float | str], text: str) -> None:
    assert tables.configuration_text(configuration) == text


def test_a_table_in_a_pipe_ends_with_its_text(finished: Path, pipe: Console) -> None:
    tables.print_studies(pipe, hpsearch.studies(finished))
    assert printed(pipe)
    assert all(line == line.rstrip() for line in printed(pipe).splitlines())


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("interrupted", "(interrupted; run the same command to go on)"),
        ("timeout", "(the time is over)"),
        ("exhausted", "(every configuration was tried)"),
        ("good enough", "(stop_at is reached)"),
    ],
)
def test_a_launch_that_ended_early_says_why(finished: Path, pipe: Console, ending: str, told: str) -> None:
    tables.print_result(pipe, replace(hpsearch.load("rentals", store=finished), ending=ending))
    assert f"4 of 4 trials done: 2 completed, 1 pruned, 1 failed {told}\n" in printed(pipe)


def test_a_launch_that_spent_its_budget_says_nothing_of_it(finished: Path, pipe: Console) -> None:
    tables.print_result(pipe, replace(hpsearch.load("rentals", store=finished), ending="budget"))
    assert "2 completed, 1 pruned, 1 failed\n" in printed(pipe)


def test_the_end_of_a_launch_tells_failures_by_their_kind_and_counts_the_rare_ones(
    finished: Path, pipe: Console
) -> None:
    result = hpsearch.load("rentals", store=finished)
    reasons = ["diverged at epoch 9", "diverged at epoch 3", *(f"{letter}Error: no" for letter in "ABCDEFG")]
    records = tuple(replace(result.records[2], number=n, reason=reason) for n, reason in enumerate(reasons))
    tables.print_result(pipe, replace(result, records=records))
    told = [line for line in printed(pipe).splitlines() if line.startswith("failed: ")]
    assert told[0] == "failed: diverged at epoch 3 to 9 (2 trials)"
    assert told[1:5] == [f"failed: {letter}Error: no (1 trial)" for letter in "ABCD"]
    assert told[5:] == ["failed: 3 more, for other reasons"]


def test_an_interrupted_launch_without_a_completed_trial_says_so(finished: Path, pipe: Console) -> None:
    result = replace(hpsearch.load("rentals", store=finished), records=(), ending="interrupted")
    tables.print_result(pipe, result)
    assert printed(pipe).endswith("no trial completed yet\n")


def test_the_space_is_printed_in_the_groups_of_the_table(pipe: Console) -> None:
    spec = make_spec({"data": {"sklearn": "iris"}, "space": {"hidden_layers": {"low": 1, "high": 3}}})
    tables.print_space(pipe, spec)
    text = printed(pipe)
    assert "neurons_1 .. neurons_3  16..256, log" in text
    assert "0.0001..0.1, log" in text
    assert text.endswith("configurations: unlimited (dropout, learning_rate are continuous)\n")


def test_a_space_of_choices_is_counted(pipe: Console) -> None:
    space = {
        "hidden_layers": 0,
        "optimizer": ["adam", "sgd"],
        "learning_rate": [0.1, 0.01],
        "batch_size": 8,
        "epochs": 5,
    }
    tables.print_space(pipe, make_spec({"data": {"sklearn": "iris"}, "space": space}))
    assert printed(pipe).endswith("configurations: 4\n")


def test_the_time_is_split_by_how_trials_ended_only_where_they_did_so_differently(
    finished: Path, pipe: Console
) -> None:
    tables.print_study(pipe, hpsearch.load("flowers", store=finished), 5)
    (line,) = [line for line in printed(pipe).splitlines() if line.startswith("training time")]
    assert "(" not in line
