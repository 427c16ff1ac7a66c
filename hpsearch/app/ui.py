"""`hpsearch ui`: the MLflow UI of a store, opened on a study."""

from __future__ import annotations

from pathlib import Path

from hpsearch.app.results import load
from hpsearch.app.store import store_folder
from hpsearch.errors import StoreError
from hpsearch.search.folder import study_names
from hpsearch.tracking.answer import mlflow_asked
from hpsearch.tracking.experiment import experiment_id
from hpsearch.tracking.location import tracking_uri
from hpsearch.tracking.ui import Ui, serve_ui


def open_ui(study: str | None = None, *, port: int = 5000, store: str | Path | None = None) -> tuple[Ui, list[str]]:
    """Serve the UI to this machine; return it and a link for each study asked for (default: all)."""
    place = store_folder(store, create=True)
    names = [study] if study else study_names(place)
    infos = [load(name, store=place).info for name in names]
    uri = tracking_uri(place)
    ui = serve_ui(place, port)
    try:
        with mlflow_asked(uri):
            found = [(info, experiment_id(uri, info.uid)) for info in infos]
    except StoreError:
        ui.stop()
        raise
    return ui, [f"{info.name}: {ui.link(number, 'objective', info.direction)}" for info, number in found if number]
