"""`hpsearch compare`: the finalists of one study, or the winners of several, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from hpsearch.app.results import StudyResult, load
from hpsearch.data.scored_rows import scored_rows
from hpsearch.errors import NoTrialCompleted, StudyError, as_written
from hpsearch.records import TrialRecord
from hpsearch.report.compare import Comparison, Entry, require_comparable
from hpsearch.report.compare import compare as compare_entries
from hpsearch.report.standings import judge_entries
from hpsearch.report.text import number
from hpsearch.search.verdict import LEVEL
from hpsearch.spec.compare import FREE
from hpsearch.training.trainer import Hypermodel

if TYPE_CHECKING:
    from hpsearch.data.dataset import Signature

BATCHES = (1, 1000)
"""Rows at a time that latency is measured with."""
_TOP = 5


def compare(
    studies: Sequence[str | StudyResult],
    *,
    top: int | None = None,
    latency: bool = False,
    store: str | Path | None = None,
) -> Comparison:
    """Return configurations side by side: the finalists of one study, the winner of each of several.

    top: so many of each study: its best finalists, then the best of the search. A study without a verdict shows the
    best of its search: five if it is alone. latency: also measure how fast each net answers (a second or two each, once
    TensorFlow is there). Standings and p-values are the study's own verdict's; those of several studies are judged
    anew. Raises UnknownStudy, NoTrialCompleted for a study without a completed trial, and StudyError where objective,
    data, target or split differ.
    """
    found = [load(study, store=store, epochs=False) if isinstance(study, str) else study for study in studies]
    results = list({result.folder.path.resolve(): result for result in found}.values())
    if not results:
        raise StudyError("there is nothing to compare; name a study with completed trials")
    chosen = [(result, record) for result in results for record in _chosen(result, top, alone=len(results) == 1)]
    about = {result.folder.path: _about(result) for result in results}
    entries = [replace(about[result.folder.path], **_of_trial(result, record)) for result, record in chosen]
    require_comparable(entries)
    notes: list[str] = []
    if len(results) > 1:
        share = _test_share(results[0]) if sum(bool(entry.values) for entry in entries) > 1 else 0.0
        entries, notes = judge_entries(entries, share)
    if latency:
        entries = _with_latency(entries, [result for result, _ in chosen])
    return compare_entries(entries, [*notes, *_notes(results, entries)], _legend(entries))


def _chosen(result: StudyResult, top: int | None, *, alone: bool) -> list[TrialRecord]:
    """Return what a study is shown by, best first."""
    if result.winner is None:
        raise NoTrialCompleted(f"no trial of '{result.name}' completed yet; run the study first")
    if top is None and not alone:
        return [result.winner]
    if result.verdict is None:
        return result.ranked()[: top or _TOP]
    known = {record.number: record for record in result.records}
    finalists = [known[finalist.trial] for finalist in result.verdict.finalists if finalist.trial in known]
    judged = {record.number for record in finalists} | set(result.verdict.unstable)
    rest = [record for record in result.ranked() if record.number not in judged]
    return (finalists + rest)[: top or len(finalists)]


def _about(result: StudyResult) -> Entry:
    """Return an entry with what holds for all trials of a study."""
    info, spec = result.info, result.file.load_spec()
    return Entry(
        study=info.name, trial=-1, objective=info.objective, direction=info.direction, value=None, configuration={},
        data_digest=info.data_digest, split=f"{info.splits} folds" if info.splits > 1 else "holdout",
        settings=dict(_settings(result.file.spec)), scored=scored_rows(spec, info),
    )  # fmt: skip


def _of_trial(result: StudyResult, record: TrialRecord) -> dict[str, Any]:
    finalists = result.verdict.finalists if result.verdict else ()
    finalist = next((one for one in finalists if one.trial == record.number), None)
    known = {} if finalist is None else {
        "values": finalist.values, "standing": finalist.standing, "p_value": finalist.p_value,
        "winner": result.winner is record,
    }  # fmt: skip
    return known | {
        "trial": record.number, "value": record.value, "configuration": dict(record.configuration),
        "parameters": record.parameters, "seconds": record.seconds, "best_epoch": record.best_epoch,
        "metrics": record.metrics,
    }  # fmt: skip


def _settings(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Return what two comparable studies may differ in besides their spaces."""
    for key, value in values.items():
        name = prefix + key
        if name in _SHOWN_ELSEWHERE or name in FREE or (name == "model" and value is None):
            continue
        if isinstance(value, Mapping) and value:
            yield from _settings(value, f"{name}.")
        else:
            yield name, value if isinstance(value, str) else as_written(value)


_SHOWN_ELSEWHERE = {
    "name",
    "space",
    "winner",
    "model.digest",
    "model.parameters",
    "model.space",
    "data.csv",
    "data.parquet",
    "data.sklearn",
    "data.split",
}


def _test_share(result: StudyResult) -> float:
    """Return validation rows over training rows where values come from folds, else 0: comparable studies share it."""
    if result.info.splits == 1:
        return 0.0
    from hpsearch.app.opened import open_study

    rows = open_study(result).data.rows
    return rows["validation"] / rows["train"]


def _with_latency(entries: Sequence[Entry], results: Sequence[StudyResult]) -> list[Entry]:
    """Measure each entry's net, one after another; the weights do not matter for it."""
    from hpsearch.app.opened import open_study
    from hpsearch.delivery.latency import measure_latency
    from hpsearch.training.nets import net_of

    signatures: dict[Path, tuple[Signature, Hypermodel | None]] = {}
    measured = []
    for entry, result in zip(entries, results, strict=True):
        folder = result.folder.path
        if folder not in signatures:
            study = open_study(result)
            signatures[folder] = study.data.signature, study.settled.settings.hypermodel
        signature, hypermodel = signatures[folder]
        model = net_of(entry.configuration, signature, 0, "mse", hypermodel)
        found = {batch: measure_latency(model, signature.inputs, batch) for batch in BATCHES}
        seconds = {f"p{p}_batch_{batch}": getattr(one, f"p{p}") for batch, one in found.items() for p in (50, 99)}
        measured.append(replace(entry, latency=seconds))
    return measured


def _notes(results: Sequence[StudyResult], entries: Sequence[Entry]) -> list[str]:
    notes = [
        f"'{name}': a value marked 'searched' is what the search chose by, and so optimistic; "
        f"hpsearch verify {name} trains the best configurations again on new seeds"
        for name in dict.fromkeys(entry.study for entry in entries if not entry.values)
    ]
    if len({entry.settings["search.seed"] for entry in entries if entry.values}) > 1:
        notes.append("search.seed differs: values are paired by split alone, so that a small difference shows less")
    for result in results:
        if result.verdict is None:
            continue
        notes += [f"'{result.name}' #{trial} is out: {why}" for trial, why in result.verdict.unstable.items()]
        average = result.verdict.ensemble
        if average is not None and average.better:
            members = ", ".join(f"#{trial}" for trial in average.members)
            notes.append(
                f"'{result.name}' delivers the average of the nets of {members}, not its winner alone: "
                f"mean {number(fmean(average.values))}"
            )
        judged = {finalist.trial for finalist in result.verdict.finalists} | set(result.verdict.unstable)
        if result.best is not None and result.best.number not in judged:
            notes.append(
                f"'{result.name}': trial {result.best.number}, now the best of the search, came after the verdict; "
                f"hpsearch verify {result.name} takes it in"
            )
    return notes


def _legend(entries: Sequence[Entry]) -> list[str]:
    legend = []
    if any(entry.p_value is not None for entry in entries):
        legend.append(
            "verdict and p-value: against the best, on the same seeds and splits; a paired t-test, corrected for folds "
            f"that share rows and for all pairs (Holm); worse below {LEVEL}, else tied"
        )
    if any(entry.latency for entry in entries):
        from hpsearch.delivery.latency import machine

        legend.append(f"latency: per row, of the net alone as a package asks it, measured now on {machine()}")
    else:
        legend.append("latency is measured with --latency")
    return legend
