from __future__ import annotations

from typing import get_args

import pytest

from hpsearch.training.trainer import Epoch, Outcome
from hpsearch.workers.inline import InlinePool
from hpsearch.workers.pool import End, Event, Lost, Pool, Started, Stopped
from hpsearch.workers.processes import ProcessPool


def test_a_job_ends_in_one_of_three_ways_and_begins_in_one() -> None:
    assert set(get_args(End)) == {Outcome, Stopped, Lost}
    assert set(get_args(Event)) == {Started, Epoch, Outcome, Stopped, Lost}


@pytest.mark.parametrize("event", [Started((1, 2, 3)), Stopped((1, 2, 3)), Lost((1, 2, 3), "why")])
def test_every_event_names_its_job(event: Event) -> None:
    assert event.token == (1, 2, 3)


@pytest.mark.parametrize("kind", [InlinePool, ProcessPool])
def test_every_pool_has_the_ports_methods(kind: type) -> None:
    assert {name for name in vars(Pool) if not name.startswith("_")} <= set(dir(kind))


def test_a_lost_job_is_its_own_fault_unless_its_worker_died() -> None:
    assert not Lost((0, 0, 0), "why").died
