"""`hpsearch ui`: the MLflow UI of a store, opened on a study."""

from __future__ import annotations

from pathlib import Path

from hpsearch.app.results import StudyResult, load
from hpsearch.app.store import private_files, store_folder
from hpsearch.errors import StoreError
from hpsearch.search.folder import study_names
from hpsearch.tracking.answer import mlflow_asked
from hpsearch.tracking.experiment import experiment_id
from hpsearch.tracking.location import tracking_uri
from hpsearch.tracking.server import HOST
from hpsearch.tracking.ui import Ui, finalists_link, serve_ui


@private_files()
def open_ui(
    study: str | None = None,
    *,
    port: int = 5000,
    host: str = HOST,
    exposed: bool = False,
    store: str | Path | None = None,
) -> tuple[Ui, list[str]]:
    """Serve the UI to this machine; return it and links for each study asked for (default: all).

    host, exposed: see `serve_ui`.
    One opens a study's completed trials, best first; one more its finalists' trainings, where there were any.
    """
    place = store_folder(store, create=True)
    names = [study] if study else study_names(place)
    results = [load(name, store=place) for name in names]
    uri = tracking_uri(place)
    ui = serve_ui(place, port, host=host, exposed=exposed)
    try:
        with mlflow_asked(uri):
            found = [(result, experiment_id(uri, result.info.uid)) for result in results]
    except StoreError:
        ui.stop()
        raise
    return ui, [link for result, number in found if number for link in _links(ui, result, number)]


def _links(ui: Ui, result: StudyResult, experiment: str) -> list[str]:
    info = result.info
    links = [f"{info.name}: {ui.link(experiment, 'objective', info.direction)}"]
    if result.verdict is not None:
        finalists = finalists_link(ui.url, experiment, info.objective, info.direction)
        links.append(f"{info.name}, finalists: {finalists}")
    return links
