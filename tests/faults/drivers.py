"""Real drivers that cost little: forked from a server that has the libraries loaded, with workers that train nothing.

Such a driver is a process of its own, can be killed at any place, and takes a second where `hpsearch run` takes eight.
TensorFlow is not loaded in the server (a fork after its import hangs); a driver loads it when it packages a model.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from unittest import mock

from PIL import Image

from hpsearch.workers.processes import ProcessPool

PROGRAM = (sys.executable, str(Path(__file__).with_name("instant_worker.py")))
PATIENCE = 240.0
"""Seconds after which a driver is killed, so that a test fails rather than hangs."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["hpsearch.app.run", "hpsearch.app.doctor", "mlflow", "sklearn.ensemble", "pandas"])


@contextmanager
def cheap_launches() -> Iterator[None]:
    """Have launches of this process train with workers that train nothing, and draw pictures of one dot."""
    pool = mock.patch("hpsearch.app.launch.ProcessPool", partial(ProcessPool, program=PROGRAM))
    pictures = mock.patch("matplotlib.figure.Figure.savefig", _dot)
    with pool, pictures:
        yield


def _dot(_figure: Any, file: BinaryIO, **_: Any) -> None:
    Image.new("RGB", (1, 1)).save(file, "png")


def drive(arguments: Sequence[str], output: Path, **environment: str) -> int:
    """Run `hpsearch ARGUMENTS` in a process of its own; return its exit code, negative for the signal that killed it.

    output: a file for what it prints. environment: variables that it has beside ours.
    """
    process = _context.Process(target=_run, args=(list(arguments), output, environment))
    process.start()
    process.join(PATIENCE)
    process.kill()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _run(arguments: list[str], output: Path, environment: dict[str, str]) -> None:
    descriptor = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ.update(environment)
    sys.argv = ["hpsearch", *arguments]
    from hpsearch.cli import main

    with cheap_launches():
        main()
