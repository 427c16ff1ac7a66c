"""The command line with workers that train nothing, and without what takes TensorFlow or MLflow: a driver in a second.

    python scripted_driver.py run STUDY.yaml ...
    python scripted_driver.py                       forks a driver for each line of JSON on its input (`scripted.py`)

The search is the real one: its journal, history, weights, locks, signals, worker processes and their pipes. A trial's
`epochs` epochs take SCRIPTED_PACE seconds each (default 0), or as long as the file SCRIPTED_HOLD exists. With
SCRIPTED_JUMPS the wall clock jumps by an hour forth and back each time somebody looks at it.
"""

from __future__ import annotations

import ctypes
import datetime
import functools
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hpsearch.app.run
import hpsearch.app.verify
import hpsearch.cli.progress
import hpsearch.cli.tables  # noqa: F401  forked drivers need not import what this one has
from hpsearch.app import launch
from hpsearch.workers.processes import ProcessPool

WORKER = (sys.executable, str(Path(__file__).with_name("paced_worker.py")))


class NoMlflow:
    """A tracker that is told everything and writes nothing."""

    trouble = experiment_id = launch_run_id = None

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> NoMlflow:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: []


def jumping() -> None:
    """Have the wall clock go wrong in every way; the monotonic one is another."""
    real, looks = time.time, iter(range(10**9))
    now = datetime.datetime.now

    def shift() -> int:
        return (3600, -3600, 0)[next(looks) % 3]

    class Jumping(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return now(tz) + datetime.timedelta(seconds=shift())

    time.time = lambda: real() + shift()
    datetime.datetime = Jumping  # type: ignore[misc]


if os.environ.get("SCRIPTED_JUMPS"):
    jumping()
launch.ProcessPool = functools.partial(ProcessPool, program=WORKER)  # type: ignore[misc]
launch.Tracker = NoMlflow  # type: ignore[misc,assignment]
launch.import_mlflow = lambda: SimpleNamespace()  # type: ignore[assignment]
launch.deliver = lambda *_: Path()  # type: ignore[assignment]
for name in ("log_delivery", "log_models", "log_report", "log_trial_pictures", "log_study_pictures"):
    assert name in vars(launch)
    vars(launch)[name] = lambda *_: None


def serve() -> None:
    """Fork what is asked for: importing takes longer than a whole study. A child comes back and is the driver."""
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            told = os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1])
        elif (told := os.fork()) == 0:
            become(asked)
            return
        os.write(1, b"%d\n" % told)
    os._exit(0)


def become(asked: dict[str, Any]) -> None:
    """Make this process what was asked for: its streams, limits, rights and arguments."""
    os.setsid()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if asked["ignores"]:
        signal.signal(asked["ignores"], signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, path in ((1, asked["out"]), (2, asked["errors"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), descriptor)
    os.environ.update(asked["environment"])
    if asked["room"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["room"], asked["room"]))
    if asked["unprivileged"]:
        heed_permissions()
    sys.argv[1:] = asked["arguments"]


def heed_permissions() -> None:
    """Give up what lets root read and write whatever a file's mode says (capset(2)); other users never could."""

    class Header(ctypes.Structure):
        _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]

    version_3, overrides = 0x20080522, 0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    header, sets = Header(version_3, 0), (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; high bits last
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(ctypes.byref(header), sets) == 0, os.strerror(ctypes.get_errno())
    for place in range(3):
        sets[place] &= ~overrides
    assert libc.capset(ctypes.byref(header), sets) == 0, os.strerror(ctypes.get_errno())


if __name__ == "__main__":
    from hpsearch.cli import main

    if not sys.argv[1:]:
        serve()
    sys.argv[0] = "hpsearch"
    main()
