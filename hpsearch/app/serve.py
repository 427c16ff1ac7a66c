"""`hpsearch serve`: a model behind MLflow's scoring server, for programs of this machine."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from hpsearch.app.results import load
from hpsearch.app.source import found_package
from hpsearch.app.store import store_folder
from hpsearch.data.prepared import load_table
from hpsearch.delivery.predictor import read_json
from hpsearch.delivery.scoring_server import check_host, curl_command, serve_package, typical_row
from hpsearch.errors import DataError
from hpsearch.search.folder import study_names
from hpsearch.tracking.server import HOST, Server


@contextmanager
def served(
    source: str,
    *,
    port: int = 5001,
    host: str = HOST,
    exposed: bool = False,
    store: str | Path | None = None,
) -> Iterator[tuple[Server, str]]:
    """Serve a model while the context lasts; yield the server and a shell command that asks it for a prediction.

    source: see `app.source.found_package`. port: another free one is taken if it is in use. Raises DeliveryError for a
    host that other machines reach unless `exposed` says that this is meant, else as `found_package` and
    `serve_package` do.
    """
    check_host(host, exposed)
    place = store_folder(store, create=True)
    with found_package(source, place) as package, tempfile.TemporaryDirectory(prefix="hpsearch-serve-") as folder:
        row = example_row(source, place, package)
        with serve_package(package, Path(folder), serve_log(place), port=port, host=host, exposed=exposed) as server:
            yield server, curl_command(server.url, row)


def serve_log(place: Path) -> Path:
    """Return the file for what the server prints."""
    return place / "serve.log"


def example_row(source: str, place: Path, package: Path) -> pd.DataFrame:
    """Return a row of the study's data; where there are none at hand, one that is made up."""
    about = read_json(package / "package.json")
    if source in study_names(place):
        try:
            frame, _, parts = load_table(load(source, store=place).file.load_spec())
            row: pd.DataFrame = frame[about["columns"]].iloc[parts.test[:1] if len(parts.test) else [0]]
            return row
        except (DataError, KeyError):
            pass  # the data are gone, or are not what they were
    return typical_row(json.loads((package / "preparation.json").read_text("utf-8")))
