"""`hpsearch eda`: look at the data before anything is trained."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from hpsearch.app.store import private_files, store_folder
from hpsearch.data.prepared import load_table
from hpsearch.data.profile import Profile, profile_table
from hpsearch.report.eda import write_eda
from hpsearch.report.skrub_report import INSTALL
from hpsearch.spec import StudySpec, load_spec


@dataclass(frozen=True)
class Exploration:
    """A profile, the page that shows it, and what to say of skrub's report: where it is, or how to get it."""

    profile: Profile
    page: Path
    skrub: str
    notes: tuple[str, ...]


def explore(study: str | Path, *, store: str | Path | None = None, output: str | Path | None = None) -> Exploration:
    """Profile a study's data and write the page (default: `<store>/eda/<study>/index.html`)."""
    spec = load_spec(study)
    with nullcontext() if output else private_files():
        page = Path(output) if output else store_folder(store, create=True) / "eda" / spec.name / "index.html"
        return _explore(spec, page)


def _explore(spec: StudySpec, page: Path) -> Exploration:
    frame, columns, parts = load_table(spec)
    profile = profile_table(frame, columns, parts)
    beside = page.with_name(f"{page.stem}-skrub.html")
    beside.unlink(missing_ok=True)
    write_eda(profile, spec.name, page, frame=frame)
    skrub = f"every column to explore: {beside}" if beside.exists() else f"with skrub there is more to see: {INSTALL}"
    return Exploration(profile, page, skrub, columns.notes)
