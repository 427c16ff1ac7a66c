"""A study as it stands: `hpsearch show`, `hpsearch list`, and what `hpsearch.run` and `hpsearch.load` return."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpsearch.app.store import store_folder
from hpsearch.errors import StoreError
from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.search.book import rank
from hpsearch.search.failures import FailureGroup, failure_groups
from hpsearch.search.finalists import read_verdict
from hpsearch.search.folder import StudyFile, StudyFolder, find_study, study_names
from hpsearch.search.history import read_history
from hpsearch.search.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

    from hpsearch.app.insights import Insights
    from hpsearch.delivery.predictor import Predictor
    from hpsearch.search.advice import Advice


@dataclass(frozen=True)
class StudyResult:
    """A study's trials and what came of them; read from disk, changes nothing."""

    folder: StudyFolder
    file: StudyFile
    records: tuple[TrialRecord, ...]
    """finished trials, by number"""
    whole: bool = True
    """the records have their epochs"""
    ending: str = ""
    """why the launch that returned this ended: budget, exhausted, good enough, timeout, interrupted"""
    signal: int = 0
    """number of the signal that interrupted it (2 for Ctrl-C); 0: none did"""
    link: str = ""
    """where the MLflow UI shows the trials of the launch that returned this, once `hpsearch ui` serves it"""
    trouble: str = ""
    """why MLflow could not be told all of the launch that returned this; the next launch tells it"""

    @property
    def name(self) -> str:
        """The study's name."""
        return self.file.info.name

    @property
    def info(self) -> StudyInfo:
        """What the study is."""
        return self.file.info

    @property
    def best(self) -> TrialRecord | None:
        """The completed trial with the best value; None before there is one."""
        return self._ranked[0] if self._ranked else None

    def ranked(self) -> list[TrialRecord]:
        """Return the completed trials, best first, each configuration once."""
        return list(self._ranked)

    @cached_property
    def _ranked(self) -> tuple[TrialRecord, ...]:
        return tuple(r for r in rank(self.records, self.info.direction) if r.copy_of is None)

    def states(self) -> dict[str, int]:
        """Return how many trials ended in each state; every state is there."""
        found = Counter(record.state for record in self.records)
        return {state: found[state] for state in ("completed", "pruned", "failed", "interrupted")}

    def done(self) -> int:
        """Return how many trials of the budget are used."""
        return sum(record.state != "interrupted" for record in self.records)

    def failures(self) -> str:
        """Return the failures by kind: `diverged at epoch 3 to 9 (4 trials), ...`; or `none failed`."""
        return ", ".join(group.describe() for group in self.failure_groups()) or "none failed"

    def failure_groups(self) -> list[FailureGroup]:
        """Return the trials that failed by kind of reason, the most frequent first."""
        return failure_groups(self.records)

    @cached_property
    def importances(self) -> dict[str, dict[str, float]]:
        """Importance of each hyperparameter by two methods; {} with too few trials."""
        from hpsearch.app.insights import kept_insights

        kept, current = kept_insights(self.folder, self.file)
        if kept is not None and current:
            return {method: dict(values) for method, values in kept.importances.items()}
        from hpsearch.search.importance import importances

        spec = self.file.load_spec()
        return importances(self.records, spec.build_space(), self.info.direction, spec.search.seed)

    @cached_property
    def plots(self) -> dict[str, bytes]:
        """PNG pictures of the search by name: history, parallel coordinates, slices, time line, importances."""
        from hpsearch.report.figures import search_plots

        return search_plots(self.records, self.info, self.file.load_spec().build_space(), self.importances)

    @cached_property
    def advice(self) -> list[Advice]:
        """What to change in the study file, by what the search found; the most useful first."""
        from hpsearch.app.insights import Insights, keep_insights, kept_insights

        kept, current = kept_insights(self.folder, self.file)
        if kept is not None and current:
            return list(kept.advice)
        from hpsearch.search.advice import advise

        space, total = self.file.load_spec().build_space(), self.file.trials
        records = self.records if self.whole else tuple(read_history(self.folder.history).values())
        found = advise(records, space, self.info.direction, trials=total, importances=self.importances)
        keep_insights(self.folder, self.file, Insights(len(records), self.importances, found))
        return found

    @cached_property
    def insights(self) -> Insights | None:
        """Importances and advice, as far as they are known within a second; None where they would take longer.

        Of a search that goes on they may be those of an earlier launch: `trials` says of how many.
        """
        from hpsearch.app.insights import AT_ONCE, Insights, kept_insights

        kept, current = kept_insights(self.folder, self.file)
        if not current and len(self._ranked) <= AT_ONCE:
            return Insights(len(self.records), self.importances, self.advice)
        return kept

    @property
    def evaluation(self) -> dict[str, Any] | None:
        """The delivered model's evaluation on the test rows (`report.evaluation`); None where there is none yet."""
        return read_evaluation(self.folder)

    @cached_property
    def verdict(self) -> Verdict | None:
        """What the finalists' comparison says; None where none was made yet."""
        return read_verdict(self.folder)

    @property
    def winner(self) -> TrialRecord | None:
        """The trial whose configuration the verdict names; without a verdict the best one."""
        if self.verdict is None:
            return self.best
        return next((record for record in self.records if record.number == self.verdict.winner), self.best)

    def trials_frame(self) -> pd.DataFrame:
        """Return a DataFrame with a row for each finished trial.

        Columns: `trial`, `state`, `value`, ..., `configuration.learning_rate`, ..., `metrics.val_rmse`, ...; NaN
        where a net lacks the parameter.
        """
        import pandas as pd

        return pd.json_normalize([_flat(record) for record in self.records])

    def predictor(self) -> Predictor:
        """Return the delivered model: raw rows in, predictions out.

        Raises PackageError where no launch came to an end yet; `hpsearch best` makes the package then.
        """
        from hpsearch.delivery.predictor import Predictor

        return Predictor.load(self.folder.path / "package")

    def to_json(self) -> dict[str, Any]:
        """Return the summary that `show --json` prints; its keys are stable."""
        best, total = self.best, sum(record.seconds for record in self.records)
        return {
            "name": self.name,
            "objective": self.info.objective,
            "direction": self.info.direction,
            "task": self.info.task,
            "trials": self.file.trials,
            "done": self.done(),
            "states": self.states(),
            "failures": [{"reason": group.reason, "count": len(group.trials)} for group in self.failure_groups()],
            "ending": self.ending,
            "seconds": round(total, 3),
            "best": None if best is None else _flat(best),
            "test": (self.evaluation or {}).get("metrics"),
            "winner": None if self.winner is None else _flat(self.winner),
            "verdict": None if self.verdict is None else self.verdict.to_json(),
            "created": self.file.created,
            "folder": str(self.folder.path),
            "link": self.link,
            "trouble": self.trouble,
        }


def read_evaluation(folder: StudyFolder) -> dict[str, Any] | None:
    """Return what the test rows said of a study's model; None where there is nothing yet. Raises StoreError."""
    path = folder.evaluation
    try:
        found = json.loads(path.read_text()) if path.exists() else {}
    except ValueError:
        found = None
    if not isinstance(found, dict) or (found and not {"metrics", "intervals", "rows", "looks"} <= found.keys()):
        raise StoreError(f"{path} is damaged; remove it, and hpsearch best {folder.path.name} makes it again")
    return found or None


def load(name: str, *, store: str | Path | None = None, epochs: bool = True) -> StudyResult:
    """Return a study by name; without its epochs it is there some ten times as fast.

    Raises UnknownStudy with the nearest name, StoreError where its files are damaged.
    """
    folder = find_study(store_folder(store), name)
    records = read_history(folder.history, epochs=epochs)
    return StudyResult(folder, folder.read(), tuple(records[number] for number in sorted(records)), epochs)


@dataclass(frozen=True)
class Damaged:
    """A study that cannot be read, and why."""

    name: str
    reason: str


def studies(store: str | Path | None = None) -> list[StudyResult]:
    """Return every study of a store, by name."""
    place = store_folder(store)
    return [load(name, store=place) for name in study_names(place)]


def listed(store: str | Path | None = None) -> list[StudyResult | Damaged]:
    """Return every study of a store, by name, without its epochs. One that is damaged is told, and hides no other."""
    place = store_folder(store)
    found: list[StudyResult | Damaged] = []
    for name in study_names(place):
        try:
            found.append(load(name, store=place, epochs=False))
        except StoreError as error:
            found.append(Damaged(name, str(error)))
    return found


def _flat(record: TrialRecord) -> dict[str, Any]:
    about = {
        "trial": record.number, "state": record.state, "value": record.value, "best_epoch": record.best_epoch,
        "parameters": record.parameters, "seconds": record.seconds, "reason": record.reason,
        "copy_of": record.copy_of, "retry_of": record.retry_of, "started": record.started,
    }  # fmt: skip
    return about | {"configuration": dict(record.configuration), "metrics": record.metrics}
