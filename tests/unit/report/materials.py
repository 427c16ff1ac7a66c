"""What a study's page is made from, made up: small, with everything the page can show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hpsearch.records import StudyInfo
from hpsearch.report import figures
from hpsearch.report.material import Material
from hpsearch.search.verdict import Retrained, judge
from hpsearch.spec import make_spec

from .trials import START, make_trials

STUDY = {
    "name": "bike",
    "description": "How many bikes?",
    "data": {"csv": "bikes.csv", "target": "cnt"},
    "space": {"hidden_layers": {"low": 1, "high": 3}, "epochs": 30},
    "search": {"trials": 30},
}
BASELINES = [
    {"name": "constant", "meaning": "the mean", "validation": {"rmse": 180.0}, "test": {"rmse": 181.0}, "seconds": 0.0},
    {"name": "linear", "meaning": "ridge", "validation": {"rmse": 60.0}, "test": {"rmse": 61.0}, "seconds": 0.2},
]
EVALUATION: dict[str, Any] = {
    "task": "regression", "target": "cnt", "rows": 40, "metrics": {"rmse": 48.0, "mae": 31.0, "r2": None},
    "report": None, "confusion_matrix": [], "labels": [], "roc": None, "threshold": None,
    "intervals": {"rmse": [44.0, 52.5], "mae": [29.0, 33.0]}, "baselines": BASELINES, "looks": 1,
}  # fmt: skip


def make_material(*, trials: int = 30, verdict: bool = True, **changes: Any) -> Material:
    """Return the material of a regression study; `verdict`: whether finalists were compared."""
    info = StudyInfo("bike", "a" * 16, "rmse", "minimize", "regression", "d" * 64, 1, "How many bikes?")
    spec = make_spec(changes.pop("study", STUDY))
    records = tuple(make_trials(trials, spec.space.build()))
    values: dict[str, Any] = {"info": info, "spec": spec, "records": records, "shown": records[0], "trials": trials}
    material = Material(**values | {
        "text": "name: bike\n", "created": START.isoformat(), "evaluation": EVALUATION, "source": "bikes.csv",
        "rows": {"train": 100, "validation": 30, "test": 40, "total": 170}, "columns": 7, "version": "0.1.0",
        "package": {"versions": {"keras": "3.15.1"}, "metadata": {"trial": 0, "kind": "winner", "refit": None}},
        "digests": {"model.keras": "f" * 64},
    })  # fmt: skip
    material = replace(
        material, plots=figures.search_plots(material.records, material.info, material.space, material.importances)
    )
    best = material.ranked[:3]
    noise = ((0.1, 0.9, 0.3, 0.6, 0.2), (0.8, 0.2, 0.5, 0.1, 0.7), (0.4, 0.6, 0.2, 0.9, 0.3))
    retrained = [
        Retrained(record.number, record.value or 0.0, tuple((record.value or 0.0) + more for more in new), size, 2.0)
        for record, new, size in zip(best, noise, (900, 300, 500), strict=False)
    ]
    found = judge(retrained, "minimize")
    values = vars(material) | {"shown": best[0]}
    if verdict:
        winner = next(r for r in records if r.number == found.winner)
        values |= {"shown": winner, "verdict": found}
    values["package"] = {"versions": {"keras": "3.15.1"}, "metadata": {"trial": values["shown"].number}}
    return Material(**values | changes)
