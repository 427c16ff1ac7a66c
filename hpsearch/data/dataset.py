"""Prepared data: arrays on disk, memory-mapped by whoever trains on them, and the signature that describes them.

    <folder>/dataset.json               signature, sizes, digest, what was done (see `Dataset.save_description`)
    <folder>/split-0/x_train.npy ...    float32 (rows, inputs); y as `Arrays` says
    <folder>/split-0/preparation.json   how raw rows became these arrays

A holdout study has one split, a study with k folds has k. The test rows are prepared by each split's own preparation.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.metrics import TaskType

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Signature:
    """What a net must fit: how many inputs, what comes out."""

    task: TaskType
    inputs: int
    features: tuple[str, ...]
    """names of the prepared inputs, in order (`season=fall`, `dteday.month`, `temp`)"""
    columns: tuple[str, ...]
    """names of the raw columns they come from, in the source's order"""
    target: str
    class_names: tuple[str, ...] = ()
    """binary: (negative, positive)"""

    @property
    def outputs(self) -> int:
        """Units of the output layer: 1 for regression and binary, one a class for multiclass."""
        return len(self.class_names) if self.task == "multiclass" else 1


@dataclass(frozen=True)
class Arrays:
    """One part of one split.

    x: (rows, inputs) float32. y: (rows,) float32, for regression in scaled units (see `Split.target_center`), for
    binary 0 or 1, for multiclass the class's index.
    """

    x: FloatArray
    y: FloatArray

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.x.shape[0])


@dataclass(frozen=True)
class Split:
    """Training and validation rows of one split, and the scale of a regression target.

    y in the target's own units = y * target_scale + target_center.
    """

    train: Arrays
    validation: Arrays
    target_center: float = 0.0
    target_scale: float = 1.0


@dataclass(frozen=True)
class Dataset:
    """A prepared data set on disk. Cheap to open: nothing is read until a split is asked for."""

    folder: Path
    digest: str
    signature: Signature
    splits: int
    rows: dict[str, int]
    """rows of 'train', 'validation', 'test' (of the first split) and 'total'"""
    notes: tuple[str, ...] = ()
    """what a person should know: inferred task, dropped columns, ..."""

    def split(self, index: int) -> Split:
        """Return a split's arrays, memory-mapped read-only."""
        about = json.loads((self._at(index) / "target.json").read_text())
        return Split(
            train=self._part(index, "train"), validation=self._part(index, "validation"),
            target_center=about["center"], target_scale=about["scale"],
        )  # fmt: skip

    def test(self, index: int = 0) -> Arrays:
        """Return the test rows as the preparation of split `index` makes them."""
        return self._part(index, "test")

    def preparation(self, index: int = 0) -> dict[str, Any]:
        """Return the fitted preparation of split `index` as plain JSON values (see `data/transform.py`)."""
        state: dict[str, Any] = json.loads((self._at(index) / "preparation.json").read_text())
        return state

    def _at(self, index: int) -> Path:
        return self.folder / f"split-{index}"

    def _part(self, index: int, part: str) -> Arrays:
        x, y = (np.load(self._at(index) / f"{kind}_{part}.npy", mmap_mode="r") for kind in "xy")
        return Arrays(x, y)

    def save_description(self) -> None:
        """Write `dataset.json`: the last file of a finished folder."""
        about = {key: value for key, value in asdict(self).items() if key != "folder"}
        (self.folder / "dataset.json").write_text(json.dumps(about, indent=1))


def open_dataset(folder: Path) -> Dataset:
    """Open a finished folder. Raises FileNotFoundError where there is none."""
    about = json.loads((folder / "dataset.json").read_text())
    lists = {key: tuple(value) for key, value in about["signature"].items() if isinstance(value, list)}
    signature = Signature(**about["signature"] | lists)
    return Dataset(folder, about["digest"], signature, about["splits"], about["rows"], tuple(about["notes"]))
