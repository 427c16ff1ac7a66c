"""A worker process: warm TensorFlow, one thread, one job at a time: `python -m hpsearch.workers.process FD`.

It is a program of its own rather than a `multiprocessing` child, so that the user's script or notebook is never
imported a second time, and TensorFlow is never forked (a child forked after its import hangs).
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Generator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hpsearch.data.dataset import Dataset, open_dataset
from hpsearch.fault_injection import worker_fault
from hpsearch.training.trainer import Epoch, Job, Outcome, Trainer
from hpsearch.workers.failure import epochs_of, lost_by, sound
from hpsearch.workers.memory import held
from hpsearch.workers.pool import End, Lost, Started, Stopped
from hpsearch.workers.protocol import Exit, Memory, Ready, Setup, Stop


def serve(descriptor: int, warm_up: Callable[[Setup], Trainer]) -> None:
    """Train the jobs that come down a pipe until told to exit, or until the driver is gone.

    warm_up: loads what is slow to load, and makes the trainer.
    """
    _die_with_parent()
    _die_before_parent()
    driver: Connection[Any, Any] = Connection(descriptor)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        setup = driver.recv()
        assert isinstance(setup, Setup)
        trainer, data = warm_up(setup), open_dataset(setup.dataset)
        driver.send(Ready())
        while not isinstance(message := driver.recv(), Exit):
            if isinstance(message, Job) and _train(message, trainer, data, driver):
                return


def _train(job: Job, trainer: Trainer, data: Dataset, driver: Connection[Any, Any]) -> bool:
    """Train one job; return True when told to exit meanwhile."""
    driver.send(Started(job.token))
    epochs = epochs_of(trainer, job, data)
    said: Epoch | End | None = None
    try:
        while said is None or isinstance(said, Epoch):
            said = None
            while said is None and driver.poll():
                message = driver.recv()
                if isinstance(message, Exit):
                    return True
                if isinstance(message, Stop) and message.token == job.token:
                    said = Stopped(job.token)
            said = said or _next(job, epochs, data)
            driver.send(said)
    finally:
        epochs.close()
    driver.send(Memory(held(os.getpid())))
    return False


def _next(job: Job, epochs: Generator[Epoch, None, Outcome], data: Dataset) -> Epoch | Outcome | Lost:
    """Train an epoch; the driver must hear of every failure, and goes on."""
    try:
        epoch = next(epochs)
        if job.attempt == 0:
            worker_fault(job.trial, epoch.step)
        return sound(job, epoch)
    except StopIteration as end:
        return sound(job, end.value)
    except (Exception, SystemExit) as error:  # noqa: BLE001
        with suppress(OSError):
            traceback.print_exc()  # into the worker's log
        return lost_by(job, error, data.signature)


def _die_with_parent() -> None:
    """Ask Linux to kill this process with its driver; elsewhere the closed pipe ends it after the current epoch."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _die_before_parent() -> None:
    """Have Linux take this process where memory runs out, and not the driver, which has the study to bring home."""
    with suppress(OSError):  # another system, or one that forbids it
        Path("/proc/self/oom_score_adj").write_text("700")


def _warm_keras(setup: Setup) -> Trainer:
    from hpsearch.training.compiled.xla import configure_xla, program_cache
    from hpsearch.training.quiet import import_keras
    from hpsearch.training.select import make_trainer

    if setup.settings.trainer != "keras":
        configure_xla(program_cache(setup.dataset))
    import_keras(threads=1)
    # What the imports made stays for good; the collection that ends each job need not walk it (0.2 s, so 0.04 s).
    gc.collect()
    gc.freeze()
    return make_trainer(setup.settings)


if __name__ == "__main__":
    serve(int(sys.argv[1]), _warm_keras)
