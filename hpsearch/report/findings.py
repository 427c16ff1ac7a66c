"""What a study found, each section of its page in a plain sentence or two."""

from __future__ import annotations

from collections.abc import Mapping

from hpsearch.metrics import METRICS
from hpsearch.report.material import Material
from hpsearch.report.text import duration, number, readable
from hpsearch.report.verdict import baseline_sentence, verdict_sentences


def question(m: Material) -> str:
    """Say what is predicted, from what, and how the rows are divided."""
    start = f"Predict '{readable(m.spec.data.target_name)}' ({m.info.task})"
    rows = m.rows
    if not rows:
        return f"{start} from {readable(m.source)}."
    kept = f"{rows['test']:,} kept for the test" if rows["test"] else "none kept for a test"
    parts = f"{rows['train']:,} to train on, {rows['validation']:,} to validate, {kept}"
    folds = f" (of the first of {m.info.splits} folds)" if m.info.splits > 1 else ""
    return f"{start} from {_counted(m.columns, 'column')} of {_counted(rows['total'], 'row')}: {parts}{folds}."


def winner(m: Material) -> list[str]:
    """Say who wins, how sure that is and how optimistic the search was; without a verdict, what is shown instead."""
    if m.verdict is not None:
        return verdict_sentences(m.verdict, m.info, m.records)
    completed = _counted(len(m.ranked), "completed trial")
    return [
        f"No winner is verified: the search's best is shown, trial {m.shown.number}, with {m.objective} "
        f"{number(m.value)}, the best of {completed}.",
        unknown_optimism(m),
    ]


def unknown_optimism(m: Material) -> str:
    """Say, without a verdict, that the best value is partly luck, what the test rows say of it, and how to know."""
    again = f"how much, training the best again on new seeds tells: {m.command('verify')}"
    if len(m.ranked) == 1:
        return f"One training says little of its configuration; {again}"
    text = f"The best of {len(m.ranked):,} values is partly luck, so {number(m.value)} is optimistic"
    if m.test_value is not None:
        text += f" (on the test rows the {m.info.objective} is {number(m.test_value)})"
    return f"{text}; {again}"


def delivered(m: Material) -> str:
    """Say what was done to make the delivered net; empty where there is no package."""
    if m.package is None:
        return ""
    about, refit = m.metadata, m.metadata.get("refit")
    members = about.get("members") or [about.get("trial", m.shown.number)]
    if len(members) > 1:
        what = f"the average of the nets of trials {', '.join(map(str, members[:-1]))} and {members[-1]}"
    else:
        what = f"the net of trial {members[0]}"
    if not refit:
        return f"What is delivered is {what}, as the search left it at its best epoch."
    epochs = refit["epochs"] if isinstance(refit["epochs"], list) else [refit["epochs"]]
    told = ", ".join(map(str, dict.fromkeys(epochs)))
    return (
        f"What is delivered is {what}, trained once more from the start, for {told} epochs, on training and validation "
        f"rows together ({refit['rows']:,})."
    )


def evaluation(m: Material) -> str:
    """Say how good the model is on the test rows; without an evaluation, why there is none."""
    if m.evaluation is None:
        if m.rows and not m.rows["test"]:
            return "The study keeps no test rows, so nothing tells how good the model is on rows it never met."
        return f"The test rows are still locked: no model was scored on them yet; {m.command('verify')} names it."
    rows, name, value = m.evaluation["rows"], m.info.objective, m.test_value
    start = f"On {_counted(rows, 'test row')}, on which it was neither trained nor chosen,"
    if value is None:
        return f"{start} its {name} is not defined."
    between = f" (95 % interval {number(m.interval[0])} to {number(m.interval[1])})" if m.interval else ""
    return f"{start} its {name} is {number(value)}{between}."


def beaten_by(m: Material) -> list[str]:
    """Return the names of the baselines that are better than the net on the test rows."""
    mine, better = m.test_value, METRICS[m.info.objective].better
    scored = [(str(one["name"]), (one.get("test") or {}).get(m.info.objective)) for one in m.baselines]
    return [name for name, value in scored if mine is not None and value is not None and better(value, mine)]


def against_baselines(m: Material) -> str:
    """Say whether the net beats simpler models on the test rows; empty where none was scored."""
    return baseline_sentence(m.evaluation, m.info.objective) if m.evaluation and m.baselines else ""


def compared(m: Material) -> str:
    """Say how the finalists stand to each other."""
    if m.verdict is None:
        return f"Nothing was compared yet; this does it: {m.command('verify')}"
    best, count, tied = m.verdict.finalists[0], len(m.verdict.finalists), len(m.verdict.tied)
    if count == 1:
        return f"Trial {best.trial} was the only finalist, so there was nothing to compare it with."
    start = f"Trial {best.trial} has the best mean of {count} finalists, {number(best.mean)}"
    worse = count - tied
    if tied == 1:
        return f"{start}; every other is worse."
    tail = f", {worse} {'is' if worse == 1 else 'are'} worse" if worse else ""
    return f"{start}; {tied - 1} cannot be told from it{tail}."


def mattered(m: Material, meanings: Mapping[str, str]) -> str:
    """Say which hyperparameters mattered, by each method."""
    told = []
    for method, rated in m.importances.items():
        first = [(name, value) for name, value in sorted(rated.items(), key=lambda pair: -pair[1])[:2] if value > 0]
        if first:
            named = " and ".join(f"{name} ({100 * value:.0f} %)" for name, value in first)
            told.append(f"{method} ({meanings.get(method, 'its own measure')}) names {named}")
    return f"{'; '.join(told)}." if told else "Too few different trials completed to tell what mattered."


def searched(m: Material) -> str:
    """Say how many trials ran, in what time, how they ended, and when the best one came."""
    spent = sum(record.seconds for record in m.records)
    done = sum(record.state != "interrupted" for record in m.records)
    states = [(state, sum(r.state == state for r in m.records)) for state in ("completed", "pruned", "failed")]
    ends = ", ".join(f"{count:,} {state}" for state, count in states if count)
    text = f"{done:,} of {m.trials:,} trials took {duration(spent)} of training: {ends}."
    best = m.ranked[0]
    later = sum(record.number > best.number for record in m.records)
    if later:
        return f"{text} Its best, trial {best.number}, was not improved by the {later:,} after it."
    return f"{text} Its best was the last one, trial {best.number}: more trials may improve it."


def usage(m: Material) -> str:
    """Say what the model takes and returns."""
    gives = f"'{readable(m.spec.data.target_name)}'"
    gives += "" if m.info.task == "regression" else " with the probability of each class"
    return f"The model takes rows as they stand in the data, gaps and unseen categories included, and returns {gives}."


def reproduction(m: Material) -> str:
    """Say what decides the trials."""
    return (
        f"Seed {m.spec.search.seed}, the study file and the data decide everything: with one worker the same trials "
        "come out again; with several a trial's seeds stay the same, but the sampler hears of trials in another order."
    )


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + "s" * (count != 1)
