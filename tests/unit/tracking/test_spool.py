from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.tracking.items import (
    LAUNCH,
    Artifact,
    DatasetInput,
    Item,
    Point,
    Points,
    RunEnd,
    RunStart,
    Status,
    Tags,
)
from hpsearch.tracking.spool import Spool, Waiting

_TEXT = st.text(max_size=20)
_KEYS = st.one_of(st.integers(0, 99), st.tuples(*[st.integers(0, 9)] * 3), st.just(LAUNCH))
_TIMES = st.none() | st.integers(0, 2**45)
_TEXTS = st.dictionaries(_TEXT, _TEXT, max_size=3)
_POINTS = st.builds(Point, _TEXT, st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 999), _TIMES)
_ITEMS: st.SearchStrategy[Item] = st.one_of(
    st.builds(RunStart, _KEYS, st.sampled_from(["launch", "trial", "finalist"]), _TEXT, _TEXTS, _TEXTS, _KEYS, _TIMES),
    st.builds(Points, _KEYS, st.lists(_POINTS, max_size=3).map(tuple)),
    st.builds(Tags, _KEYS, _TEXTS),
    st.builds(RunEnd, _KEYS, st.sampled_from(get_args(Status)), _TIMES),
    st.builds(Artifact, _KEYS, _TEXT, st.binary(max_size=50)),
    st.builds(DatasetInput, _KEYS, _TEXT, _TEXT, st.integers(0, 99), st.lists(_TEXT, max_size=3).map(tuple), _TEXT),
)
_WAITING = st.one_of(
    st.builds(Waiting, st.just("t"), st.lists(_ITEMS, min_size=1, max_size=4).map(tuple)),
    st.builds(Waiting, st.just("t"), trial=st.integers(0, 99)),
)


def waiting(number: int) -> Waiting:
    return Waiting("token", trial=number)


@given(st.lists(_WAITING, max_size=5))
def test_what_waits_reads_back_as_it_was_in_another_process_too(
    tmp_path_factory: pytest.TempPathFactory, given: list[Waiting]
) -> None:
    path = tmp_path_factory.mktemp("spool") / "mlflow.spool"
    Spool(path).append(given)
    assert Spool(path).read() == given


def test_nothing_waits_before_something_does_nor_once_it_is_sent(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "mlflow.spool")
    assert not spool
    spool.append([waiting(1)])
    assert spool
    spool.clear()
    assert not spool
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kept", [1, 20])
def test_a_line_that_a_crash_cut_short_is_cut_off(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "mlflow.spool"
    Spool(path).append([waiting(1), waiting(2)])
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:kept])
    spool = Spool(path)
    spool.append([waiting(3)])
    assert (spool.read(), spool.damaged) == ([waiting(1), waiting(3)], 0)


@pytest.mark.parametrize(
    "line",
    ["\x00", "[]", '{"trial": 1}', '{"launch": "t", "trial": "x"}', '{"launch": "t", "items": [{"is": "Bomb"}]}',
     '{"launch": "t", "items": [{"is": "Tags", "key": "launch", "tags": {}, "more": 1}]}'],
)  # fmt: skip
def test_a_damaged_line_is_passed_over_and_counted(tmp_path: Path, line: str) -> None:
    path = tmp_path / "mlflow.spool"
    Spool(path).append([waiting(1)])
    path.write_text(path.read_text() + line + "\n" + json.dumps(waiting(2).to_json()) + "\n")
    spool = Spool(path)
    assert (spool.read(), spool.damaged) == ([waiting(1), waiting(2)], 1)


_LIMITED = """
import resource, signal, sys
from pathlib import Path
from hpsearch.tracking.spool import Spool, Waiting
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
spool = Spool(path)
spool.append([Waiting("t", trial=1)])
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 5, resource.RLIM_INFINITY))
spool.append([Waiting("t", trial=2)])
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
spool.append([Waiting("t", trial=3)])
print([one.trial for one in spool.read()], [one.trial for one in Spool(path).read()], spool.trouble, sep="|")
"""


def test_what_a_full_disk_refuses_waits_in_memory_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.spool"
    said = subprocess.run([sys.executable, "-c", _LIMITED, path], capture_output=True, text=True, check=True).stdout
    assert said.strip() == f"[1, 2, 3]|[1]|{path} cannot be written: File too large"
