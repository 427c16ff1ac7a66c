"""`hpsearch verify`: the best configurations of a study trained again on new seeds, and the winner delivered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hpsearch.app.discovered import require_unchanged
from hpsearch.app.display import Display, Silent
from hpsearch.app.holder import driver_name
from hpsearch.app.launch import launch
from hpsearch.app.opened import OpenStudy
from hpsearch.app.repair import torn_tails_cut
from hpsearch.app.results import StudyResult, load
from hpsearch.app.signals import Signals
from hpsearch.app.store import private_files, require_usable, store_folder
from hpsearch.data.prepared import prepare_dataset
from hpsearch.errors import NoTrialCompleted, StudyChanged
from hpsearch.search.book import Book
from hpsearch.search.folder import find_study
from hpsearch.search.settings import settle
from hpsearch.spec.sections import WinnerSection


@private_files()
def verify(
    name: str,
    *,
    finalists: int | None = None,
    seeds: int | None = None,
    workers: int | str | None = None,
    store: str | Path | None = None,
    display: Display | None = None,
) -> StudyResult:
    """Train a study's best configurations again, name the winner, deliver it, and return what came of it.

    finalists, seeds: how many of each (default: what the study file says, or 5, also where it says `winner: none`).
    Nothing is searched, and what was trained before is not trained again. workers, store: as for `run`.

    Raises UnknownStudy, StudyLocked, DataError, StudyChanged where the data are no longer the same, and
    NoTrialCompleted where there is nothing to verify.
    """
    place, shown = store_folder(store), display or Silent()
    folder, owner = find_study(place, name), driver_name()
    require_usable(place)
    with Signals() as signals, folder.locked(owner):
        for said in torn_tails_cut(folder):
            shown.note(said)
        file = folder.read()
        spec = file.load_spec()
        asked = {"finalists": finalists, "seeds": seeds}
        given = {field: count for field, count in asked.items() if count is not None}
        spec = spec.model_copy(update={"winner": (spec.winner or WinnerSection()).model_copy(update=given)})
        require_unchanged(spec)
        data = prepare_dataset(spec, place / "cache")
        if data.digest != file.info.data_digest:
            raise StudyChanged(
                f"the rows of '{name}' are no longer those it was searched on (digest {file.info.data_digest[:12]} -> "
                f"{data.digest[:12]}); restore the file, or start afresh with hpsearch run --new"
            )
        book = Book(folder, file.info.direction, spec.search.keep_models)
        if book.best() is None:
            raise NoTrialCompleted(f"no trial of '{name}' completed yet; run the study first")
        file = replace(file, spec=spec.model_dump(mode="json"))
        folder.write(file)
        study = OpenStudy(folder, file, spec, data, settle(spec, data))
        count = spec.search.workers if workers is None else workers
        launched = launch(study, book.counted(), None, count, place, owner, shown=shown, signals=signals)
    return replace(
        load(name, store=place),
        ending=launched.ending,
        link=launched.link,
        trouble=launched.trouble,
        signal=signals.number,
    )
