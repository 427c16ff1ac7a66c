from pathlib import Path
from typing import Any

import pytest
from contest.peer import peer_command
from contest.problem import draw_configurations, plain_space
from peers.task import Events, Task, draw, read_events, read_task

from hpsearch.space.space import build_space

SPACE = build_space({})


def task(folder: Path, **options: Any) -> Task:
    return Task("arrays", plain_space(SPACE), 10.0, str(folder / "events.jsonl"), str(folder), **options)


def test_a_program_reads_the_task_it_was_given(tmp_path: Path) -> None:
    given = task(tmp_path, seed=3, threads=1, listed=[dict(c) for c in draw_configurations(SPACE, 2, 0)])
    command = peer_command("optuna_search.py", "random", given, tmp_path)
    assert read_task(command.program[-1]) == given
    assert Path(command.program[-3]).is_file()
    assert command.environment["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize("listed", draw_configurations(SPACE, 10, 0))
def test_what_is_asked_for_is_what_the_net_has(listed: dict[str, Any]) -> None:
    assert draw(plain_space(SPACE), lambda parameter: listed[parameter["name"]]) == listed


def test_only_better_epochs_are_noted_in_the_target_s_units(tmp_path: Path) -> None:
    events = Events(task(tmp_path))
    for scaled in (0.5, float("nan"), 0.6, 0.4):
        events.epoch(scaled)
    assert [line["rmse"] for line in read_events(tmp_path / "events.jsonl")] == [5.0, 4.0]


def test_a_trial_without_a_finite_value_has_none(tmp_path: Path) -> None:
    events = Events(task(tmp_path))
    for number, scaled in enumerate((0.25, None, float("nan"), float("inf"))):
        events.trial(number, 1.5, scaled)
    lines = read_events(tmp_path / "events.jsonl")
    assert [(line["number"], line["started"], line["rmse"]) for line in lines] == [
        (0, 1.5, 2.5),
        (1, 1.5, None),
        (2, 1.5, None),
        (3, 1.5, None),
    ]


def test_a_line_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    Events(task(tmp_path)).epoch(0.5)
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"time": 3')
    assert len(read_events(tmp_path / "events.jsonl")) == 1


def test_a_program_that_was_stopped_before_its_first_event_has_none(tmp_path: Path) -> None:
    assert read_events(tmp_path / "events.jsonl") == []
