from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from hpsearch.cli.comparison import print_comparison
from hpsearch.report.compare import Comparison, Entry, compare

if TYPE_CHECKING:
    from hpsearch.space.space import Configuration

SHALLOW: Configuration = {"hidden_layers": 1, "neurons_1": 64, "learning_rate": 0.001}
BEST = Entry(
    "bike", 3, "rmse", "minimize", 40.0, SHALLOW, 321, 12.5, 40, {"val_rmse": 40.0}, values=(44.0, 46.0),
    standing="best", winner=True,
)  # fmt: skip
RIVAL = replace(
    BEST, trial=7, configuration=SHALLOW | {"neurons_1": 32}, values=(45.0, 49.0), standing="tied", p_value=0.31234,
    winner=False,
)  # fmt: skip


def printed(comparison: Comparison, width: int = 140) -> str:
    file = io.StringIO()
    print_comparison(Console(file=file, width=width, markup=False, highlight=False, emoji=False), comparison)
    return file.getvalue()


def line(text: str, name: str) -> list[str]:
    return next(cells.split() for cells in text.splitlines() if name in cells)


def test_hyperparameters_that_differ_are_marked_and_results_are_not() -> None:
    text = printed(compare([BEST, RIVAL]))
    assert line(text, "neurons_1") == ["*", "neurons_1", "64", "32"]
    assert line(text, "learning_rate") == ["learning_rate", "0.001", "0.001"]
    assert line(text, "mean") == ["mean", "45", "47"]
    assert "* differs between the configurations; ★ the best\n" in text


def test_how_each_stands_is_told_with_its_p_value() -> None:
    text = printed(compare([BEST, RIVAL]))
    assert "bike #3 ★" in text
    assert line(text, "verdict") == ["verdict", "best", "tied"]
    assert line(text, "p-value")[-2:] == ["-", "0.312"]
    assert line(text, "winner")[-2:] == ["yes", "-"]


def test_what_no_entry_has_takes_no_line() -> None:
    alone = printed(compare([replace(BEST, values=(), standing=None)]))
    assert "p-value" not in alone
    assert "latency" not in alone
    assert "* differs" not in alone


def test_notes_and_legend_stand_below_the_table() -> None:
    text = printed(compare([BEST, RIVAL], ["mind this"], ["words"]))
    assert text.endswith("\nmind this\nwords\n")


@pytest.mark.parametrize("entries", [[BEST, RIVAL], [BEST, RIVAL, RIVAL, RIVAL, RIVAL]])
def test_lines_end_with_their_text(entries: list[Entry]) -> None:
    text = printed(compare(entries))
    assert all(each == each.rstrip() for each in text.splitlines())
