"""A worker process: warm TensorFlow, one thread, one job at a time: `python -m hpsearch.workers.process FD`.

It is a program of its own rather than a `multiprocessing` child, so that the user's script or notebook is never
imported a second time, and TensorFlow is never forked (a child forked after its import hangs).
"""

from __future__ import annotations

import ctypes
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import psutil

from hpsearch.data.dataset import Dataset, open_dataset
from hpsearch.training.compiled.xla import configure_xla, program_cache
from hpsearch.training.quiet import import_keras
from hpsearch.training.select import make_trainer
from hpsearch.training.trainer import Job, Trainer
from hpsearch.workers.pool import Lost, Stopped
from hpsearch.workers.protocol import Exit, Memory, Ready, Setup, Stop


def main(descriptor: int) -> None:
    """Serve jobs until told to exit or until the driver is gone."""
    _die_with_parent()
    connection: Connection[Any, Any] = Connection(descriptor)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        setup = connection.recv()
        assert isinstance(setup, Setup)
        if setup.settings.trainer != "keras":
            configure_xla(program_cache(setup.dataset))
        import_keras(threads=1)
        trainer, data = make_trainer(setup.settings), open_dataset(setup.dataset)
        connection.send(Ready())
        while not isinstance(message := connection.recv(), Exit):
            if isinstance(message, Job) and _train(message, trainer, data, connection):
                return


def _train(job: Job, trainer: Trainer, data: Dataset, connection: Connection[Any, Any]) -> bool:
    """Train one job; return True when told to exit meanwhile."""
    epochs = trainer.train(job, data)
    try:
        while True:
            while connection.poll():
                message = connection.recv()
                if isinstance(message, Exit):
                    return True
                if isinstance(message, Stop) and message.token == job.token:
                    connection.send(Stopped(job.token))
                    return False
            connection.send(next(epochs))
    except StopIteration as end:
        connection.send(end.value)
        connection.send(Memory(psutil.Process().memory_info().rss))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:  # noqa: BLE001  the driver must hear of every failure, and goes on with other jobs
        connection.send(Lost(job.token, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"))
    finally:
        epochs.close()
    return False


def _die_with_parent() -> None:
    """Ask Linux to kill this process with its driver; elsewhere the closed pipe ends it after the current epoch."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main(int(sys.argv[1]))
