"""Configurations side by side: which hyperparameters differ, what came out, which is best. `render.py` writes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hpsearch.errors import StudyError
from hpsearch.metrics import Direction
from hpsearch.space.space import Configuration
from hpsearch.space.table import ROWS

if TYPE_CHECKING:
    import pandas as pd

Cell = int | float | str | None
"""None: this configuration has no such thing (`neurons_3` of a two-layer net)"""
Group = Literal["study", "hyperparameters", "result", "metrics"]


@dataclass(frozen=True)
class Entry:
    """One configuration of one study, with what came out of it."""

    study: str
    trial: int
    objective: str
    direction: Direction
    value: float | None
    """the objective; None where the trial did not complete"""
    configuration: Configuration
    parameters: int = 0
    """trainable weights of the net"""
    seconds: float = 0.0
    best_epoch: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    """of the validation rows (`val_rmse`), and of the test rows where evaluated (`test_rmse`)"""
    data_digest: str = ""
    split: str = ""
    """how rows were divided, in a few words"""


@dataclass(frozen=True)
class ComparedRow:
    """One line of the comparison: a value for each entry, in the order of the columns."""

    name: str
    group: Group
    values: tuple[Cell, ...]
    differs: bool


@dataclass(frozen=True)
class Comparison:
    """Entries as columns. `best` is None where they cannot be ranked; `notes` says why, and what else to mind."""

    entries: tuple[Entry, ...]
    columns: tuple[str, ...]
    best: Entry | None
    notes: tuple[str, ...]

    @property
    def best_column(self) -> str | None:
        """Return the best entry's column name."""
        return next((n for n, entry in zip(self.columns, self.entries, strict=True) if entry is self.best), None)

    @property
    def differing(self) -> tuple[str, ...]:
        """Return the hyperparameters that are not the same in all entries."""
        return tuple(row.name for row in self.rows() if row.group == "hyperparameters" and row.differs)

    def rows(self) -> tuple[ComparedRow, ...]:
        """Return the lines: study, hyperparameters in the table's order, result, metrics."""
        return (*self._study(), *self._hyperparameters(), *self._results(), *self._metrics())

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame: a row for each line (its name is the index), a column for each entry, and `differs`."""
        import pandas as pd

        rows = self.rows()
        columns: dict[str, list[Cell]] = {
            name: [row.values[index] for row in rows] for index, name in enumerate(self.columns)
        }
        columns["differs"] = [row.differs for row in rows]
        frame = pd.DataFrame(columns, index=pd.Index([row.name for row in rows], name="row"), dtype=object)
        return frame.astype({"differs": bool})

    def _study(self) -> list[ComparedRow]:
        return [
            self._row("objective", "study", lambda e: f"{e.objective} ({e.direction})"),
            self._row("data", "study", lambda e: e.data_digest[:12] or None),
            self._row("split", "study", lambda e: e.split or None),
        ]

    def _hyperparameters(self) -> list[ComparedRow]:
        names = _in_table_order(name for entry in self.entries for name in entry.configuration)
        return [self._row(name, "hyperparameters", _lookup("configuration", name)) for name in names]

    def _results(self) -> list[ComparedRow]:
        return [
            self._row("value", "result", lambda e: e.value),
            self._row("best_epoch", "result", lambda e: e.best_epoch or None),
            self._row("parameters", "result", lambda e: e.parameters or None),
            self._row("seconds", "result", lambda e: round(e.seconds, 3)),
        ]

    def _metrics(self) -> list[ComparedRow]:
        names = dict.fromkeys(name for entry in self.entries for name in entry.metrics)
        order = sorted(names, key=lambda name: (not name.startswith("test_"), not name.startswith("val_"), name))
        return [self._row(name, "metrics", _lookup("metrics", name)) for name in order]

    def _row(self, name: str, group: Group, cell: Callable[[Entry], Cell]) -> ComparedRow:
        values = tuple(_none_if_nan(cell(entry)) for entry in self.entries)
        return ComparedRow(name, group, values, any(value != values[0] for value in values))


def compare(entries: Sequence[Entry]) -> Comparison:
    """Put entries side by side, in the order given, and name the best.

    The best is told only where all have one objective and direction and at least one has a value; a difference in data
    or split is said. Raises StudyError without entries.
    """
    if not entries:
        raise StudyError("there is nothing to compare; name a study with completed trials")
    best, notes = _best(entries)
    for what, values in (("data", {e.data_digest for e in entries}), ("split", {e.split for e in entries})):
        if len(values) > 1:
            notes.append(
                f"the {what} differ{'s' * (what == 'split')} between entries: their values do not measure the same"
            )
    return Comparison(tuple(entries), tuple(_columns(entries)), best, tuple(notes))


def _lookup(mapping: Literal["configuration", "metrics"], name: str) -> Callable[[Entry], Cell]:
    return lambda entry: getattr(entry, mapping).get(name)


def _best(entries: Sequence[Entry]) -> tuple[Entry | None, list[str]]:
    asked = {(entry.objective, entry.direction) for entry in entries}
    if len(asked) > 1:
        names = ", ".join(sorted(f"{objective} ({direction})" for objective, direction in asked))
        return None, [f"the objectives differ ({names}): no best is named"]
    valued = [(e.value, e) for e in entries if e.value is not None and not math.isnan(e.value)]
    if not valued:
        return None, ["no entry has a value: no best is named"]
    pick = min if entries[0].direction == "minimize" else max
    return pick(valued, key=lambda pair: pair[0])[1], []


def _columns(entries: Sequence[Entry]) -> list[str]:
    """Return a name for each entry, never the same twice: `bike #7`."""
    names: list[str] = []
    for entry in entries:
        name = f"{entry.study} #{entry.trial}"
        seen = sum(known == name or known.startswith(f"{name} (") for known in names)
        names.append(f"{name} ({seen + 1})" if seen else name)
    return names


def _in_table_order(names: Iterable[str]) -> list[str]:
    """Return names once each: the table's rows first, widths by their layer, then what the table does not know."""
    order = {name: index for index, name in enumerate(ROWS)}

    def place(name: str) -> tuple[int, int, str]:
        row, _, layer = name.rpartition("_")
        if name not in order and row in order and layer.isdecimal():
            return order[row], int(layer), name
        return order.get(name, len(order)), 0, name

    return sorted(set(names), key=place)


def _none_if_nan(value: Cell) -> Cell:
    return None if isinstance(value, float) and math.isnan(value) else value
