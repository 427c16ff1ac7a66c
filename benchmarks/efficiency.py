"""How much of this machine's arithmetic a compiled program's steps use, by width, depth and batch.

    python benchmarks/efficiency.py [--widths 32 64 128 256 512] [--depths 1 2 3 4] [--batches 32 128] [--seconds 1]

Useful operations are 6 x weights x batch a step: a multiplication and an addition for each weight and row, in three
matrix products (forward, and backward to the weights and to the layer before; the first layer's inputs need none, which
is not taken off). The weights are those of the net itself, also where a program with wider layers trains it, one bucket
up (`padded`). Everything else a step does counts as nothing: gathering rows, activations, dropout, Adam. The peak is
this machine's own, the better of numpy's and XLA's matrix product of 1,024 x 1,024. All on one thread, in seconds of
processor time, the best of several epochs; neighbours on the machine still cost some of its caches and clock. Prints a
JSON line a row; targets are told, not asserted.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from hpsearch.data.dataset import Arrays, Signature
from hpsearch.model import initial_weights
from hpsearch.training.compiled.fit import Fit
from hpsearch.training.compiled.programs import example_arguments
from hpsearch.training.compiled.rows import load_rows
from hpsearch.training.compiled.session import open_program, trace_program
from hpsearch.training.compiled.shape import Shape, exact_shape
from hpsearch.training.compiled.xla import configure_xla
from hpsearch.training.quiet import import_keras
from hpsearch.training.trainer import Job

ROWS, INPUTS = 16_384, 64
BUCKETS = (16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
TARGETS = {64: 0.40, 256: 0.65}
"""units of each layer -> share of the peak"""
SIZE = 1024
"""of the matrices whose product is the peak"""


def main() -> int:
    given = _arguments()
    with tempfile.TemporaryDirectory() as cache, threadpool_limits(1):
        configure_xla(Path(cache))
        import_keras(threads=1)
        peak = _peak(given.seconds)
        for width in given.widths:
            for depth in given.depths:
                for batch in given.batches:
                    _measure(width, depth, batch, peak, given.seconds)
    return 0


def _peak(seconds: float) -> float:
    """Return the floating point operations a second of a matrix product on one thread, and print each library's."""
    import tensorflow as tf  # noqa: PLC0415  XLA must be configured first

    a = np.random.default_rng(0).normal(size=(SIZE, SIZE)).astype(np.float32)
    tensor = tf.constant(a)
    compiled = tf.function(tf.matmul, jit_compile=True)
    rates = {
        "numpy": 2 * SIZE**3 / _best(lambda: a @ a, seconds),
        "xla": 2 * SIZE**3 / _best(lambda: compiled(tensor, tensor).numpy(), seconds),
    }
    rounded = {name: round(rate / 1e9, 1) for name, rate in rates.items()}
    _print("peak", {"size": SIZE, "gflops": rounded, "threads": 1})
    return max(rates.values())


def _measure(width: int, depth: int, batch: int, peak: float, seconds: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, INPUTS)).astype(np.float32)
    names = tuple(f"x{i}" for i in range(INPUTS))
    signature = Signature("regression", INPUTS, names, names, "y")
    configuration = {
        "hidden_layers": depth, "activation": "relu", "dropout": 0.1, "optimizer": "adam", "learning_rate": 1e-3,
        "batch_size": batch, "epochs": 1, **{f"neurons_{layer + 1}": width for layer in range(depth)},
    }  # fmt: skip
    rows = load_rows(Arrays(x, np.sin(x[:, 0])), signature, balanced=False)
    exact = exact_shape(configuration, signature, ROWS, "mse")
    wider = next((bucket for bucket in BUCKETS if bucket > width), 2 * width)
    job = Job(0, 0, 0, 0, configuration)
    for name, shape in {"exact": exact, "padded": replace(exact, widths=(wider,) * depth)}.items():
        opened = open_program(shape, trace_program(shape, example_arguments(shape, rows)))
        fit = Fit(job, opened.program, rows, ROWS, initial_weights(configuration, signature, 0))
        step = _best(lambda fit=fit: fit.epoch(1), seconds) / -(-ROWS // batch)
        opened.close()
        _print("step", _row(exact, shape, name, step, peak))


def _row(exact: Shape, shape: Shape, program: str, step: float, peak: float) -> dict[str, Any]:
    width, rate = exact.widths[0], 6 * exact.weights * exact.batch / step
    target = TARGETS.get(width)
    judged = {} if target is None else {"target": target, "met": bool(rate >= target * peak)}
    return {
        "width": width, "depth": len(exact.widths), "batch": exact.batch, "program": program,
        "program_width": shape.widths[0], "us_a_step": round(step * 1e6, 1), "useful_gflops": round(rate / 1e9, 1),
        "share_of_peak": round(rate / peak, 3), **judged,
    }  # fmt: skip


def _best(run: Callable[[], object], seconds: float) -> float:
    """Return the processor's seconds of the fastest of several runs that take so many together, at least three."""
    run()
    times: list[float] = []
    while sum(times) < seconds or len(times) < 3:
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return min(times)


def _print(row: str, figures: dict[str, Any]) -> None:
    print(json.dumps({"benchmark": "efficiency", "row": row} | figures), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[32, 64, 128, 256, 512], help="units of each layer")
    parser.add_argument("--depths", type=int, nargs="+", default=[1, 2, 3, 4], help="hidden layers")
    parser.add_argument("--batches", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--seconds", type=float, default=1.0, help="measured for each row; a short trial: 0.2")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
