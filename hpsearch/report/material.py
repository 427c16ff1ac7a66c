"""What the page of a study is made from, gathered from disk by `app/report.py`: plain values, nothing drawn yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hpsearch.metrics import Direction
from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.search.verdict import Verdict
from hpsearch.space.space import Space
from hpsearch.spec import StudySpec


@dataclass(frozen=True)
class Material:
    """A study that has a completed trial."""

    info: StudyInfo
    spec: StudySpec
    records: tuple[TrialRecord, ...]
    """finished trials, by number"""
    shown: TrialRecord
    """the trial the page is about: the winner, or without a verdict the best one"""
    trials: int
    """trials in all, as last asked for"""
    text: str = ""
    """the study file as it was written"""
    created: str = ""
    """UTC, ISO 8601"""
    verdict: Verdict | None = None
    evaluation: Mapping[str, Any] | None = None
    """what `evaluation.json` holds; None before a model was scored on the test rows"""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """of the evaluation, PNG by name"""
    importances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    plots: Mapping[str, bytes] = field(default_factory=dict)
    """of the search (`figures.search_plots`)"""
    profile: Mapping[str, Any] | None = None
    """what `profile.json` holds (`data.profile`)"""
    rows: Mapping[str, int] = field(default_factory=dict)
    """rows of 'train', 'validation', 'test', 'total'; empty where the prepared data are gone"""
    columns: int = 0
    """raw columns used; 0 where the prepared data are gone"""
    source: str = ""
    """what the study file calls its data"""
    package: Mapping[str, Any] | None = None
    """what `package.json` holds; None where there is no package"""
    digests: Mapping[str, str] = field(default_factory=dict)
    """what of: sha256, in hex"""
    version: str = ""
    """of hpsearch"""
    store: str = ""
    """the store as commands must name it; empty where they find it by themselves"""
    advice: Sequence[tuple[str, str]] = ()
    """what was found about the space, and the line of the study file that answers it"""

    @property
    def space(self) -> Space:
        """The study's space."""
        return self.spec.build_space()

    @property
    def direction(self) -> Direction:
        """Which values of the objective are good."""
        return self.info.direction

    @property
    def objective(self) -> str:
        """The objective as it is named on validation rows."""
        return f"val_{self.info.objective}"

    @property
    def value(self) -> float:
        """The objective that the search found the shown trial by."""
        assert self.shown.value is not None
        return self.shown.value

    @property
    def ranked(self) -> list[TrialRecord]:
        """The completed trials, best first, each configuration once."""
        sign = 1 if self.direction == "minimize" else -1
        done = [r for r in self.records if r.state == "completed" and r.value is not None and r.copy_of is None]
        return sorted(done, key=lambda r: (sign * (r.value or 0.0), r.number))

    @property
    def test_share(self) -> float:
        """Validation rows over training rows with folds, 0 without: what overlapping folds add to the variance."""
        train = self.rows.get("train", 0)
        return self.rows["validation"] / train if self.info.splits > 1 and train else 0.0

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the package says of its model."""
        return (self.package or {}).get("metadata") or {}

    @property
    def test_value(self) -> float | None:
        """The objective on the test rows."""
        metrics: Mapping[str, float | None] = (self.evaluation or {}).get("metrics") or {}
        return metrics.get(self.info.objective)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the objective on the test rows."""
        found = ((self.evaluation or {}).get("intervals") or {}).get(self.info.objective)
        return None if not found else (float(found[0]), float(found[1]))

    @property
    def baselines(self) -> Sequence[Mapping[str, Any]]:
        """What simpler models reached on the same rows."""
        return (self.evaluation or {}).get("baselines") or ()

    def better(self, a: float, b: float) -> bool:
        """Tell whether a value of the objective is strictly better than another."""
        return a < b if self.direction == "minimize" else a > b

    def command(self, verb: str, *rest: str) -> str:
        """Return a command line that a person can paste."""
        place = f"--store {self.store}" if self.store else ""
        return " ".join(part for part in ("hpsearch", verb, self.info.name, *rest, place) if part)
