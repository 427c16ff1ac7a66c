"""A worker program whose trainer trains nothing: it sends the curves that configurations might have, at once or paced.

HPSEARCH_PACE: JSON, [seconds a whole trial takes, [[first, last], ...]]: the trials from first on and before last are
spread over that time, all others are sent at once.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import sys
import time
from collections.abc import Generator

import numpy as np

from hpsearch.data.dataset import Dataset
from hpsearch.space.space import widths
from hpsearch.training.trainer import Epoch, Job, Outcome
from hpsearch.workers.process import serve
from hpsearch.workers.protocol import Setup

PACE = "HPSEARCH_PACE"


class InstantTrainer:
    """Sends nine metrics an epoch, and weights of the net's size at the end."""

    def __init__(self, _: Setup) -> None:
        self._seconds, self._paced = json.loads(os.environ[PACE])

    def train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
        epochs = int(job.configuration["epochs"])
        pause = self._seconds / epochs if any(a <= job.trial < b for a, b in self._paced) else 0.0
        draw = np.random.default_rng(job.seed)
        floor = _floor(job) + abs(draw.normal(0, 1.5))
        best = (0, {"val_rmse": math.inf})
        for step in range(1, epochs + 1):
            if pause:
                time.sleep(pause)
            metrics = _metrics(floor + 120 * math.exp(-0.25 * step) + draw.normal(0, 0.8), draw)
            best = min(best, (step, metrics), key=lambda pair: pair[1]["val_rmse"])
            yield Epoch(job.token, step, metrics)
        sizes = [data.signature.inputs, *widths(job.configuration), data.signature.outputs]
        weights = [np.zeros(shape, np.float32) for a, b in itertools.pairwise(sizes) for shape in ((a, b), (b,))]
        return Outcome(job.token, "completed", "", *best, sum(w.size for w in weights), 0.1, weights, "instant")


def _floor(job: Job) -> float:
    """Return where a configuration's error ends: a bowl in learning rate, depth and dropout, lower for wide nets."""
    rate = math.log10(float(job.configuration["learning_rate"]))
    units = widths(job.configuration)
    dropout = float(job.configuration["dropout"])
    width = sum(math.log2(unit) for unit in units) / len(units)
    return 48 - width + 6 * (rate + 2.5) ** 2 + 1.5 * (len(units) - 2) ** 2 + 20 * (dropout - 0.1) ** 2


def _metrics(error: float, draw: np.random.Generator) -> dict[str, float]:
    train = error * 0.95 + draw.normal(0, 0.4)
    scores = {
        f"{part}_{name}": value
        for part, rmse in (("train", train), ("val", error))
        for name, value in (("rmse", rmse), ("mae", rmse * 0.7), ("loss", (rmse / 180) ** 2), ("r2", 1 - rmse / 180))
    }
    return scores | {"learning_rate": 1e-3}


if __name__ == "__main__":
    serve(int(sys.argv[1]), InstantTrainer)
