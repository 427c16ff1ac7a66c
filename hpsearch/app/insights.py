"""What mattered in a search and what to change next: kept beside the history, as working it out takes seconds.

For 5,000 trials it takes 15 s of one core, where a person asks for a study's state. So it is kept when a launch or a
report has worked it out (`insights.json`), with what tells one history from another; it can be removed at any time.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hpsearch.errors import StoreError
from hpsearch.search.advice import Advice
from hpsearch.search.folder import StudyFile, StudyFolder, write_whole

AT_ONCE = 100
"""Completed trials for which it is worked out while a person waits: about a second."""


@dataclass(frozen=True)
class Insights:
    """What a number of finished trials showed."""

    trials: int
    importances: Mapping[str, Mapping[str, float]]
    advice: Sequence[Advice]


def keep_insights(folder: StudyFolder, file: StudyFile, insights: Insights) -> None:
    """Keep what was worked out from the whole history; where the disk refuses, it is worked out again next time."""
    values = asdict(insights) | {"of": _state(folder, file)}
    with suppress(StoreError):
        write_whole(_path(folder), json.dumps(values, indent=1).encode())


def kept_insights(folder: StudyFolder, file: StudyFile) -> tuple[Insights | None, bool]:
    """Return what is kept of this study, and whether it is of the history as it stands; (None, False) for nothing."""
    try:
        values: dict[str, Any] = json.loads(_path(folder).read_text())
        found = Insights(values["trials"], values["importances"], [Advice(**one) for one in values["advice"]])
        of, now = values["of"], _state(folder, file)
        return (found, of == now) if of["uid"] == now["uid"] else (None, False)
    except (OSError, ValueError, KeyError, TypeError):
        return None, False


def _state(folder: StudyFolder, file: StudyFile) -> dict[str, Any]:
    """Return what tells one history from another: lines are only added to it, and each ends with its checksum."""
    try:
        with folder.history.open("rb") as history:
            size = history.seek(0, 2)
            history.seek(max(size - 64, 0))
            tail = zlib.crc32(history.read())
    except OSError:
        size = tail = 0
    return {"uid": file.info.uid, "size": size, "tail": tail, "trials": file.trials}


def _path(folder: StudyFolder) -> Path:
    return folder.path / "insights.json"
