"""Which rows a study's scores are of: two studies that agree on it can be compared, whatever else they differ in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpsearch.data.faults import source_name
from hpsearch.data.prepared import dataset_digest
from hpsearch.data.sources import source_digest
from hpsearch.errors import DataError, as_written
from hpsearch.records import StudyInfo
from hpsearch.spec.sections import DataSection, StudySpec

_DEFAULT_SHARE = 0.2


@dataclass(frozen=True)
class ScoredRows:
    """What decides the rows that are scored and their truth. Equal `digest`s: the same rows, in the same parts."""

    source: str
    """what the study file calls the source"""
    prepared: str
    """digest of the data as the study prepared them"""
    content: str | None
    """digest of the source; None where it is gone, or is not what it was when the study began"""
    fields: Mapping[str, Any]
    """the study file's fields that decide it, its defaults spelled out"""

    @property
    def digest(self) -> str:
        """64 hex digits; where the source is not known any more, of the prepared data."""
        decides = {"content": self.content or f"prepared {self.prepared}", "fields": dict(self.fields)}
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def scored_rows(spec: StudySpec, info: StudyInfo) -> ScoredRows:
    """Return what decides the rows that a study's scores are of; it reads the source's bytes, and parses nothing.

    Preparation and dropped columns do not count: the rows stay the same. They do where `prepare.missing: drop` leaves
    rows out, as that depends on the columns used.
    """
    fields = {"data.target": spec.data.target_name, "data.task": info.task, **_split_fields(spec.data, info.task)}
    if spec.prepare.missing == "drop":
        fields |= _left_out_fields(spec)
    return ScoredRows(source_name(spec.data), info.data_digest, _content(spec, info), fields)


def row_differences(a: ScoredRows, b: ScoredRows) -> list[str]:
    """Return a line for each thing that makes the scored rows others: `data.split.seed: 0 -> 1`."""
    if a.prepared == b.prepared:
        return []
    lines = [
        f"{name}: {as_written(a.fields.get(name))} -> {as_written(b.fields.get(name))}"
        for name in {**a.fields, **b.fields}
        if a.fields.get(name) != b.fields.get(name)
    ]
    if a.content is None or b.content is None or a.content != b.content:
        lines.insert(0, f"data: {_described(a)} -> {_described(b)}")
    return lines


def _described(rows: ScoredRows) -> str:
    if rows.content is None:
        return f"{rows.source} (gone or changed since the study began; its prepared data: {rows.prepared[:12]})"
    return f"{rows.source} (content {rows.content[:12]})"


def _content(spec: StudySpec, info: StudyInfo) -> str | None:
    try:
        if dataset_digest(spec) != info.data_digest:
            return None
        # What counts as missing changes cells of columns; which rows that leaves out is among the fields.
        return source_digest(spec.data.model_copy(update={"na_values": []}), spec.folder)
    except DataError:
        return None


def _split_fields(data: DataSection, task: str) -> dict[str, Any]:
    """Return the fields of a split that have an effect in it."""
    split = data.split
    if split.column is not None:
        # The seed counts where the column names no row 'validation'.
        return {"data.split.column": split.column, "data.split.seed": split.seed}
    given = split.model_dump(mode="json")
    shares = {
        f"data.split.{name}": _DEFAULT_SHARE if given[name] is None else given[name] for name in ("test", "validation")
    }
    if data.time_ordered is not None:
        return shares | {"data.time_ordered": data.time_ordered}
    shuffle = split.shuffle is not False
    # auto keeps class shares where rows are shuffled, true in any folds.
    stratify = task != "regression" and split.stratify is not False and (shuffle or split.stratify is True)
    return shares | {
        "data.split.shuffle": shuffle,
        "data.split.stratify": stratify,
        "data.split.seed": split.seed if shuffle else None,
    }


def _left_out_fields(spec: StudySpec) -> dict[str, Any]:
    lists = spec.data.model_dump(include={"features", "drop", "categorical", "numeric", "na_values"})
    return {
        "prepare.missing": "drop",
        "prepare.dates": spec.prepare.dates,
        **{f"data.{name}": names and sorted(names) for name, names in lists.items()},
    }
