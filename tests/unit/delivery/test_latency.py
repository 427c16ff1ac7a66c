from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpsearch.delivery.latency import machine, measure_latency


class Counting:
    """A net that answers at once, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []

    def __call__(self, x: NDArray[np.float32], *, training: bool) -> NDArray[np.float32]:
        assert not training
        self.asked.append(x.shape)
        return x[:, :1]


def ticking(steps: list[float]) -> Callable[[], float]:
    """A clock that goes on by the next step each time it is read, over and over."""
    times: Iterator[float] = itertools.accumulate(itertools.chain([0.0], itertools.cycle(steps)))
    return lambda: next(times)


@pytest.mark.parametrize("batch", [1, 1000])
def test_percentiles_of_the_calls_are_numpy_s_per_row(batch: int) -> None:
    steps = [0.001, 0.002, 0.004, 0.009, 0.0005]
    found = measure_latency(Counting(), 3, batch, calls=200, limit=60, clock=ticking(steps))
    assert found.p50 == pytest.approx(np.percentile(steps * 40, 50) / batch)
    assert found.p99 == pytest.approx(np.percentile(steps * 40, 99) / batch)


def test_one_slow_call_in_fifty_shows_in_the_99th_percentile_alone() -> None:
    found = measure_latency(Counting(), 3, 1, calls=300, limit=60, clock=ticking([0.001] * 49 + [0.5]))
    assert (found.p50, found.p99) == (pytest.approx(0.001), pytest.approx(0.5))


@pytest.mark.parametrize(
    ("step", "counted"),
    [(1 / 2048, 300), (1 / 512, 128), (1 / 128, 100), (1 / 8, 8), (2, 1)],
    ids=["all of them fit", "the time is over", "the fewest for a percentile", "fewer of a slow net", "one at least"],
)
def test_calls_end_with_their_number_or_with_the_time(step: float, counted: int) -> None:
    net, reads = Counting(), itertools.count()
    measure_latency(net, 3, 8, calls=300, limit=0.25, clock=lambda: next(reads) * step)
    assert next(reads) == counted + 1  # the clock was read once before the first
    assert len(net.asked) > counted  # some calls warm it up
    assert set(net.asked) == {(8, 3)}


def test_a_keras_net_is_asked_as_a_package_asks_it(made: Any) -> None:
    found = measure_latency(made.model, made.signature.inputs, 4, calls=3)
    assert 0 < found.p50 <= found.p99 < 60


def test_the_machine_is_named_with_its_processors() -> None:
    assert machine().partition(", ")[2].rstrip("s").endswith("CPU")
