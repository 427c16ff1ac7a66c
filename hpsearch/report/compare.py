"""Configurations side by side: which hyperparameters differ, what came out, which is best. `render.py` writes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Literal

from hpsearch.errors import StudyError
from hpsearch.metrics import Direction
from hpsearch.search.verdict import Standing
from hpsearch.space.space import Configuration
from hpsearch.space.table import ROWS

if TYPE_CHECKING:
    import pandas as pd

    from hpsearch.data.scored_rows import ScoredRows

Cell = int | float | str | None
"""None: this configuration has no such thing (`neurons_3` of a two-layer net)"""
Group = Literal["study", "hyperparameters", "result", "metrics"]
Unit = Literal["", "seconds", "bytes", "p"]
"""p: a p-value"""


@dataclass(frozen=True)
class Entry:
    """One configuration of one study, with what came out of it."""

    study: str
    trial: int
    objective: str
    direction: Direction
    value: float | None
    """the objective that the search found it by; None where the trial did not complete"""
    configuration: Configuration
    parameters: int = 0
    """trainable weights of the net"""
    seconds: float = 0.0
    """of the search's trial"""
    best_epoch: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    """of the validation rows (`val_rmse`), and of the test rows where evaluated (`test_rmse`)"""
    data_digest: str = ""
    split: str = ""
    """how rows were divided, in a few words"""
    values: tuple[float, ...] = ()
    """the objective on each new seed and split; () where it was not trained again"""
    standing: Standing | None = None
    p_value: float | None = None
    """of its difference from the best"""
    winner: bool = False
    """whether its study's verdict names it"""
    settings: Mapping[str, str] = field(default_factory=dict)
    """the study file's other fields, as it writes them"""
    scored: ScoredRows | None = None
    """the rows its values are of"""
    latency: Mapping[str, float] = field(default_factory=dict)
    """`p50_batch_1`, ...: seconds per row; {} where it was not measured"""

    @property
    def mean(self) -> float | None:
        """Return the mean on new seeds."""
        return fmean(self.values) if self.values else None

    @property
    def sd(self) -> float | None:
        """Return the standard deviation on new seeds."""
        return stdev(self.values) if len(self.values) > 1 else None

    @property
    def size_bytes(self) -> int:
        """Return the size of the weights as float32."""
        return 4 * self.parameters


@dataclass(frozen=True)
class ComparedRow:
    """One line of the comparison: a value for each entry, in the order of the columns."""

    name: str
    group: Group
    values: tuple[Cell, ...]
    differs: bool
    label: str
    """the name as a person reads it"""
    unit: Unit = ""


@dataclass(frozen=True)
class Comparison:
    """Entries as columns. `best` is None where none can be named; `notes` says why, and what else to mind."""

    entries: tuple[Entry, ...]
    columns: tuple[str, ...]
    best: Entry | None
    notes: tuple[str, ...]
    legend: tuple[str, ...] = ()
    """what the words and numbers mean"""

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
        settings = [
            self._row(name, "study", _lookup("settings", name))
            for name in dict.fromkeys(name for entry in self.entries for name in entry.settings)
        ]
        return [
            self._row("objective", "study", lambda e: f"{e.objective} ({e.direction})"),
            self._row("data", "study", lambda e: e.scored.source if e.scored else e.data_digest[:12] or None),
            self._row("split", "study", lambda e: e.split or None),
            *(row for row in settings if row.differs),
        ]

    def _hyperparameters(self) -> list[ComparedRow]:
        names = _in_table_order(name for entry in self.entries for name in entry.configuration)
        return [self._row(name, "hyperparameters", _lookup("configuration", name)) for name in names]

    def _results(self) -> list[ComparedRow]:
        return [
            self._row("mean", "result", lambda e: e.mean),
            self._row("sd", "result", lambda e: e.sd, "standard deviation"),
            self._row("n", "result", lambda e: len(e.values) or None),
            self._row("verdict", "result", lambda e: e.standing or (None if e.values else "searched")),
            self._row("p_value", "result", lambda e: e.p_value, "p-value", "p"),
            self._row("winner", "result", lambda e: "yes" if e.winner else None),
            self._row("value", "result", lambda e: e.value, "search's value"),
            self._row("best_epoch", "result", lambda e: e.best_epoch or None),
            self._row("parameters", "result", lambda e: e.parameters or None),
            self._row("size_bytes", "result", lambda e: e.size_bytes or None, "size (float32)", "bytes"),
            self._row("seconds", "result", lambda e: round(e.seconds, 3), unit="seconds"),
            *(
                self._row(f"latency_{name}", "result", _lookup("latency", name), label, "seconds")
                for name, label in _LATENCIES.items()
            ),
        ]

    def _metrics(self) -> list[ComparedRow]:
        names = dict.fromkeys(name for entry in self.entries for name in entry.metrics)
        order = sorted(names, key=lambda name: (not name.startswith("test_"), not name.startswith("val_"), name))
        return [self._row(name, "metrics", _lookup("metrics", name)) for name in order]

    def _row(
        self, name: str, group: Group, cell: Callable[[Entry], Cell], label: str = "", unit: Unit = ""
    ) -> ComparedRow:
        values = tuple(_none_if_nan(cell(entry)) for entry in self.entries)
        return ComparedRow(name, group, values, any(value != values[0] for value in values), label or name, unit)


def compare(entries: Sequence[Entry], notes: Iterable[str] = (), legend: Iterable[str] = ()) -> Comparison:
    """Put entries side by side, in the order given, and name the best.

    That is the one that stands as best; where none was trained again on new seeds, the one of the best value in the
    search. None is named where only some were trained again and none of them stands as best, and where none has a
    value. Raises StudyError without entries, and for entries whose values do not measure the same.
    """
    if not entries:
        raise StudyError("there is nothing to compare; name a study with completed trials")
    require_comparable(entries)
    best, reasons = _best(entries)
    return Comparison(tuple(entries), tuple(_columns(entries)), best, (*notes, *reasons), tuple(legend))


def require_comparable(entries: Sequence[Entry]) -> None:
    """Raise StudyError, with all that differs, unless the entries' values are of one objective and of the same rows."""
    first, found = entries[0], dict[str, None]()
    for entry in entries[1:]:
        lines = _differences(first, entry)
        if lines:
            found[f"'{first.study}' and '{entry.study}':\n  " + "\n  ".join(lines)] = None
    if found:
        raise StudyError(
            "these studies' values do not measure the same, and are not compared\n" + "\n".join(found) + "\n"
            "give one study file the other's objective, data source, target and split, and run it under another name "
            "(preparation, dropped columns, space and search may differ)"
        )


def _differences(a: Entry, b: Entry) -> list[str]:
    from hpsearch.data.scored_rows import row_differences

    asked = [f"{entry.objective} ({entry.direction})" for entry in (a, b)]
    lines = [f"objective: {asked[0]} -> {asked[1]}"] if asked[0] != asked[1] else []
    return lines + (row_differences(a.scored, b.scored) if a.scored and b.scored else [])


_LATENCIES = {
    f"p{percentile}_batch_{batch}": f"latency p{percentile}, batch {batch:,}"
    for batch in (1, 1000)
    for percentile in (50, 99)
}


def _lookup(mapping: Literal["configuration", "latency", "metrics", "settings"], name: str) -> Callable[[Entry], Cell]:
    return lambda entry: getattr(entry, mapping).get(name)


def _best(entries: Sequence[Entry]) -> tuple[Entry | None, list[str]]:
    standing = next((entry for entry in entries if entry.standing == "best"), None)
    if standing is not None:
        return standing, []
    again = [entry for entry in entries if entry.values]
    if again:
        names = ", ".join(dict.fromkeys(f"'{entry.study}'" for entry in again))
        return None, [f"only {names} was trained again on new seeds: no best is named"]
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
