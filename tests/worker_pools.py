"""Process pools whose workers train with the scripted trainer."""

from __future__ import annotations

import sys
from pathlib import Path

from hpsearch.data.dataset import Dataset
from hpsearch.training.trainer import Settings
from hpsearch.workers.processes import ProcessPool
from hpsearch.workers.protocol import Setup

PROGRAM = (sys.executable, str(Path(__file__).with_name("scripted_worker.py")))


def scripted_pool(places: int, data: Dataset, logs: Path, memory: int | None = None) -> ProcessPool:
    return ProcessPool(places, Setup(data.folder, Settings("rmse", "mse")), logs, PROGRAM, memory)
