"""`hpsearch report`: a study as one page that a person reads from top to bottom."""

from __future__ import annotations

import os
import shlex
from contextlib import nullcontext
from pathlib import Path
from textwrap import indent
from typing import Any

from hpsearch.app.results import StudyResult
from hpsearch.app.store import private_files, store_folder
from hpsearch.data.dataset import open_dataset
from hpsearch.data.faults import source_name
from hpsearch.delivery.manifest import MANIFEST
from hpsearch.delivery.predictor import read_json
from hpsearch.errors import NoTrialCompleted, PackageError, StoreError
from hpsearch.report.material import Material
from hpsearch.report.study_page import render_study
from hpsearch.search.advice import Advice
from hpsearch.search.folder import write_whole
from hpsearch.search.meanings import MEANINGS
from hpsearch.tracking.items import LAUNCH
from hpsearch.tracking.mlflow import Tracker

PAGE = "report.html"


def write_report(result: StudyResult, output: str | Path | None = None) -> Path:
    """Write a study's page and return where it is (default: `report.html` in the study's folder).

    Raises NoTrialCompleted where there is nothing to show yet, StoreError where the page cannot be written.
    """
    path = Path(output).expanduser().absolute() if output else result.folder.path / PAGE
    if path.is_dir():
        path = path / PAGE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path.parent} cannot be made: {error.strerror}; give another file with --output") from None
    with nullcontext() if output else private_files():
        write_whole(path, render_study(gather(result), MEANINGS).encode())
    return path


def log_report(tracker: Tracker, result: StudyResult) -> Path:
    """Write a study's page to its place and keep it with the tracker's launch, as `report.html`."""
    path = write_report(result)
    tracker.artifact(LAUNCH, PAGE, path)
    return path


def gather(result: StudyResult) -> Material:
    """Return what the page is made from; what is missing or damaged is left out, but for what the study itself is."""
    from hpsearch import __version__

    if result.winner is None:
        raise NoTrialCompleted(f"no trial of '{result.name}' completed yet; run the study first")
    spec, folder = result.file.load_spec(), result.folder.path
    rows, columns = _rows(Path(result.file.dataset))
    digests: dict[str, str] = _json(folder / "package" / MANIFEST).get("files", {})
    return Material(
        info=result.info,
        spec=spec,
        records=result.records,
        shown=result.winner,
        trials=result.file.trials,
        text=result.file.text,
        created=result.file.created,
        verdict=result.verdict,
        evaluation=result.evaluation,
        pictures=_pictures(folder / "evaluation") if result.evaluation else {},
        importances=result.importances,
        plots=result.plots,
        profile=_json(folder / "profile.json") or None,
        rows=rows,
        columns=columns,
        source=source_name(spec.data),
        package=_json(folder / "package" / "package.json") or None,
        digests={name: digest for name, digest in digests.items() if name == "model.keras"},
        version=__version__,
        store=_store(folder.parent.parent),
        advice=tuple((one.finding, _to_paste(one)) for one in result.advice),
    )


def _to_paste(advice: Advice) -> str:
    """Return the lines of an advice under the section of the study file that they belong to."""
    return f"{advice.section}:\n{indent(advice.line, '  ')}"


def _pictures(folder: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.png"))}


def _json(path: Path) -> dict[str, Any]:
    """Return what a file of the package or the profile holds; {} where it is missing or damaged."""
    try:
        return read_json(path)
    except PackageError:
        return {}


def _rows(folder: Path) -> tuple[dict[str, int], int]:
    """Return the rows of each part, and how many raw columns are used; ({}, 0) where the prepared data are gone."""
    try:
        data = open_dataset(folder)
    except (OSError, ValueError, TypeError, KeyError):
        return {}, 0
    return dict(data.rows), len(data.signature.columns)


def _store(place: Path) -> str:
    """Return what `--store` needs to say for commands typed here; '' where they find the store by themselves."""
    return "" if os.path.realpath(place) == os.path.realpath(store_folder()) else shlex.quote(str(place))
