"""What trials that diverged have in common: one parameter, and the part of its range that is theirs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from hpsearch.records import TrialRecord
from hpsearch.search.failures import has_diverged
from hpsearch.search.suggestion import number_text
from hpsearch.space.domain import Choices
from hpsearch.space.space import Parameter, Space

FEWEST = 10
"""Trials, before anything is said."""
OTHERS = 0.25
"""Share of the trials that did not diverge that may have it in common with those that did, at most."""


def divergence_warning(records: Sequence[TrialRecord], space: Space) -> str | None:
    """Return a sentence once half of at least ten trials diverged: how many, and what sets them apart; else None.

    This is said of few trials, to have a person look at the range while the search runs. It is no test, as
    `symptoms.diverged_region` is.
    """
    own = [r for r in records if r.state in ("completed", "pruned", "failed") and r.copy_of is None]
    bad = [record for record in own if has_diverged(record)]
    if len(own) < FEWEST or 2 * len(bad) < len(own):
        return None
    good = [record for record in own if record.state != "failed"]
    told = f"{len(bad)} of {len(own)} trials diverged"
    shared = sorted(found for parameter in space for found in _shared(parameter, bad, good))
    if not good or not shared or shared[0][0] > OTHERS:
        return f"{told}, and no one parameter sets them apart; are there extreme values among the data?"
    share, what = shared[0]
    also = f" (of the {len(good)} others {round(share * len(good))})" if share else ""
    return f"{told}, all with {what}{also}; consider a narrower range"


def _shared(
    parameter: Parameter, bad: Sequence[TrialRecord], good: Sequence[TrialRecord]
) -> Iterator[tuple[float, str]]:
    """Yield parts of the range that hold all that diverged: (share of the others in it, the part in words)."""
    name, domain = parameter.name, parameter.domain
    if domain.count() == 1 or not all(name in record.configuration for record in bad):
        return
    theirs = [record.configuration[name] for record in bad]
    others = [record.configuration[name] for record in good if name in record.configuration]
    if isinstance(domain, Choices) and any(isinstance(choice, str) for choice in domain.choices):
        found = [choice for choice in domain.choices if choice in theirs]
        if len(found) < len(domain.choices):
            yield _share(sum(o in found for o in others), good), f"{name} {' or '.join(map(str, found))}"
        return
    numbers, rest = [float(value) for value in theirs], [float(value) for value in others]
    low, high = min(numbers), max(numbers)
    yield _share(sum(other >= low for other in rest), good), f"{name} {_text(low, math.floor)} or above"
    yield _share(sum(other <= high for other in rest), good), f"{name} {_text(high, math.ceil)} or below"


def _share(count: int, good: Sequence[TrialRecord]) -> float:
    return count / max(len(good), 1)


def _text(value: float, rounds: Callable[[float], int]) -> str:
    """Return a number in three digits, rounded so that what is said of all stays true of all."""
    if value == 0:
        return "0"
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 2)
    near = float(f"{value:.3g}")
    return number_text(near if near == value else float(f"{rounds(value / unit) * unit:.3g}"))
