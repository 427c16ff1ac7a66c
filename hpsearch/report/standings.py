"""Where configurations of several studies stand: judged anew, as if they were finalists of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hpsearch.report.compare import Entry
from hpsearch.search.verdict import Retrained, judge


def judge_entries(entries: Sequence[Entry], test_share: float = 0.0) -> tuple[list[Entry], list[str]]:
    """Return the entries with their standing and p-value against the best of all, and notes for a person.

    Those that were trained again are compared with each other, on as many values as all of them have: the first ones,
    since values stand in the order of repeat and split. With fewer than two of them nothing is judged. test_share: as
    in `verdict.judge`; entries are of one objective and of the same rows.
    """
    again = [entry for entry in entries if len(entry.values) > 1]
    if len(again) < 2:
        return [replace(entry, standing=None, p_value=None) for entry in entries], []
    count = min(len(entry.values) for entry in again)
    retrained = [
        Retrained(place, entry.value or 0.0, entry.values[:count], entry.parameters, entry.seconds)
        for place, entry in enumerate(entries)
        if len(entry.values) > 1
    ]
    verdict = judge(retrained, entries[0].direction, test_share=test_share)
    judged = list(entries)
    for one in verdict.finalists:
        judged[one.trial] = replace(
            entries[one.trial], values=one.values, standing=one.standing, p_value=one.p_value
        )  # fmt: skip
    longer = dict.fromkeys(f"'{entry.study}'" for entry in again if len(entry.values) > count)
    notes = [f"{', '.join(longer)}: the first {count} values on new seeds count, the others have no more"] * bool(
        longer
    )
    return judged, notes
