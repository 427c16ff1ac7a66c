"""A study's page, from the question to the study file: what each section shows, in the order a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.data.profile import TargetProfile
from hpsearch.metrics import METRICS
from hpsearch.report import figures, findings
from hpsearch.report.explorer import MOST_LINES, explorer
from hpsearch.report.figures.eda import target_shape
from hpsearch.report.figures.finalists import finalists as draw_finalists
from hpsearch.report.material import Material
from hpsearch.report.page import data_uri, few_colours, json_block, render_page
from hpsearch.report.text import duration, number, readable
from hpsearch.report.verdict import looks_sentence
from hpsearch.search.verdict import Finalist
from hpsearch.significance import mean_interval
from hpsearch.space.domain import Value, describe

_MOST_COLUMNS, _MOST_WARNINGS, _MOST_CLASSES = 200, 6, 40
_PICTURES = {
    "confusion_matrix": ("Confusion matrix", "half"),
    "roc": ("ROC curve", "half"),
    "predicted_vs_actual": ("Predicted against actual values", "half"),
    "residuals": ("Residuals", "picture"),
}
"""Of the evaluation, in the order they are shown: what they are, how wide."""


def render_study(material: Material, meanings: Mapping[str, str] | None = None) -> str:
    """Return the page of a study that has a completed trial. It loads nothing, and runs its own script alone.

    meanings: what each importance method of the material tells.
    """
    m = material
    told = explorer(m.records, m.info, m.space, winner=m.shown.number, first=_foremost(m))
    page = {
        "data": _data(m),
        "winner": _winner(m),
        "evaluation": _evaluation(m),
        "comparison": _comparison(m),
        "mattered": _mattered(m, meanings or {}, told),
        "search": _search(m),
        "advice": list(m.advice),
        "use": {"finding": findings.usage(m), "commands": _commands(m)},
        "reproduce": _reproduce(m),
    }
    return render_page(
        "study.html.j2",
        script="study.js",
        name=m.info.name,
        description=m.info.description,
        objective=m.objective,
        facts=_facts(m),
        notes=_notes(m),
        contents=_contents(m),
        trials=json_block(told) if told else "",
        **page,
    )


def _facts(m: Material) -> list[tuple[str, str]]:
    """Return (what, number) of the cards at the top."""
    facts = []
    if m.test_value is not None:
        between = f", {number(m.interval[0])} to {number(m.interval[1])}" if m.interval else ""
        facts.append((f"{m.info.objective} on the test rows{between}", number(m.test_value)))
    if m.verdict is not None:
        one = m.verdict.of(m.verdict.winner)
        facts.append((f"{m.objective}, mean of {one.n} trainings", f"{number(one.mean)} ± {number(one.sd, 2)}"))
        facts.append(("optimism of the search", number(m.verdict.optimism, 2)))
    else:
        facts.append((f"{m.objective}, best of the search", number(m.value)))
    done = sum(record.state != "interrupted" for record in m.records)
    facts += [("trials", f"{done:,}"), ("weights of the net", f"{m.shown.parameters:,}")]
    facts += [("rows", f"{m.rows['total']:,}")] if m.rows else []
    return facts


def _notes(m: Material) -> list[str]:
    """Return what must be known before anything else is read."""
    notes = [findings.against_baselines(m)] if findings.beaten_by(m) else []
    if m.verdict is None:
        notes.append(" ".join(findings.winner(m)))
    members = m.metadata.get("members") or [m.metadata.get("trial", m.shown.number)]
    if m.shown.number not in members:
        told = f"Model and test scores are still those of trial {members[0]}, not of trial {m.shown.number}"
        notes.append(f"{told}; this makes them anew: {m.command('best')}")
    return notes


def _contents(m: Material) -> list[tuple[str, str]]:
    contents = [
        ("data", "Data"), ("winner", "Winner" if m.verdict else "Best trial"), ("evaluation", "Evaluation"),
        ("comparison", "Comparison"), ("importance", "What mattered"), ("search", "Search"),
    ]  # fmt: skip
    contents += [("advice", "What to change next")] if m.advice else []
    return [*contents, ("use", "Use it"), ("reproduce", "Reproduce it")]


def _data(m: Material) -> dict[str, Any]:
    profile = m.profile or {}
    columns = list(profile.get("columns", ()))
    facts = [("source", m.source), ("target", m.spec.data.target_name), ("task", m.info.task)]
    facts += [(f"{part} rows", f"{m.rows[part]:,}") for part in ("train", "validation", "test") if part in m.rows]
    facts += [("folds", str(m.info.splits))] if m.info.splits > 1 else []
    found = [(one["code"], one["message"]) for one in profile.get("warnings", ())]
    return {
        "finding": findings.question(m),
        "facts": facts,
        "picture": _picture(target_shape(_target(profile["target"]))) if "target" in profile else "",
        "warnings": found[:_MOST_WARNINGS],
        "columns": [_column(column) for column in columns[:_MOST_COLUMNS]],
        "more": len(columns) > _MOST_COLUMNS,
    }


def _target(values: Mapping[str, Any]) -> TargetProfile:
    classes = tuple((str(name), int(count)) for name, count in values["classes"])
    moments = tuple((str(name), float(value)) for name, value in values["moments"])
    histogram = values["histogram"] and (tuple(values["histogram"][0]), tuple(values["histogram"][1]))
    return TargetProfile(values["name"], values["task"], values["missing"], classes, moments, histogram or None)


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    if column["top"]:
        values = ", ".join(readable(text, 30) for text, _ in column["top"][:5])
        values += ", …" if column["distinct"] > 5 else ""
    else:
        ends = [column["minimum"], column["maximum"]]
        values = "" if None in ends else f"{number(ends[0])} .. {number(ends[1])}"
    return {
        "name": column["name"], "kind": column["kind"], "used": column["used"], "missing": column["missing_share"],
        "distinct": column["distinct"], "examples": values,
    }  # fmt: skip


def _winner(m: Material) -> dict[str, Any]:
    one = m.shown
    configuration = [
        (p.name, _setting(one.configuration[p.name]), describe(p.domain), p.domain.count() == 1)
        for p in m.space
        if p.name in one.configuration
    ]
    net = f"Its net has {one.parameters:,} weights. In the search it was best at epoch {one.best_epoch}"
    net += f" and took {duration(one.seconds)}."
    told = findings.winner(m)
    return {
        "heading": f"The winner: trial {one.number}"
        if m.verdict
        else f"The best trial of the search: trial {one.number}",
        "finding": " ".join(told[:2]),
        "more": [text for text in (*told[2:], net, findings.delivered(m)) if text],
        "configuration": configuration,
        "curve": _picture(figures.learning_curve(one, m.info.objective)),
    }


def _setting(value: Value | None) -> str:
    return "–" if value is None else value if isinstance(value, str) else f"{value:.4g}"


def _evaluation(m: Material) -> dict[str, Any]:
    found = m.evaluation or {}
    intervals = found.get("intervals") or {}
    metrics = [
        {
            "name": name, "test": value, "validation": m.shown.metrics.get(f"val_{name}"),
            "interval": _between(intervals.get(name)), "meaning": METRICS[name].meaning if name in METRICS else "",
            "objective": name == m.info.objective,
        }
        for name, value in (found.get("metrics") or {}).items()
    ]  # fmt: skip
    more = [looks_sentence(int(found.get("looks") or 0)), _threshold(m)]
    shown = {**_PICTURES, **{name: (name.replace("_", " "), "picture") for name in m.pictures if name not in _PICTURES}}
    pictures = [(alt, _picture(m.pictures[name]), width) for name, (alt, width) in shown.items() if name in m.pictures]
    return {
        "finding": findings.evaluation(m),
        "more": [text for text in more if text],
        "metrics": metrics,
        "report": _report(found),
        "pictures": pictures,
    }


def _threshold(m: Material) -> str:
    threshold, labels = (m.evaluation or {}).get("threshold"), (m.evaluation or {}).get("labels") or ["", "1"]
    if threshold is None:
        return ""
    chosen = "" if threshold == 0.5 else ", chosen on the validation rows"
    return f"A row counts as '{readable(labels[-1])}' from a probability of {number(threshold, 3)} on{chosen}."


def _report(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of scikit-learn's classification report that are classes or means of them."""
    rows = []
    for name, values in (evaluation.get("report") or {}).items():
        if isinstance(values, Mapping):
            scores = [f"{values[key]:.3f}" for key in ("precision", "recall", "f1-score")]
            mean = name in ("macro avg", "weighted avg", "micro avg", "samples avg")
            rows.append({"name": name, "scores": [*scores, f"{values['support']:,.0f}"], "mean": mean})
    classes, means = [row for row in rows if not row["mean"]], [row for row in rows if row["mean"]]
    return [*classes[:_MOST_CLASSES], *means]


def _comparison(m: Material) -> dict[str, Any]:
    verdict = m.verdict
    by_number = {record.number: record for record in m.records}
    rivals = [by_number[one.trial] for one in verdict.finalists if one.trial in by_number] if verdict else []
    differing = [p.name for p in m.space if len({record.configuration.get(p.name) for record in rivals}) > 1]
    lines = {str(one["name"]): value for one in m.baselines if (value := _score(one, "validation", m)) is not None}
    return {
        "findings": [text for text in (findings.compared(m), findings.against_baselines(m)) if text],
        "picture": _picture(draw_finalists(verdict, m.info, lines, test_share=m.test_share)) if verdict else "",
        "differing": differing,
        "finalists": [
            _finalist(one, m)
            | {"settings": [_setting(by_number[one.trial].configuration.get(name)) for name in differing]}
            for one in (verdict.finalists if verdict else ())
            if one.trial in by_number
        ],
        "metrics": list((m.evaluation or {}).get("metrics") or {}),
        "baselines": _baselines(m),
    }


def _finalist(one: Finalist, m: Material) -> dict[str, Any]:
    assert m.verdict is not None
    return {
        "trial": one.trial,
        "winner": one.trial == m.verdict.winner,
        "mean": f"{number(one.mean)} ± {number(one.sd, 2)}",
        "interval": _between(mean_interval(one.values, m.test_share)),
        "searched": number(one.searched),
        "standing": one.standing,
        "p": "–" if one.p_value is None else "< 0.001" if one.p_value < 0.001 else f"{one.p_value:.3f}",
        "parameters": f"{one.parameters:,}",
        "seconds": duration(one.seconds),
    }


def _baselines(m: Material) -> list[dict[str, Any]]:
    """Return the net and the baselines, one row each, the net first."""
    if not m.baselines:
        return []
    metrics = (m.evaluation or {}).get("metrics") or {}
    value = m.verdict.of(m.verdict.winner).mean if m.verdict else m.value
    better = findings.beaten_by(m)
    mine = {
        "name": "the net", "class": "mine", "validation": number(value), "test": [_figure(v) for v in metrics.values()],
        "seconds": duration(m.shown.seconds), "meaning": f"trial {m.shown.number}",
    }  # fmt: skip
    rows = [
        {
            "name": str(one["name"]), "class": "better" if str(one["name"]) in better else "",
            "validation": _figure(_score(one, "validation", m)),
            "test": [_figure((one.get("test") or {}).get(name)) for name in metrics],
            "seconds": duration(float(one.get("seconds") or 0)), "meaning": str(one.get("meaning") or ""),
        }
        for one in m.baselines
    ]  # fmt: skip
    return [mine, *rows]


def _score(baseline: Mapping[str, Any], part: str, m: Material) -> float | None:
    value = (baseline.get(part) or {}).get(m.info.objective)
    return None if value is None else float(value)


def _picture(png: bytes) -> str:
    return data_uri(few_colours(png))


def _plot(m: Material, name: str) -> str:
    return _picture(m.plots[name]) if name in m.plots else ""


def _figure(value: float | None) -> str:
    return "–" if value is None else number(value)


def _between(interval: Sequence[float] | None) -> str:
    return "–" if not interval else f"{number(interval[0])} to {number(interval[1])}"


def _foremost(m: Material) -> str:
    """Return the hyperparameter that mattered most, by the first method."""
    rated = next(iter(m.importances.values()), {})
    return max(rated, key=lambda name: rated[name], default="")


def _mattered(m: Material, meanings: Mapping[str, str], told: Mapping[str, Any]) -> dict[str, Any]:
    lines = told.get("trials", [])
    able = sum(record.state in ("completed", "pruned") for record in m.records)
    more = f" The best {MOST_LINES} of {able:,} trials are drawn." if able > len(lines) >= MOST_LINES else ""
    return {
        "finding": findings.mattered(m, meanings),
        "importances": _plot(m, "importances"),
        "parallel": _plot(m, "parallel_coordinates"),
        "slices": _plot(m, "slices"),
        "marked": any(line["n"] == m.shown.number for line in lines),
        "pruned": any(line["o"] is None for line in lines),
        "left_out": more,
    }


def _search(m: Material) -> dict[str, Any]:
    states = []
    for state in ("completed", "pruned", "failed", "interrupted"):
        having = [record for record in m.records if record.state == state]
        epochs = sum(len(record.epochs) for record in having)
        seconds = sum(record.seconds for record in having)
        states += [{"state": state, "count": len(having), "seconds": seconds, "epochs": epochs}] if having else []
    reasons = [record.reason for record in m.records if record.state == "failed"]
    told = ", ".join(f"{reason} ({reasons.count(reason)})" for reason in dict.fromkeys(reasons))
    return {
        "finding": findings.searched(m),
        "states": states,
        "failures": told,
        "history": _plot(m, "optimization_history"),
        "timeline": _plot(m, "timeline"),
    }


def _commands(m: Material) -> list[tuple[str, str]]:
    return [
        ("Predict the rows of a file:", m.command("predict", "rows.csv", "-o", "predictions.csv")),
        ("Answer requests on this machine:", m.command("serve")),
        ("Take it elsewhere, with an example that needs no hpsearch:", m.command("export", "DIR")),
    ]


def _reproduce(m: Material) -> dict[str, Any]:
    search, info = m.spec.search, m.info
    versions = {"hpsearch": m.version, **((m.package or {}).get("versions") or {})}
    facts = [
        ("run it again", f"hpsearch run {info.name}.yaml --new --trials {m.trials}"),
        ("seed of the search", str(search.seed)),
        ("seed of the split", str(m.spec.data.split.seed)),
        (f"seed of trial {m.shown.number}", str(m.shown.seed)),
        ("sampler, pruner", f"{search.sampler.name}, {search.pruner.name}"),
        ("trainer of the trial", m.shown.trainer or search.trainer),
        ("study", f"{info.name}, {info.uid}"),
        ("begun", m.created),
        ("data, digest", info.data_digest),
        *((f"{what}, sha256", digest) for what, digest in m.digests.items()),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items() if version)),
    ]
    return {"finding": findings.reproduction(m), "facts": [pair for pair in facts if pair[1]], "text": m.text.strip()}
