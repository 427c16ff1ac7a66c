"""Which finalist wins: the best on new seeds, those that cannot be told from it, and the cheapest of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean, stdev
from typing import Any, Literal

from hpsearch.metrics import Direction
from hpsearch.significance import corrected_resampled_t, holm

LEVEL = 0.05
"""A p-value below it is a difference."""

Standing = Literal["best", "tied", "worse"]
Prefer = Literal["cheapest", "score"]


@dataclass(frozen=True)
class Retrained:
    """A finalist with what its trainings on new seeds gave."""

    trial: int
    searched: float
    """the objective that the search found it by"""
    values: tuple[float, ...]
    """the objective for each new seed and split, in the same order for all finalists"""
    parameters: int
    seconds: float
    """mean of a training"""


@dataclass(frozen=True)
class Finalist:
    """Where a finalist stands."""

    trial: int
    searched: float
    values: tuple[float, ...]
    """the objective for each new seed and split"""
    p_value: float | None
    """of its difference from the best, corrected for all pairs; None for the best itself"""
    standing: Standing
    parameters: int
    seconds: float
    """mean of a training"""

    @property
    def mean(self) -> float:
        """The mean of its values."""
        return fmean(self.values)

    @property
    def sd(self) -> float:
        """The standard deviation of its values."""
        return stdev(self.values)

    @property
    def n(self) -> int:
        """How many trainings there were."""
        return len(self.values)


@dataclass(frozen=True)
class Ensemble:
    """The average of the best finalists' nets, against the winner alone."""

    members: tuple[int, ...]
    """their trials"""
    values: tuple[float, ...]
    """the objective of the average, for the same seeds and splits"""
    p_value: float
    """of its difference from the winner"""
    better: bool
    """whether it is delivered: better on average, by more than chance"""


@dataclass(frozen=True)
class Verdict:
    """What the comparison says."""

    finalists: tuple[Finalist, ...]
    """best mean first"""
    winner: int
    """its trial"""
    found: int
    """the trial that the search itself would have named"""
    optimism: float
    """by how much that trial's value in the search is better than its mean on new seeds; below 0 where it is worse"""
    unstable: Mapping[int, str] = field(default_factory=dict)
    """finalists that failed on a new seed, and are out: trial -> why"""
    ensemble: Ensemble | None = None
    """where the study asks for one"""

    @property
    def tied(self) -> list[int]:
        """The trials that cannot be told from the best, the best among them."""
        return [finalist.trial for finalist in self.finalists if finalist.standing != "worse"]

    def of(self, trial: int) -> Finalist:
        """Return a finalist by its trial."""
        return next(finalist for finalist in self.finalists if finalist.trial == trial)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; `verdict_from_json` reads them back."""
        return asdict(self) | {"unstable": {str(trial): why for trial, why in self.unstable.items()}}


def verdict_from_json(values: dict[str, Any]) -> Verdict:
    """Return the verdict that `Verdict.to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    finalists = tuple(Finalist(**one | {"values": tuple(one["values"])}) for one in values["finalists"])
    unstable = {int(trial): str(why) for trial, why in values["unstable"].items()}
    ensemble = values["ensemble"] and Ensemble(
        **values["ensemble"] | {name: tuple(values["ensemble"][name]) for name in ("members", "values")}
    )
    return Verdict(**values | {"finalists": finalists, "unstable": unstable, "ensemble": ensemble})


def judge(
    retrained: Sequence[Retrained],
    direction: Direction,
    *,
    prefer: Prefer = "cheapest",
    test_share: float = 0.0,
    unstable: Mapping[int, str] | None = None,
) -> Verdict:
    """Compare finalists pairwise with the best, on the same seeds and splits.

    test_share: validation rows over training rows where the values come from folds, whose training rows overlap; 0 for
    seeds on one split (see `significance.corrected_resampled_t`). p-values are corrected for all pairs, since the best
    is found in the same values (`significance.holm`). Raises ValueError where there is no finalist, or where one has
    fewer than two values or not as many as the others.
    """
    counts = {len(one.values) for one in retrained}
    if len(counts) != 1 or min(counts) < 2:
        raise ValueError(f"finalists are compared on the same seeds, two at least; there are {sorted(counts)} values")
    sign = 1 if direction == "minimize" else -1
    ranked = sorted(retrained, key=lambda one: (sign * fmean(one.values), one.trial))
    best, rivals = ranked[0], ranked[1:]
    raw = [corrected_resampled_t(rival.values, best.values, test_share) for rival in rivals]
    pairs = len(ranked) * (len(ranked) - 1) // 2
    p_values = [None, *holm(raw, pairs)] if rivals else [None]
    finalists = tuple(_standing(one, p_value) for one, p_value in zip(ranked, p_values, strict=True))
    found = min(retrained, key=lambda one: (sign * one.searched, one.trial))
    optimism = sign * (fmean(found.values) - found.searched)
    return Verdict(finalists, _winner(finalists, prefer), found.trial, optimism, dict(unstable or {}))


def judge_ensemble(
    verdict: Verdict, members: Sequence[int], values: Sequence[float], direction: Direction, test_share: float = 0.0
) -> Verdict:
    """Compare the average of several finalists' nets with the winner, by the same test, and add what came out.

    values: the objective of the average, in the order of the finalists' values.
    """
    single = verdict.of(verdict.winner).values
    p_value = corrected_resampled_t(values, single, test_share)
    ahead = fmean(values) < fmean(single) if direction == "minimize" else fmean(values) > fmean(single)
    return replace(verdict, ensemble=Ensemble(tuple(members), tuple(values), p_value, ahead and p_value < LEVEL))


def _standing(one: Retrained, p_value: float | None) -> Finalist:
    standing: Standing = "best" if p_value is None else "worse" if p_value < LEVEL else "tied"
    return Finalist(one.trial, one.searched, one.values, p_value, standing, one.parameters, one.seconds)


def _winner(finalists: Sequence[Finalist], prefer: Prefer) -> int:
    if prefer == "score":
        return finalists[0].trial
    tied = [finalist for finalist in finalists if finalist.standing != "worse"]
    return min(tied, key=lambda finalist: (finalist.parameters, finalist.seconds, finalist.trial)).trial
