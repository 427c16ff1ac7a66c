"""Which rows train, validate and test: scikit-learn's splitters on row positions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from hpsearch.data.faults import source_error
from hpsearch.errors import DataError
from hpsearch.metrics import TaskType
from hpsearch.spec.sections import FoldsSection, SplitSection

Rows = NDArray[np.intp]

_SHARE = 0.2


@dataclass(frozen=True)
class Parts:
    """Positions of rows: ascending, or in the order of time."""

    test: Rows
    folds: tuple[tuple[Rows, Rows], ...]
    """(train, validation) of each split; a holdout has one"""


def split_rows(
    frame_or_n: pd.DataFrame | int,
    labels: ArrayLike | None,
    section: SplitSection,
    task: TaskType,
    time: ArrayLike | None = None,
    *,
    source: str = "data",
) -> Parts:
    """Return the rows of each part.

    The test part is a share of all rows, the validation part of those that remain; with folds, each of the rows that
    remain validates once. `labels` (rows,) are classes' indexes; they are needed to stratify, and then no part may
    lack rows or have one class. `time` (rows,) orders the rows: later ones validate and test. A table is needed where
    the split stands in a column. Raises `DataError` with the numbers.
    """
    rows = frame_or_n if isinstance(frame_or_n, int) else len(frame_or_n)
    classes = None if labels is None or task == "regression" else np.asarray(labels)
    split = _Splitter(section, classes, source)
    if section.column is not None:
        assert isinstance(frame_or_n, pd.DataFrame)
        parts = split.by_column(frame_or_n[section.column])
    elif time is not None:
        parts = split.by_time(_in_order(time, source))
    else:
        parts = split.at_random(rows)
    split.check(parts)
    return parts


def _in_order(time: ArrayLike, source: str) -> Rows:
    series = pd.Series(np.asarray(time))
    if series.isna().any():
        message = f"{int(series.isna().sum()):,} of {len(series):,} rows have no time to sort by; fill or remove them"
        raise source_error(source, "data.time_ordered", message)
    return np.asarray(series.argsort(kind="stable"), dtype=np.intp)


@dataclass(frozen=True)
class _Splitter:
    section: SplitSection
    classes: NDArray[Any] | None
    source: str

    def at_random(self, rows: int) -> Parts:
        rest, test = self._two(np.arange(rows), self._test_share, "test")
        if isinstance(self.section.validation, FoldsSection):
            return Parts(test, self._folds(rest, self.section.validation.folds))
        return Parts(test, (self._two(rest, self._validation_share, "validation"),))

    def by_time(self, order: Rows) -> Parts:
        rest, test = self._last(order, self._test_share, "test")
        if not isinstance(self.section.validation, FoldsSection):
            return Parts(test, (self._last(rest, self._validation_share, "validation"),))
        from sklearn.model_selection import TimeSeriesSplit

        folds = self.section.validation.folds
        self._check_folds(len(rest), folds + 1)
        return Parts(test, tuple((rest[a], rest[b]) for a, b in TimeSeriesSplit(folds).split(rest)))

    def by_column(self, column: pd.Series[Any]) -> Parts:
        part = column.astype(object).map(lambda value: _PARTS.get(str(value).strip().lower(), ""))
        if (part == "").any():
            odd = column[part == ""].astype(str).value_counts().head(3)
            found = ", ".join(f"'{value}' ({count:,} rows)" for value, count in odd.items())
            raise self._error(
                "column", f"'{column.name}' holds {found}; it may hold train, validation (val, valid), test"
            )
        train, validation, test = (np.flatnonzero(part == name) for name in ("train", "validation", "test"))
        if not len(train):
            raise self._error("column", f"'{column.name}' names no row 'train'; add training rows")
        if not len(validation):
            train, validation = self._two(train, _SHARE, "validation")
        return Parts(test, ((train, validation),))

    def check(self, parts: Parts) -> None:
        """Refuse parts without rows, and parts of one class."""
        named = [("test", parts.test)] if len(parts.test) else []
        for number, (train, validation) in enumerate(parts.folds):
            where = f" of fold {number}" if len(parts.folds) > 1 else ""
            named += [(f"training{where}", train), (f"validation{where}", validation)]
        for name, rows in named:
            if not len(rows):
                raise self._error("validation", f"the {name} part has no rows; change the shares or add rows")
            if self.classes is not None and (self.classes[rows] == self.classes[rows[0]]).all():
                fix = "change the shares or the seed" if self._stratify else "set stratify: true, or change the shares"
                message = f"all {len(rows):,} rows of the {name} part are of one class; {fix}"
                raise self._error("column" if self.section.column else "stratify", message)

    @property
    def _test_share(self) -> float:
        return _SHARE if self.section.test is None else self.section.test

    @property
    def _validation_share(self) -> float:
        share = self.section.validation
        return share if isinstance(share, float) else _SHARE

    @property
    def _shuffle(self) -> bool:
        return self.section.shuffle is not False

    @property
    def _stratify(self) -> bool:
        if self.section.stratify is True and self.classes is None:
            raise self._error("stratify", "a regression target has no classes to stratify by; remove stratify")
        if (
            self.section.stratify is True
            and not self._shuffle
            and not isinstance(self.section.validation, FoldsSection)
        ):
            raise self._error("stratify", "rows that are not shuffled cannot be stratified; remove shuffle: false")
        return self.classes is not None and self.section.stratify is not False and self._shuffle

    def _two(self, rows: Rows, share: float, part: str) -> tuple[Rows, Rows]:
        """Return (what remains, the part), each ascending."""
        if share == 0:
            return rows, rows[:0]
        from sklearn.model_selection import train_test_split

        self._check_size(len(rows), share, part)
        labels = self.classes[rows] if self._stratify and self.classes is not None else None
        if labels is not None:
            self._check_classes(labels, len(rows), share, part)
        seed = self.section.seed if self._shuffle else None
        rest, chosen = train_test_split(
            rows, test_size=share, shuffle=self._shuffle, stratify=labels, random_state=seed
        )
        return np.sort(rest), np.sort(chosen)

    def _last(self, order: Rows, share: float, part: str) -> tuple[Rows, Rows]:
        if share == 0:
            return order, order[:0]
        self._check_size(len(order), share, part)
        at = len(order) - math.ceil(share * len(order))
        return order[:at], order[at:]

    def _folds(self, rows: Rows, folds: int) -> tuple[tuple[Rows, Rows], ...]:
        from sklearn.model_selection import KFold, StratifiedKFold

        self._check_folds(len(rows), folds)
        options = {"shuffle": self._shuffle, "random_state": self.section.seed if self._shuffle else None}
        stratify = self._stratify or (self.classes is not None and self.section.stratify is True)
        if not stratify or self.classes is None:
            return tuple((rows[a], rows[b]) for a, b in KFold(folds, **options).split(rows))
        labels = self.classes[rows]
        fewest = int(np.unique_counts(labels).counts.min())
        if fewest < folds:
            message = f"a class has {fewest} rows outside the test part, fewer than {folds} folds"
            raise self._error("validation", f"{message}; use at most {max(fewest, 2)} folds, or set stratify: false")
        return tuple((rows[a], rows[b]) for a, b in StratifiedKFold(folds, **options).split(rows, labels))

    def _check_size(self, rows: int, share: float, part: str) -> None:
        taken = math.ceil(share * rows)
        if rows - taken < 1:
            message = f"too few rows ({rows}) to give {share:g} of them to the {part} part and keep one"
            raise self._error(part, f"{message}; add rows or lower the share")

    def _check_classes(self, labels: NDArray[Any], rows: int, share: float, part: str) -> None:
        counts = np.unique_counts(labels).counts
        taken = math.ceil(share * rows)
        if counts.min() < 2:
            message = f"one class has a single row left, too few to stand in the {part} part and outside it"
            raise self._error("stratify", f"{message}; add rows, remove the class, or set stratify: false")
        if min(taken, rows - taken) < len(counts):
            message = f"{taken} of {rows} rows in the {part} part cannot hold all {len(counts)} classes"
            raise self._error(part, f"{message}; raise the share, add rows, or set stratify: false")

    def _check_folds(self, rows: int, folds: int) -> None:
        if rows < folds:
            message = f"{rows} rows outside the test part cannot make {folds} parts; use fewer folds or add rows"
            raise self._error("validation", message)

    def _error(self, field: str, message: str) -> DataError:
        return source_error(self.source, f"data.split.{field}", message)


_PARTS = {"train": "train", "training": "train", "test": "test"} | dict.fromkeys(
    ("validation", "val", "valid"), "validation"
)
