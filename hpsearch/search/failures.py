"""Failures told by their kind: reasons that differ only in numbers are one kind, `diverged at epoch 3 to 9`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.records import TrialRecord

_NUMBER = re.compile(r"0x[0-9a-fA-F]+|(?:(?<!\w)-)?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d+)?")
_LIST = re.compile(r"#(?:,? ?#)*,?")


@dataclass(frozen=True)
class FailureGroup:
    """Trials that failed for one kind of reason."""

    reason: str
    """with the span of each number that differs: `diverged at epoch 3 to 9`"""
    trials: tuple[int, ...]

    def describe(self) -> str:
        """Return `diverged at epoch 3 to 9 (4 trials)`."""
        return f"{self.reason} ({len(self.trials)} trial{'s' if len(self.trials) > 1 else ''})"


def kind_of(reason: str) -> str:
    """Return a reason with its numbers blanked, lists of them as one: numbers of trials, shapes, addresses differ."""
    return _LIST.sub("#", _NUMBER.sub("#", reason))


def failure_groups(records: Sequence[TrialRecord]) -> list[FailureGroup]:
    """Return the trials that failed by the kind of their reason, the most frequent first."""
    kinds: dict[str, list[TrialRecord]] = {}
    for record in records:
        if record.state == "failed":
            kinds.setdefault(kind_of(record.reason), []).append(record)
    groups = [FailureGroup(_common([r.reason for r in of]), tuple(r.number for r in of)) for of in kinds.values()]
    return sorted(groups, key=lambda group: -len(group.trials))


def has_diverged(record: TrialRecord) -> bool:
    """Tell whether a trial failed for a number that was none."""
    return record.state == "failed" and ("diverged" in record.reason or "finite" in record.reason)


def _common(reasons: Sequence[str]) -> str:
    """Return one reason for several of a kind, each number that differs as a span."""
    found = [_NUMBER.findall(reason) for reason in reasons]
    between = _NUMBER.split(reasons[0])
    if any(_NUMBER.split(reason) != between for reason in reasons):  # shapes of unequal length
        return reasons[0]
    spans = [_span(column) for column in zip(*found, strict=True)]
    return "".join(part for pair in zip(between, [*spans, ""], strict=True) for part in pair)


def _span(numbers: Sequence[str]) -> str:
    if len(set(numbers)) == 1 or any(number.startswith("0x") for number in numbers):
        return numbers[0]
    ordered = sorted(numbers, key=lambda number: float(number.replace(",", "")))
    return f"{ordered[0]} to {ordered[-1]}"
