"""A worker whose trainer trains nothing: an epoch takes SCRIPTED_PACE seconds, or as long as SCRIPTED_HOLD exists."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np

from hpsearch.data.dataset import Dataset
from hpsearch.training.trainer import Epoch, Job, Outcome
from hpsearch.workers.process import serve


class PacedTrainer:
    """An epoch's `val_rmse` is 10 + learning rate - epoch, so that the last is the best."""

    def train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
        pace, hold = float(os.environ.get("SCRIPTED_PACE", 0)), os.environ.get("SCRIPTED_HOLD")
        metrics: dict[str, float] = {}
        epochs = int(job.configuration["epochs"])
        for step in range(1, epochs + 1):
            time.sleep(pace)
            while step == 2 and hold and Path(hold).exists():
                time.sleep(0.02)
            value = 10 + float(job.configuration["learning_rate"]) - step
            metrics = {"val_rmse": value, "val_loss": value**2, "train_loss": 1 / step}
            yield Epoch(job.token, step, metrics)
        weights = [np.zeros(int(os.environ.get("SCRIPTED_WEIGHTS", 900)), np.float32)]
        return Outcome(job.token, "completed", "", epochs, metrics, 900, 0.1, weights, "scripted")


serve(int(sys.argv[1]), lambda _: PacedTrainer())
