from __future__ import annotations

import socket
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import job

from hpsearch.training.trainer import Epoch, Outcome, Settings
from hpsearch.workers.pool import Lost, Started, Stopped
from hpsearch.workers.protocol import Exit, Memory, Ready, Setup, Stop

TOKEN = (1, 2, 3)


@pytest.mark.parametrize(
    "message",
    [
        Setup(Path("/data"), Settings("rmse", "mse", patience=3)),
        job(3, attempt=2, split=1),
        Stop(TOKEN),
        Exit(),
        Ready(),
        Started(TOKEN),
        Epoch(TOKEN, 1, {"val_rmse": 0.1}),
        Outcome(TOKEN, "failed", "diverged at epoch 3"),
        Stopped(TOKEN),
        Lost(TOKEN, "why", died=True),
        Memory(2**40),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_comes_out_of_the_pipe_as_it_went_in(message: object) -> None:
    left, right = connected()
    with left, right:
        left.send(message)
        assert right.recv() == message


def test_weights_keep_their_shapes_and_type() -> None:
    left, right = connected()
    with left, right:
        left.send(Outcome(TOKEN, "completed", weights=[np.ones((2, 3), np.float32), np.zeros(3, np.float32)]))
        outcome = right.recv()
    assert [(w.shape, w.dtype) for w in outcome.weights] == [((2, 3), np.float32), ((3,), np.float32)]


def connected() -> tuple[Connection[Any, Any], Connection[Any, Any]]:
    left, right = socket.socketpair()
    return Connection(left.detach()), Connection(right.detach())
