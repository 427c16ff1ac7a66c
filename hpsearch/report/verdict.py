"""A verdict in words: who wins and why, how optimistic the search was, and how the net stands against baselines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from hpsearch.metrics import METRICS
from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.report.text import configuration_text, duration, markdown, number, readable, shorten
from hpsearch.search.verdict import LEVEL, Ensemble, Finalist, Verdict

_MOST_NAMED = 10
_MOST_ROWS = 15
_CONFIGURATIONS = 1200
"""Characters that the configurations of a verdict may take together: an older MLflow keeps 5,000 of a description."""


def verdict_sentences(verdict: Verdict, info: StudyInfo, records: Sequence[TrialRecord]) -> list[str]:
    """Return who wins and why, what cannot be told from it, what is worse, and how optimistic the search was.

    Plain sentences on one line each, for the terminal and for pages, which escape them. records: the study's trials.
    """
    best, winner = verdict.finalists[0], verdict.of(verdict.winner)
    against = "" if winner is best else f"; that of trial {best.trial} is {number(best.mean)}"
    sentences = [
        f"Trial {winner.trial} wins: {_why(verdict)}.",
        f"Its mean validation {info.objective} on {_trainings(winner, info)} is {number(winner.mean)}, with a standard "
        f"deviation of {number(winner.sd, 2)}{against}.",
        *_standings(verdict),
        *(f"Trial {trial} is out of the comparison: {readable(why, 200)}." for trial, why in verdict.unstable.items()),
        *_optimism(verdict, info, records),
    ]
    return sentences if verdict.ensemble is None else [*sentences, _average(verdict.ensemble, winner)]


def baseline_sentence(evaluation: Mapping[str, Any], objective: str) -> str:
    """Return whether the net beats the best baseline on the test rows, and by how much; '' where none was scored.

    evaluation: what `evaluation.json` holds. A net that loses is said to lose, in so many words.
    """
    value, metric = _known(evaluation["metrics"].get(objective)), METRICS[objective]
    scored = [(_known(one["test"].get(objective)), str(one["name"])) for one in evaluation.get("baselines") or ()]
    rivals = [(score, name) for score, name in scored if score is not None]
    if value is None or not rivals:
        return ""
    score, name = (min if metric.direction == "minimize" else max)(rivals, key=lambda rival: rival[0])
    interval = _interval(evaluation, objective)
    spread = "" if interval is None else f" (95 % interval {number(interval[0])} to {number(interval[1])})"
    rival = f"{'the best' if len(rivals) > 1 else 'the only'} baseline ({readable(name)})"
    seen = f"its {objective} is {number(value)}{spread}, that of {rival} {number(score)}"
    if value == score:
        return f"On the test rows the net does no better than a baseline: {seen}."
    by = number(abs(value - score))
    ends = f"wins by {by}" if metric.better(value, score) else f"loses against a baseline by {by}"
    told = f"On the test rows the net {ends}: {seen}."
    if interval is not None and interval[0] <= score <= interval[1]:
        told += " The baseline lies within the interval: other rows could say otherwise."
    return told


def looks_sentence(looks: int) -> str:
    """Return how often the test rows were looked at, and what that means; '' where they never were."""
    if looks <= 1:
        return "Test rows seen 1 time: they took part in no choice." if looks else ""
    return (
        f"Caution: test rows seen {looks} times. Of several models scored on them, the best one's score is partly luck."
    )


def verdict_metrics(verdict: Verdict | None, evaluation: Mapping[str, Any] | None) -> dict[str, float]:
    """Return what a launch logs: `optimism`, `test_<metric>`, and its interval as `test_<metric>_low` and `_high`."""
    metrics = {} if verdict is None else {"optimism": verdict.optimism}
    for name, given in (evaluation or {"metrics": {}})["metrics"].items():
        if (value := _known(given)) is not None:
            metrics[f"test_{name}"] = value
        if evaluation is not None and (interval := _interval(evaluation, name)) is not None:
            metrics[f"test_{name}_low"], metrics[f"test_{name}_high"] = interval
    return metrics


def verdict_markdown(
    verdict: Verdict, info: StudyInfo, records: Sequence[TrialRecord], evaluation: Mapping[str, Any] | None = None
) -> str:
    """Return the verdict for a run's description: sentences, finalists, test scores, baselines; 5,000 characters or so.

    evaluation: what `evaluation.json` holds; None where the test rows were not scored. No text of the data is markup.
    """
    parts = ["## Verdict", _bullets(verdict_sentences(verdict, info, records)), "### Finalists"]
    parts += [_finalists(verdict, info, records)]
    if evaluation is not None:
        said = (baseline_sentence(evaluation, info.objective), looks_sentence(int(evaluation.get("looks") or 0)))
        parts += ["### Test rows", _bullets(sentence for sentence in said if sentence), _scores(evaluation)]
        parts += ["### Baselines", _baselines(evaluation, info.objective)] if evaluation.get("baselines") else []
    return "\n\n".join(part for part in parts if part) + "\n"


def _why(verdict: Verdict) -> str:
    best, winner = verdict.finalists[0], verdict.of(verdict.winner)
    tied = [finalist for finalist in verdict.finalists if finalist.standing != "worse"]
    if len(verdict.finalists) == 1:
        return "it is the only finalist"
    if len(tied) == 1:
        return "it is better than every other finalist"
    if winner is best:
        cheapest = min(tied, key=lambda one: (one.parameters, one.seconds)) is winner
        also = "and it is the smallest net" if cheapest else "which the study prefers to the smallest net"
        return f"it has the best mean of those that cannot be told apart, {also}"
    if winner.parameters < best.parameters:
        cheaper = f"{winner.parameters:,} parameters against {best.parameters:,}"
    else:
        cheaper = f"as many parameters, {duration(winner.seconds)} a training against {duration(best.seconds)}"
    return f"it cannot be told from the best, trial {best.trial}, and it is cheaper ({cheaper})"


def _standings(verdict: Verdict) -> list[str]:
    best, *rivals = verdict.finalists
    tied = [rival for rival in rivals if rival.standing == "tied"]
    worse = [rival for rival in rivals if rival.standing == "worse"]
    said = [f"{_named(tied)} cannot be told from trial {best.trial}, which has the best mean."] if tied else []
    said += [f"{_named(worse)} {'is' if len(worse) == 1 else 'are'} worse than trial {best.trial}."] if worse else []
    rule = f"A p-value below {number(LEVEL)} counts as a difference; all pairs of finalists are allowed for."
    return [*said, rule] if said else []


def _named(finalists: Sequence[Finalist]) -> str:
    """Return `Trial 3 (p-value 0.31) and trial 7 (p-value 0.2)`."""
    names = [f"trial {one.trial} (p-value {_p_value(one.p_value)})" for one in finalists[:_MOST_NAMED]]
    names += [f"{len(finalists) - _MOST_NAMED} more"] if len(finalists) > _MOST_NAMED else []
    listed = ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
    return listed[0].upper() + listed[1:]


def _optimism(verdict: Verdict, info: StudyInfo, records: Sequence[TrialRecord]) -> list[str]:
    found = verdict.of(verdict.found)
    ahead = METRICS[info.objective].better
    lost = any(
        record.number in verdict.unstable and record.value is not None and ahead(record.value, found.searched)
        for record in records
    )
    tried = sum(record.state == "completed" and record.copy_of is None for record in records)
    value = "the best value in the search of those compared" if lost else "the search's best value"
    seen = f"{value} was {number(found.searched)}; the same configuration's mean on {_trainings(found, info)} is "
    seen = seen[0].upper() + seen[1:] + number(found.mean)
    if verdict.optimism > 0:
        why = f", since the best of {tried:,} configurations is partly a lucky one" if tried > 1 else ""
        seen += f": too good by {number(verdict.optimism)}{why}"
    else:
        seen += ": it was not too good"
    other = [f"The search alone would have named trial {found.trial}."] if found.trial != verdict.winner else []
    return [*other, f"{seen}."]


def _average(ensemble: Ensemble, winner: Finalist) -> str:
    members = ", ".join(str(trial) for trial in ensemble.members[:-1]) + f" and {ensemble.members[-1]}"
    mean, p_value = number(fmean(ensemble.values)), _p_value(ensemble.p_value)
    if ensemble.better:
        end = f"better than trial {winner.trial} alone (p-value {p_value}), and takes its place"
    else:
        end = f"not shown to be better than trial {winner.trial} alone (p-value {p_value}), which stays"
    return f"The average of the nets of trials {members} has a mean of {mean}: {end}."


def _trainings(finalist: Finalist, info: StudyInfo) -> str:
    seeds, rest = divmod(finalist.n, info.splits)
    if info.splits == 1 or rest:
        return f"{finalist.n} new seeds" if info.splits == 1 else f"{finalist.n} new trainings"
    return f"{seeds} new seeds, {info.splits} folds each,"


def _p_value(p_value: float | None) -> str:
    if p_value is None:
        return "–"
    return "below 0.0001" if p_value < 0.0001 else number(p_value, 2)


def _finalists(verdict: Verdict, info: StudyInfo, records: Sequence[TrialRecord]) -> str:
    configurations = {record.number: configuration_text(record.configuration) for record in records}
    shown = verdict.finalists[:_MOST_ROWS]
    width = max(_CONFIGURATIONS // len(shown), 1)
    rows = [
        [
            f"{one.trial}{' ★' if one.trial == verdict.winner else ''}",
            f"{number(one.mean)} ± {number(one.sd, 2)}",
            str(one.n),
            _p_value(one.p_value),
            one.standing,
            f"{one.parameters:,}",
            duration(one.seconds),
            shorten(configurations.get(one.trial, "–"), width),
        ]
        for one in shown
    ]
    head = ["trial", f"{info.objective}, mean ± sd", "trainings", "p-value", "standing", "parameters", "time each"]
    table = _table([*head, "configuration"], rows)
    left = len(verdict.finalists) - len(shown)
    return f"{table}\n\n{left} more finalists are not shown." if left else table


def _scores(evaluation: Mapping[str, Any]) -> str:
    rows = []
    for name, given in evaluation["metrics"].items():
        value, interval = _known(given), _interval(evaluation, name)
        if value is not None:
            spread = "–" if interval is None else f"{number(interval[0])} to {number(interval[1])}"
            rows.append([name, number(value), spread])
    return _table(["metric", "test rows", "95 % interval"], rows)


def _baselines(evaluation: Mapping[str, Any], objective: str) -> str:
    rows = []
    for one in evaluation["baselines"]:
        values = (_known(one[part].get(objective)) for part in ("validation", "test"))
        rows.append([readable(one["name"], 40), *("–" if value is None else number(value) for value in values)])
    return _table(["baseline", f"{objective}, validation rows", "test rows"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    # MLflow draws no space between columns, so each cell brings its own.
    lines = [" | ".join(f"{markdown(cell)}&ensp;" for cell in line) for line in (head, *rows)]
    return "\n".join(f"| {line} |" for line in (lines[0], " | ".join(["---"] * len(head)), *lines[1:]))


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {markdown(sentence)}" for sentence in sentences)


def _interval(evaluation: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    low, high = (_known(end) for end in (evaluation.get("intervals") or {}).get(name) or (None, None))
    return None if low is None or high is None else (low, high)


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
