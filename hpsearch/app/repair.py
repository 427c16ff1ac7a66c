"""Put a study's own files in step again after a launch that did not end well: what each launch does first of all."""

from __future__ import annotations

from dataclasses import dataclass

from hpsearch.app.opened import KnownStudy
from hpsearch.delivery.publish import finish_publishing
from hpsearch.search.book import Book
from hpsearch.search.checkup import contradicted, leftovers
from hpsearch.search.folder import StudyFolder, set_aside
from hpsearch.search.history import cut_torn_tail, keep_last_lines
from hpsearch.search.journal import read_trials
from hpsearch.search.optuna_study import OptunaStudy
from hpsearch.search.oracles import open_trials
from hpsearch.search.recovery import recover
from hpsearch.search.rewrite import rewrite_lost_journal
from hpsearch.search.settings import reported_steps


@dataclass(frozen=True)
class PutRight:
    """A study that can go on."""

    book: Book
    asker: OptunaStudy
    repairs: tuple[str, ...]
    """a sentence for each thing that was wrong"""


def put_right(study: KnownStudy, *, rewrite: bool = False) -> PutRight:
    """Open a study's trials, and put right what a launch that was killed left. For the driver, under the study's lock.

    rewrite: have a journal that contradicts the history written again. Doing it again changes nothing. Raises
    StoreError where a file is damaged, which no crash does.
    """
    folder, info, search = study.folder, study.info, study.spec.search
    repairs = []
    for path in leftovers(folder):
        path.unlink()
        repairs.append(f"{path.name}, half written by an earlier launch, is removed")
    if finish_publishing(folder.path / "package"):
        repairs.append("the package that an earlier launch was writing is removed, or in its place")
    repairs += torn_tails_cut(folder)
    if twice := keep_last_lines(folder.history):
        repairs.append(f"{_trials(len(twice))} had several lines in the history; the last one of each is kept")
    book = Book(folder, info.direction, search.keep_models)
    space = study.spec.build_space()
    steps = reported_steps(space, info.splits)
    if rewrite and contradicted(read_trials(folder.journal), book.records):
        aside = set_aside(folder.journal)
        repairs.append(f"{folder.journal} contradicted the history; it is kept as {aside.name}")
    if rewrite_lost_journal(folder.journal, book.records, info, search, space, steps):
        repairs.append(f"{folder.journal} was gone; it is written again from the history")
    asker = open_trials(folder.journal, search, space, info.direction, steps)
    queued = asker.queued()
    lost = recover(asker, book)
    if lost:
        repairs.append(f"{_trials(len(lost))} that an earlier launch left unfinished will be run again")
    elif asker.queued() != queued:
        repairs.append(f"{_trials(asker.queued() - queued)} that were interrupted will be run again")
    return PutRight(book, asker, tuple(repairs))


def torn_tails_cut(folder: StudyFolder) -> list[str]:
    """Cut off what a crash left half written at the end of a study's files, and say of each what was done."""
    said = []
    for path in (folder.journal, folder.history, folder.finalists):
        if torn := cut_torn_tail(path):
            kept = f"{len(torn):,} bytes; it is kept in {path}.torn"
            said.append(f"{path.name}: its last line was cut short when an earlier launch ended ({kept})")
    return said


def _trials(count: int) -> str:
    return f"{count} trial{'s' if count != 1 else ''}"
