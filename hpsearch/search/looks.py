"""The lock on the test rows: which models have been scored on them. The more looks, the less the last one says."""

from __future__ import annotations

import json
from typing import Any

from hpsearch.errors import StoreError
from hpsearch.search.folder import StudyFolder, write_whole


def looked_at(folder: StudyFolder, model: str, about: dict[str, Any]) -> int:
    """Write down that a model is scored on the test rows, and return how many different ones have been by now.

    model: what tells it from others, a digest of its weights. about: plain JSON values that say what it is. The same
    model counts once. Raises StoreError for a damaged file.
    """
    seen = looks(folder)
    if model not in seen:
        seen[model] = about
        write_whole(folder.looks, json.dumps(seen, indent=1).encode())
    return len(seen)


def looks(folder: StudyFolder) -> dict[str, Any]:
    """Return the models that were scored on a study's test rows, first one first."""
    try:
        seen = json.loads(folder.looks.read_text()) if folder.looks.exists() else {}
    except ValueError:
        seen = None
    if not isinstance(seen, dict):
        raise StoreError(f"{folder.looks} is damaged; restore it, or remove it: looks are then counted from 0 again")
    return seen
