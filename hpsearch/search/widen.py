"""Go on with a study in a changed space: a new study under its name, with the trials that still fit.

Optuna refuses other choices under a parameter's name (optuna #2199), so its journal is written anew. A carried trial
keeps its number, and with it its seed, its weights' file and the name by which people know it: the number of a trial
that is left out stays free, and new trials get numbers beyond all of them. Carried trials count against the budget as
before, and looks at the test rows stay counted. Finalists, verdict and package are not carried; they are made again.

The new study is built beside the old one (`.<name>.widening`), the old one is set aside, the new one takes its place. A
crash before the second step leaves the old study, one after it leaves what `finish_widening` puts in place.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hpsearch.errors import StudyError
from hpsearch.fault_injection import crash_point
from hpsearch.records import TrialRecord
from hpsearch.search.book import rank, weights_path
from hpsearch.search.folder import StudyFile, StudyFolder, write_whole
from hpsearch.search.history import read_history, to_line
from hpsearch.search.rewrite import write_journal
from hpsearch.space.domain import Value, describe
from hpsearch.space.space import Configuration, Space, widths
from hpsearch.space.table import ROWS
from hpsearch.spec.sections import SearchSection


@dataclass(frozen=True)
class Carried:
    """What became of the trials of the study before."""

    kept: int
    """trials that count against the budget"""
    left: Mapping[str, int] = field(default_factory=dict)
    """why trials do not fit the new space -> how many, most first"""
    again: int | None = None
    """the best of the kept trials, where its weights are gone: it is trained again, first of all"""
    aside: Path = Path()
    """where the study before is now"""


def widen(folder: StudyFolder, file: StudyFile, space: Space, search: SearchSection, steps: int) -> Carried:
    """Replace a study by one in another space that knows the trials which fit it. For the driver, under the lock.

    file: the new study, under a new uid. steps: values that a trial reports at most. Raises StudyError, with the old
    study as it was, where no trial fits.
    """
    finish_widening(folder)
    built = widening_of(folder)
    carried = build(folder, built, file, space, search, steps)
    crash_point("study-widened")
    aside = folder.set_aside()
    crash_point("study-swapped")
    built.path.rename(folder.path)
    return replace(carried, aside=aside)


def finish_widening(folder: StudyFolder) -> bool:
    """Bring to an end what a crash cut short, and return whether the new study was put in place by it.

    Call it under the lock before a study is looked for. A new study whose old one still stands is thrown away.
    """
    built = widening_of(folder)
    if not folder.path.exists() and built.exists():
        built.path.rename(folder.path)
        return True
    shutil.rmtree(built.path, ignore_errors=True)
    return False


def widening_of(folder: StudyFolder) -> StudyFolder:
    """Return where a study is built that is to take a folder's place."""
    return StudyFolder(folder.path.with_name(f".{folder.path.name}.widening"))


def moving_names(store: Path) -> list[str]:
    """Return the names of studies that stand only where they were built, their old ones being set aside."""
    built = (store / "studies").glob(".*.widening/study.json")
    names = [path.parent.name[1:].removesuffix(".widening") for path in built]
    return sorted(name for name in names if not StudyFolder(store / "studies" / name).exists())


def build(
    old: StudyFolder, new: StudyFolder, file: StudyFile, space: Space, search: SearchSection, steps: int
) -> Carried:
    """Make the new study in a folder of its own, whole once its `study.json` is there; the old one is only read."""
    known = read_history(old.history)
    records, left = fitting(known.values(), space)
    if left and not any(_counts(record) for record in records):
        reasons = "\n  ".join(f"{reason} ({count} trial{'s' if count > 1 else ''})" for reason, count in left.items())
        raise StudyError(
            f"no trial of '{file.info.name}' fits the changed space:\n  {reasons}\n"
            "undo a part of the change, or start afresh with --new (the old study is set aside)"
        )
    best = next((r for r in rank(records, file.info.direction) if r.copy_of is None), None)
    again = None if best is None or weights_path(old, best.number).exists() else best.number
    records = [_to_train_again(record) if record.number == again else record for record in records]
    new.path.mkdir(mode=0o700)
    for record in records:
        _copy_weights(old, new, record)
    if old.looks.exists():  # the test rows are the same, and were looked at
        shutil.copyfile(old.looks, new.looks)
    write_whole(new.history, b"".join(to_line(record.to_json()) for record in records))
    by_number = {record.number: record for record in records}
    write_journal(new.journal, by_number, max(known, default=-1), file.info, search, space, steps)
    new.write(file)
    return Carried(sum(map(_counts, records)), left, again)


def fitting(records: Iterable[TrialRecord], space: Space) -> tuple[list[TrialRecord], dict[str, int]]:
    """Return the records that fit a space, by number, as it writes their configurations; and why others do not.

    Interrupted trials that do not fit are passed over in silence: they never counted.
    """
    kept: list[TrialRecord] = []
    left: Counter[str] = Counter()
    for record in sorted(records, key=lambda record: record.number):
        configuration = rewritten(record.configuration, space)
        if space.contains(configuration):
            kept.append(replace(record, configuration=configuration))
        elif _counts(record):
            left[_misfit(configuration, space)] += 1
    return kept, dict(left.most_common())


def rewritten(configuration: Configuration, space: Space) -> dict[str, Value]:
    """Return what a space calls the same net, as far as it can.

    `l2` and `weight_decay` are 0 in a net that lacks them; one width for all layers is that width in each.
    """
    names = [parameter.name for parameter in space]
    if not space.tabular:
        return {n: configuration[n] for n in sorted(configuration, key=lambda n: names.index(n) if n in names else 999)}
    values = {n: v for n, v in configuration.items() if n in names or not (ROWS.get(n) and ROWS[n].optional and v == 0)}
    values |= {n: 0.0 for n in names if n in ROWS and ROWS[n].optional and n not in configuration}
    if values.get("hidden_layers"):
        units = widths(configuration)
        own = {n: v for n, v in values.items() if not n.startswith("neurons")}
        if "neurons" not in names:
            values = own | {f"neurons_{layer}": width for layer, width in enumerate(units, start=1)}
        elif len(set(units)) == 1:
            values = own | {"neurons": units[0]}
    return {n: values[n] for n in [*(n for n in names if n in values), *(n for n in values if n not in names)]}


def _misfit(configuration: Configuration, space: Space) -> str:
    """Say in words that many trials share why a configuration does not fit."""
    known = {parameter.name: parameter for parameter in space}
    for name, value in configuration.items():
        if name in known and not known[name].domain.contains(value):
            return f"{known[name].row.name} is outside {describe(known[name].domain)}"
    if stranger := next((name for name in configuration if name not in known), None):
        return f"{stranger} is not in the space any more"
    lacking = (p.row.name for p in space if p.active(configuration) and p.name not in configuration)
    missing = next(lacking, None)
    if missing is None:
        gone = next(p.name for p in space if not p.active(configuration) and p.name in configuration)
        return f"{gone} is not in such nets any more"
    return f"{missing} is new, and they have none"


def _to_train_again(record: TrialRecord) -> TrialRecord:
    """Return the record as one that recovery runs again, from the same seed."""
    reason = "trained again in the changed space: its weights were not kept"
    return replace(record, state="interrupted", reason=reason, value=None)


def _copy_weights(old: StudyFolder, new: StudyFolder, record: TrialRecord) -> None:
    path = weights_path(old, record.number)
    if path.exists():
        new.weights.mkdir(exist_ok=True, mode=0o700)
        shutil.copyfile(path, weights_path(new, record.number))


def _counts(record: TrialRecord) -> bool:
    return record.state != "interrupted"
