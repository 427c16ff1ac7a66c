"""`hpsearch export`: a study's model in a folder, with a script that uses it where hpsearch is not installed."""

from __future__ import annotations

from pathlib import Path

from hpsearch.app.results import StudyResult
from hpsearch.app.winner import package_of
from hpsearch.delivery.export import export


def export_study(result: StudyResult, folder: str | Path) -> list[Path]:
    """Write the model a study delivers, its configuration, evaluation and a script into a folder; return the files.

    The folder appears whole or not at all; one with anything but an earlier export in it is refused. Raises
    NoTrialCompleted, PackageError.
    """
    package = package_of(result)
    pictures = sorted((result.folder.path / "evaluation").glob("*.png"))
    return export(Path(folder), package, result.evaluation, {path.stem: path.read_bytes() for path in pictures})
