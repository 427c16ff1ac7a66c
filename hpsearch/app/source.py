"""Which model a person means: a study's, one of MLflow's by its address, or a package in a folder."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpsearch.app.results import StudyResult, load
from hpsearch.app.store import store_folder
from hpsearch.delivery.manifest import MANIFEST
from hpsearch.errors import PackageError
from hpsearch.search.folder import study_names
from hpsearch.tracking.location import redact, tracking_uri


@contextmanager
def found_package(source: str, store: str | Path | None = None) -> Iterator[Path]:
    """Yield the folder of a package, not verified yet; it is there while the context lasts.

    source: a study's name, an MLflow address (`delivery.registry.ADDRESSES`), or a folder; a name that is both is the
    study's (`./name` is the folder's). Raises UnknownStudy, PackageError, StoreError.
    """
    place = store_folder(store)
    if re.match(r"[a-z][a-z0-9+.-]+:/", source):
        with tempfile.TemporaryDirectory(prefix="hpsearch-") as aside:
            yield _fetched(source, place, Path(aside))
    elif Path(source).is_dir() and source not in study_names(place):
        yield Path(source)
    elif "/" in source:
        raise PackageError(f"no folder {source}; give a study's name, a folder with a package, or an address in MLflow")
    else:
        yield delivered_package(load(source, store=place))


def delivered_package(result: StudyResult) -> Path:
    """Return the package of a study as it stands; it is made now if no launch got to it."""
    folder = result.folder.path / "package"
    if (folder / MANIFEST).is_file():
        return folder
    from hpsearch.app.winner import package_of

    return package_of(result)


def _fetched(address: str, place: Path, into: Path) -> Path:
    from hpsearch.delivery.registry import Registry, has_database

    uri = tracking_uri(place)
    if not has_database(uri):
        raise PackageError(f"{redact(uri)} does not exist, so there is no {address}; name the store with --store")
    return Registry(uri).fetch(address, into)
