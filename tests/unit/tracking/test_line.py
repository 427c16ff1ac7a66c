from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.tracking.line import Line
from hpsearch.tracking.spool import Spool, Waiting

URI = "http://me:S3CRET@mlflow.example"


class Far:
    """An MLflow that is there or not, and a line to it."""

    def __init__(self, folder: Path) -> None:
        self.now, self.there, self.tries = 0.0, True, 0
        self.done: list[object] = []
        self.notes: list[str] = []
        self.spool = Spool(folder / "mlflow.spool")
        self.line = Line(URI, self.spool, self._catch_up, self.notes.append, lambda: self.now)

    def log(self, number: int) -> None:
        self.line.submit(lambda: self._do(number), [Waiting("t", trial=number)])
        self.line.flush()

    def _do(self, number: int) -> None:
        if not self.there:
            raise ConnectionError("[Errno 111] Connection refused")
        self.done.append(number)

    def _catch_up(self) -> Iterator[str]:
        self.tries += 1
        if not self.there:
            raise ConnectionError("[Errno 111] Connection refused")
        self.done += [one.trial for one in self.spool.read()]
        yield "a repair"
        self.spool.clear()


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    made = Far(tmp_path)
    made.line.renew()
    made.line.submit(lambda: None)
    made.line.flush()
    made.notes.clear()
    yield made
    made.line.close()


def test_what_is_logged_while_mlflow_is_away_comes_in_its_order_and_each_once(far: Far) -> None:
    for number in range(6):
        far.there = number not in (2, 3)
        far.now += 100.0
        far.log(number)
    assert far.done == [0, 1, 2, 3, 4, 5]
    assert not far.spool


def test_it_is_tried_again_after_pauses_that_grow_to_a_minute_and_begin_anew(far: Far) -> None:
    tried = []
    far.there = False
    far.log(0)
    for _ in range(250):
        before = far.tries
        far.now += 1.0
        far.log(1)
        if far.tries > before:
            tried.append(far.now)
    assert tried == [5.0, 15.0, 35.0, 75.0, 135.0, 195.0]
    far.there = True
    far.now += 60.0
    far.log(2)
    far.there = False
    far.log(3)
    far.now += 5.0
    before = far.tries
    far.log(4)
    assert far.tries == before + 1


def test_a_person_is_told_once_that_it_goes_and_once_that_it_is_back_without_the_password(far: Far) -> None:
    for number in range(5):
        far.there = number in (0, 4)
        far.now += 100.0
        far.log(number)
    assert far.notes == [
        "MLflow at http://***@mlflow.example is away (connection refused); what is to be logged waits on disk",
        "MLflow is back; what waited is sent: 4 writes",
    ]


def test_what_an_earlier_launch_left_is_not_touched_before_its_trials_are_known(tmp_path: Path) -> None:
    Spool(tmp_path / "mlflow.spool").append([Waiting("earlier", trial=7)])
    far = Far(tmp_path)
    far.log(8)
    assert (far.done, far.tries) == ([], 0)
    far.line.renew()
    far.log(9)
    assert far.done == [7, 8, 9]
    assert far.notes == ["MLflow: what waited since an earlier launch is sent: 3 writes",
                         "MLflow: 1 repair made after an earlier launch"]  # fmt: skip
    far.line.close()


def test_a_backlog_that_takes_too_long_is_kept(far: Far) -> None:
    far.line.flush()
    ready = threading.Event()
    far.line.submit(ready.wait)
    for number in range(3):
        far.line.submit(lambda number=number: far.done.append(number), [Waiting("t", trial=number)])
    far.line.hurry(60.0)
    far.now += 61.0
    ready.set()
    far.line.flush()
    assert far.done == []
    assert far.line.trouble == "TimeoutError: it is too slow for all there is to log"
    assert [one.trial for one in far.spool.read()] == [0, 1, 2]


def test_settling_tries_once_more_though_the_pause_is_not_over(far: Far) -> None:
    far.there = False
    far.log(0)
    far.there = True
    far.line.settle(60.0)
    assert far.done == [0]
    assert far.line.trouble is None


def test_an_error_that_is_not_mlflows_is_raised_by_a_later_call(far: Far) -> None:
    far.line.submit(lambda: {}["missing"])
    with pytest.raises(KeyError):
        far.line.flush()
