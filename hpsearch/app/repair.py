"""Put a study's own files in step again after a launch that did not end well: what each launch does first of all."""

from __future__ import annotations

from dataclasses import dataclass

from hpsearch.app.opened import KnownStudy
from hpsearch.delivery.publish import finish_publishing
from hpsearch.search.book import Book
from hpsearch.search.checkup import leftovers
from hpsearch.search.history import cut_torn_tail, keep_last_lines
from hpsearch.search.optuna_study import OptunaStudy
from hpsearch.search.oracles import open_trials
from hpsearch.search.recovery import recover, restore_lines
from hpsearch.search.settings import reported_steps


@dataclass(frozen=True)
class PutRight:
    """A study that can go on."""

    book: Book
    asker: OptunaStudy
    repairs: tuple[str, ...]
    """a sentence for each thing that was wrong"""


def put_right(study: KnownStudy) -> PutRight:
    """Open a study's trials, and put right what a launch that was killed left. For the driver, under the study's lock.

    Doing it again changes nothing. Raises StoreError where a file is damaged, which no crash does.
    """
    folder, info, search = study.folder, study.info, study.spec.search
    repairs = []
    for path in leftovers(folder):
        path.unlink()
        repairs.append(f"{path.name}, half written by an earlier launch, is removed")
    if finish_publishing(folder.path / "package"):
        repairs.append("the package that an earlier launch was writing is removed, or in its place")
    torn = [path.name for path in (folder.journal, folder.history, folder.finalists) if cut_torn_tail(path)]
    repairs += [f"half a line at the end of {name} is cut off, and kept as {name}.torn" for name in torn]
    if twice := keep_last_lines(folder.history):
        repairs.append(f"{_trials(len(twice))} had several lines in the history; the last one of each is kept")
    book = Book(folder, info.direction, search.keep_models)
    space = study.spec.build_space()
    asker = open_trials(folder.journal, search, space, info.direction, reported_steps(space, info.splits))
    if restored := restore_lines(asker, book, info.objective):
        repairs.append(f"{_trials(len(restored))} had no line in the history; written again from Optuna")
    queued = asker.queued()
    lost = recover(asker, book)
    if lost:
        repairs.append(f"{_trials(len(lost))} that an earlier launch left unfinished will be run again")
    elif asker.queued() != queued:
        repairs.append(f"{_trials(asker.queued() - queued)} that were interrupted will be run again")
    return PutRight(book, asker, tuple(repairs))


def _trials(count: int) -> str:
    return f"{count} trial{'s' if count != 1 else ''}"
