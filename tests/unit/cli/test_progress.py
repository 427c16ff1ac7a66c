from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from hpsearch.cli.progress import Bar, Lines, make_display, opening, trial_line
from hpsearch.records import EpochRecord, StudyInfo, TrialRecord

INFO = StudyInfo("bikes", "0" * 16, "rmse", "minimize", "regression", "d")


def trial(number: int, state: Any = "completed", value: float | None = None, **more: Any) -> TrialRecord:
    configuration = {"hidden_layers": 0, "optimizer": "adam", "learning_rate": 0.1, "batch_size": 8, "epochs": 3}
    return TrialRecord(number, configuration, state, value=value, seconds=1.25, **more)


@pytest.fixture
def pipe() -> Console:
    return Console(file=io.StringIO(), width=200, markup=False, highlight=False, soft_wrap=True)


@pytest.fixture
def terminal() -> Console:
    return Console(file=io.StringIO(), width=110, markup=False, highlight=False, soft_wrap=True, force_terminal=True)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_pipe_gets_lines_and_a_terminal_a_bar(pipe: Console, terminal: Console) -> None:
    assert isinstance(make_display(pipe), Lines)
    assert isinstance(make_display(terminal), Bar)


@pytest.mark.parametrize(
    ("trials", "workers", "done", "line"),
    [
        (20, 2, 0, "study 'bikes': minimize val_rmse in 20 trials; 2 workers"),
        (20, 1, 7, "study 'bikes': minimize val_rmse in 20 trials, 7 done in earlier launches; 1 worker"),
        (20, 0, 20, "study 'bikes': all 20 trials are done; add some with --more"),
    ],
)
def test_a_launch_opens_with_what_it_is_about_to_do(trials: int, workers: int, done: int, line: str) -> None:
    assert opening(INFO, trials, workers, done) == line


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (trial(3, value=1.5), "trial 3: completed rmse 1.5, 1.2 s | "),
        (trial(4, "pruned", reason="pruned at epoch 6"), "trial 4: pruned at epoch 6, 1.2 s | "),
        (trial(5, "failed", reason="diverged at epoch 2"), "trial 5: failed (diverged at epoch 2), 1.2 s | "),
        (trial(6, "interrupted", reason="worker died"), "trial 6: interrupted (worker died), 1.2 s | "),
        (trial(7, value=1.5, copy_of=3), "trial 7: completed, known from trial 3 rmse 1.5 | "),
    ],
)
def test_a_trial_is_told_by_how_it_ended(record: TrialRecord, line: str) -> None:
    configuration = "no hidden layer, adam, learning_rate 0.1, batch_size 8, epochs 3"
    assert trial_line(record, INFO) == line + configuration


def test_lines_count_the_trials_and_mark_the_best_so_far(pipe: Console) -> None:
    shown = Lines(pipe)
    shown.begin(INFO, 4, 2, [trial(0, value=5.0)])
    for record in (trial(1, value=9.0), trial(2, value=3.0), trial(3, "interrupted", reason="stopped")):
        shown.trial_started(record)
        shown.epoch(record.number, EpochRecord(0, 1, {"val_rmse": 9.0}))
        shown.trial_ended(record)
    shown.note("a note with [brackets]")
    shown.end()
    _, second, third, fourth, note = printed(pipe).splitlines()
    assert second.startswith("[2/4] trial 1: completed rmse 9,")
    assert "best so far" not in second
    assert third.startswith("[3/4] trial 2: completed rmse 3,")
    assert third.endswith("(best so far)")
    assert fourth.startswith("[3/4] trial 3: interrupted (stopped)")
    assert note == "a note with [brackets]"


def test_a_greater_value_is_the_best_where_it_should_be(pipe: Console) -> None:
    shown = Lines(pipe)
    shown.begin(StudyInfo("s", "0" * 16, "accuracy", "maximize", "binary", "d"), 2, 1, [])
    shown.trial_ended(trial(0, value=0.5))
    shown.trial_ended(trial(1, value=0.4))
    assert [line.endswith("(best so far)") for line in printed(pipe).splitlines()[1:]] == [True, False]


def test_the_bar_shows_counts_the_best_and_what_runs(terminal: Console) -> None:
    shown = Bar(terminal)
    shown.begin(INFO, 6, 2, [])
    shown.trial_started(trial(0))
    shown.epoch(0, EpochRecord(0, 2, {"val_rmse": 9.0}))
    shown.trial_ended(trial(0, value=1.5))
    shown.trial_ended(trial(1, "pruned", reason="pruned at epoch 3"))
    shown.trial_ended(trial(2, "failed", reason="diverged at epoch 1"))
    shown.end()
    text = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", printed(terminal))
    assert "new best: trial 0: completed rmse 1.5" in text
    assert "trial 2: failed (diverged at epoch 1)" in text
    assert "3/6, 1 pruned, 1 failed, best 1.5" in text


def test_a_study_that_is_done_has_no_bar(terminal: Console) -> None:
    shown = Bar(terminal)
    shown.begin(INFO, 1, 0, [trial(0, value=1.5)])
    shown.end()
    assert printed(terminal) == "study 'bikes': all 1 trials are done; add some with --more\n"
