"""How long a net takes to answer, as a package asks it: seconds per row, for one row at a time or many."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.delivery.predictor import Predictor

_WARM_UP = 10
"""Calls before the first one that counts: they allocate, and choose kernels."""
_FEWEST = 100
"""Calls that a 99th percentile needs; a net so slow that they take four times the limit is given fewer."""


@dataclass(frozen=True)
class Latency:
    """Seconds per row, from the call with prepared rows to the outputs in hand."""

    p50: float
    """median of the calls"""
    p99: float
    """99th percentile of the calls"""


def measure_latency(
    model: Any,
    inputs: int,
    batch: int,
    *,
    calls: int = 300,
    limit: float = 0.25,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Return how long a Keras model takes for `batch` rows of `inputs` columns at a time, per row.

    calls: at most so many. limit: seconds after which no further call is made, once there are 100, or after four times
    as long. The weights do not matter, the machine and what else it does at the time do.
    """
    predictor = Predictor(model, {}, {})
    x = np.random.default_rng(0).standard_normal((batch, inputs), dtype=np.float32)
    for _ in range(_WARM_UP):
        predictor.outputs(x)
    ends = [clock()]
    while len(ends) <= calls and ends[-1] - ends[0] < (4 * limit if len(ends) <= _FEWEST else limit):
        predictor.outputs(x)
        ends.append(clock())
    p50, p99 = np.percentile(np.diff(ends), [50, 99]) / batch
    return Latency(float(p50), float(p99))


def machine() -> str:
    """Return the processor's name and how many of it this process may use: what a latency depends on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(errors="replace").splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    name = next(names, "") or platform.processor() or platform.machine()
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{name}, {count} CPU{'s' * (count != 1)}"
