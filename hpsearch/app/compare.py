"""`hpsearch compare`: the best configurations of several studies, or the top of one, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hpsearch.app.results import StudyResult, load
from hpsearch.errors import NoTrialCompleted
from hpsearch.records import TrialRecord
from hpsearch.report.compare import Comparison, Entry
from hpsearch.report.compare import compare as compare_entries


def compare(
    studies: Sequence[str | StudyResult], *, top: int | None = None, store: str | Path | None = None
) -> Comparison:
    """Return configurations side by side: the best of each study, or the best `top` of each.

    One study alone shows its best five. Raises UnknownStudy, and NoTrialCompleted for a study without a best trial.
    """
    results = [load(study, store=store) if isinstance(study, str) else study for study in studies]
    each = top or (5 if len(results) == 1 else 1)
    entries = []
    for result in results:
        ranked = result.ranked()
        if not ranked:
            raise NoTrialCompleted(f"no trial of '{result.name}' completed yet; run the study first")
        entries += [_entry(result, record) for record in ranked[:each]]
    return compare_entries(entries)


def _entry(result: StudyResult, record: TrialRecord) -> Entry:
    info = result.info
    return Entry(
        study=info.name, trial=record.number, objective=info.objective, direction=info.direction,
        value=record.value or 0.0, configuration=dict(record.configuration), parameters=record.parameters,
        seconds=record.seconds, best_epoch=record.best_epoch, metrics=record.metrics, data_digest=info.data_digest,
        split=f"{info.splits} folds" if info.splits > 1 else "holdout",
    )  # fmt: skip
