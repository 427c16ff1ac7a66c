"""Which study a launch goes on with: the one on disk, the same in a changed space, or a new one."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any, Literal

from hpsearch.app.display import Display
from hpsearch.app.repair import torn_tails_cut
from hpsearch.data.dataset import Dataset
from hpsearch.errors import StudyChanged
from hpsearch.fault_injection import crash_point
from hpsearch.records import StudyInfo
from hpsearch.search.book import Book
from hpsearch.search.folder import StudyFile, StudyFolder, new_uid
from hpsearch.search.history import read_history
from hpsearch.search.settings import Settled
from hpsearch.search.widen import Carried, finish_widening, widen
from hpsearch.spec import StudySpec
from hpsearch.spec.compare import differences


def open_or_begin(
    folder: StudyFolder,
    spec: StudySpec,
    text: str,
    data: Dataset,
    settled: Settled,
    asked: Literal["new", "widen"] | None,
    shown: Display,
) -> StudyFile:
    """Return the study on disk if it is the same one, else one that is begun now. For the driver, under the lock.

    asked: start afresh, setting an earlier study aside; or carry its trials into a changed space. Raises StudyChanged
    where another study stands under the name, and StudyError where none of its trials fits the changed space.
    """
    if finish_widening(folder):
        shown.note(f"study '{spec.name}' is in its changed space now: an earlier launch was stopped while it moved")
    for said in torn_tails_cut(folder):
        shown.note(said)
    now = spec.model_dump(mode="json")
    if not folder.exists():
        return new_file(spec, now, text, data, settled)
    if asked == "new":
        shown.note(f"the earlier study '{spec.name}' is set aside in {folder.set_aside()}")
        crash_point("study-aside")
        return new_file(spec, now, text, data, settled)
    known = folder.read()
    changed = differences(known.spec, now)
    if not changed and known.info.data_digest != data.digest:
        changed = [f"data: digest {known.info.data_digest[:12]} -> {data.digest[:12]} (the rows are not the same)"]
    if not changed:
        return known
    if not read_history(folder.history):
        folder.set_aside()  # no trial of it ever ended: there is nothing to lose
        return new_file(spec, now, text, data, settled)
    space_alone = known.info.data_digest == data.digest and not differences(known.spec, now, but_space=True)
    if asked == "widen" and space_alone:
        file = new_file(spec, now, text, data, settled)
        shown.note(_told(widen(folder, file, settled.space, spec.search, settled.steps)))
        return file
    raise StudyChanged(_changed(spec.name, changed, asked, space_alone=space_alone))


def settle_total(
    folder: StudyFolder, file: StudyFile, spec: StudySpec, text: str, trials: int | None, more: int | None
) -> StudyFile:
    """Settle how many trials there are to be in all, and write the study down.

    trials: in all, never fewer than are done. more: beyond those. Neither: what file and study say, whichever is more.
    """
    done = Book(folder, file.info.direction, 1).counted()
    total = max(file.trials, spec.search.trials)
    if more is not None:
        total = done + more
    if trials is not None:
        total = max(trials, done)
    # What may differ from launch to launch is remembered as it was last asked for.
    decided = replace(file, trials=total, spec=spec.model_dump(mode="json"), text=text)
    folder.write(decided)
    crash_point("study-written")
    return decided


def new_file(spec: StudySpec, now: dict[str, Any], text: str, data: Dataset, settled: Settled) -> StudyFile:
    """Return what a study that begins is, under a new uid. now: the spec as JSON."""
    objective = settled.objective
    info = StudyInfo(
        spec.name, new_uid(), objective.name, objective.direction, data.signature.task, data.digest, data.splits,
        spec.description,
    )  # fmt: skip
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return StudyFile(info, now, str(spec.folder), text, str(data.folder), spec.search.trials, created)


def _told(carried: Carried) -> str:
    left = ", ".join(f"{count} left out ({reason})" for reason, count in carried.left.items())
    again = "" if carried.again is None else f"; trial {carried.again} is trained again, as its weights are gone"
    kept = f"{carried.kept} trial{'s' if carried.kept != 1 else ''} carried into the changed space"
    return f"{kept}{', ' + left if left else ''}{again}; the study before is set aside in {carried.aside}"


def _changed(name: str, changed: list[str], asked: str | None, *, space_alone: bool) -> str:
    lines = "\n  ".join(changed)
    fix = "undo the change, give the study another name, or start afresh with --new (the old one is set aside)"
    if space_alone:
        fix += "; --widen goes on in the changed space, with the trials that still fit"
    elif asked == "widen":
        fix += "; --widen may change the space alone"
    return f"study '{name}' began with another study file:\n  {lines}\n{fix}"
