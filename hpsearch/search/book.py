"""The finished trials of a study: counted, found again, kept on disk; and the weights of the best."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hpsearch.fault_injection import crash_point
from hpsearch.metrics import Direction
from hpsearch.records import TrialRecord
from hpsearch.search.folder import StudyFolder, write_whole
from hpsearch.search.history import append_record, cut_torn_tail, read_history
from hpsearch.space.space import Configuration, configuration_key
from hpsearch.training.trainer import Weights


class Book:
    """Reads the history once and adds to it; for the driver, under the study's lock."""

    def __init__(self, folder: StudyFolder, direction: Direction, keep_models: int) -> None:
        cut_torn_tail(folder.history)
        self._folder = folder
        self._direction: Direction = direction
        self._keep = keep_models
        self.records = read_history(folder.history)
        self._counted = 0
        self._known: dict[str, TrialRecord] = {}
        self._interrupted: dict[int, list[str]] = {}
        self._kept: list[TrialRecord] = []
        for record in self.records.values():
            self._remember(record)

    def counted(self) -> int:
        """Return how many trials the budget has paid for: all that ended, but for interrupted ones."""
        return self._counted

    def known(self, configuration: Configuration) -> TrialRecord | None:
        """Return the first trial that was trained with this configuration to an end of its own."""
        return self._known.get(configuration_key(configuration))

    def attempts(self, root: int, cause: str) -> int:
        """Return how often a trial, under its own or a retry's number, was interrupted for a reason that begins so."""
        return sum(reason.startswith(cause) for reason in self._interrupted.get(root, []))

    def add(self, record: TrialRecord, weights: Weights | None = None) -> None:
        """Put a finished trial on disk, with its weights if it is among the best."""
        if weights is not None and record in self._with(record):
            self._folder.weights.mkdir(exist_ok=True, mode=0o700)
            save_weights(weights_path(self._folder, record.number), weights)
            crash_point("weights-saved")
        append_record(self._folder.history, record)
        self.records[record.number] = record
        self._remember(record)
        self._drop_weights()

    def best(self) -> TrialRecord | None:
        """Return the completed trial with the best value; the earliest of equals."""
        ranked = rank(list(self.records.values()), self._direction)
        return ranked[0] if ranked else None

    def _remember(self, record: TrialRecord) -> None:
        """Keep what would else have to be looked for among all trials, for each trial anew."""
        self._counted += record.state != "interrupted"
        self._kept = self._with(record)
        if record.state == "interrupted":
            for root in {record.number, record.number if record.retry_of is None else record.retry_of}:
                self._interrupted.setdefault(root, []).append(record.reason)
        if record.copy_of is None and record.state in ("completed", "pruned", "failed"):
            self._known.setdefault(configuration_key(record.configuration), record)

    def _with(self, record: TrialRecord) -> list[TrialRecord]:
        """Return the trials whose weights are worth their place, a new one among them if it is one of the best."""
        if record.copy_of is not None:
            return self._kept
        return rank([*self._kept, record], self._direction)[: self._keep]

    def _drop_weights(self) -> None:
        """Remove the weights of trials that are no longer among the best; only once better ones are in the history."""
        kept = {record.number for record in self._kept}
        for path in self._folder.weights.glob("trial-*.npz"):
            if int(path.stem.removeprefix("trial-")) not in kept:
                path.unlink()


def rank(records: Sequence[TrialRecord], direction: Direction) -> list[TrialRecord]:
    """Return the completed trials, best first; of equal values the earlier trial first."""
    sign = 1 if direction == "minimize" else -1
    done = [r for r in records if r.state == "completed" and r.value is not None and math.isfinite(r.value)]
    return sorted(done, key=lambda r: (sign * (r.value or 0.0), r.number))


def weights_path(folder: StudyFolder, number: int) -> Path:
    """Return where a trial's weights are kept."""
    return folder.weights / f"trial-{number}.npz"


def save_weights(path: Path, weights: Weights) -> None:
    """Write weights, in order, as one file without pickle."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{f"w{index}": array for index, array in enumerate(weights)})
    write_whole(path, buffer.getvalue())


def load_weights(path: Path) -> Weights:
    """Return weights in the order they were saved."""
    with np.load(path, allow_pickle=False) as stored:
        return [stored[f"w{index}"] for index in range(len(stored.files))]
