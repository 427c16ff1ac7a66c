"""The pictures that show a search as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.report.figures.configurations import parallel_coordinates, slices
from hpsearch.report.figures.search import importances as draw_importances
from hpsearch.report.figures.search import optimization_history, timeline
from hpsearch.space.space import Space


def search_plots(
    records: Sequence[TrialRecord], info: StudyInfo, space: Space, importances: Mapping[str, Mapping[str, float]]
) -> dict[str, bytes]:
    """Return PNG pictures by name; `importances` is among them where there are any. Takes a second or two."""
    plots = {
        "optimization_history": optimization_history(records, info),
        "parallel_coordinates": parallel_coordinates(records, info, space),
        "slices": slices(records, info, space),
        "timeline": timeline(records),
    }
    return plots | ({"importances": draw_importances(importances)} if importances else {})
