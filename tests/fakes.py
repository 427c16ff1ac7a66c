"""Small real implementations of what is slow: a trainer that follows a script, a folder of tiny arrays."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.data.dataset import Dataset, Signature
from hpsearch.space.domain import Choices, FloatRange, IntRange
from hpsearch.space.space import Space, build_space
from hpsearch.training.trainer import Epoch, Job, Outcome

SMALL = {
    "hidden_layers": IntRange(0, 2),
    "neurons": Choices((4, 8)),
    "activation": Choices(("relu", "tanh")),
    "optimizer": Choices(("adam",)),
    "dropout": Choices((0.0,)),
    "learning_rate": FloatRange(1e-4, 1e-1, log=True),
    "batch_size": Choices((16,)),
    "epochs": Choices((3,)),
}


def small_space() -> Space:
    """A space of nets with at most two layers, of 4 or 8 units."""
    return build_space(SMALL)


def write_dataset(folder: Path, splits: int = 1) -> Dataset:
    """Write six rows of two inputs as `hpsearch.data.dataset` lays them out."""
    for split in range(splits):
        at = folder / f"split-{split}"
        at.mkdir(parents=True)
        for part, rows in (("train", 3), ("validation", 2), ("test", 1)):
            np.save(at / f"x_{part}.npy", np.arange(rows * 2, dtype=np.float32).reshape(rows, 2))
            np.save(at / f"y_{part}.npy", np.arange(rows, dtype=np.float32))
        (at / "target.json").write_text(json.dumps({"center": 0.0, "scale": 1.0}))
        (at / "preparation.json").write_text("{}")
    signature = Signature("regression", 2, ("a", "b"), ("a", "b"), "y")
    rows = {"train": 3, "validation": 2, "test": 1, "total": 6}
    dataset = Dataset(folder, "0" * 64, signature, splits, rows)
    dataset.save_description()
    return dataset


@dataclass(frozen=True)
class ScriptedTrainer:
    """Trains nothing. What a job does is decided by its `batch_size`, a name of `SCRIPTS` by number (else the first).

    An epoch's `val_rmse` is 10 + trial - epoch; there are `epochs` of them, the last the best.
    """

    def train(self, job: Job, data: Dataset) -> Generator[Epoch, None, Outcome]:
        script = dict(enumerate(SCRIPTS)).get(int(job.configuration["batch_size"]), "train")
        metrics: dict[str, Any] = {}
        for step in range(1, int(job.configuration["epochs"]) + 1):
            if step == 2:
                self._misbehave(script, job)
            if script == "steep" and job.configuration["learning_rate"] > 0.05 and step == 1 + job.trial % 3:
                return Outcome(job.token, "failed", f"diverged at epoch {step}", trainer="scripted")
            metrics = {"val_rmse": float(10 + job.trial - step), "train_loss": 1 / step}
            metrics |= {"text": {"val_rmse": "0.5"}, "nan": {"val_rmse": math.nan, "train_loss": math.inf}}.get(
                script if step == 2 else "", {}
            )
            yield Epoch(job.token, step, metrics)
        if script == "nothing":
            return None  # type: ignore[return-value]  # as a trainer might that mypy has not seen
        if script == "leak":
            _LEAKED.append(b"\1" * 20_000_000)
        weights = [np.full((2, 1), job.trial, np.float32), np.zeros(1, np.float32)]
        if script == "large":
            weights.append(np.zeros((1000, 1000), np.float32))
        failed = script == "diverge"
        return Outcome(
            job.token,
            "failed" if failed else "completed",
            "diverged at epoch 3" if failed else "",
            best_epoch=len(metrics) and int(job.configuration["epochs"]),
            metrics=metrics,
            parameters=data.signature.inputs + 1,
            weights=None if failed else weights,
            trainer="scripted",
        )

    def _misbehave(self, script: str, job: Job) -> None:
        if script == "memory":
            raise MemoryError
        if script == "greedy":
            for _ in range(100):  # 2 GB, if nobody stops it
                _LEAKED.append(b"\1" * 20_000_000)
                time.sleep(0.02)
        if script == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if script == "raise":
            raise ValueError("the second epoch\nis too much")
        if script == "pipe":
            raise EOFError("a file of the trainer's own ended")
        if script == "exit":
            sys.exit(1)
        if script == "abort":
            os.abort()
        if script == "kill" or (script == "kill once" and job.attempt == 0):
            os.kill(os.getpid(), signal.SIGKILL)
        if script in ("suspend", "hang", "spin", "deaf"):
            sys.stdout.write("here it hangs\n")
            sys.stdout.flush()
        if script == "suspend":
            os.kill(os.getpid(), signal.SIGSTOP)
        if script == "spin":
            while True:
                pass
        if script in ("hang", "deaf"):
            threading.Event().wait()


SCRIPTS = (
    "train", "raise", "exit", "abort", "kill", "kill once", "suspend", "hang", "diverge", "large", "pipe",
    "spin", "deaf", "text", "nan", "nothing", "memory", "greedy", "leak", "steep",
)  # fmt: skip
_LEAKED: list[bytes] = []


def job(trial: int = 0, script: str = "train", *, epochs: int = 3, attempt: int = 0, split: int = 0) -> Job:
    """A job that follows a script."""
    configuration = {"hidden_layers": 0, "batch_size": SCRIPTS.index(script), "epochs": epochs, "learning_rate": 0.1}
    return Job(trial, attempt, split, 7, configuration)
