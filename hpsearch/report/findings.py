"""What a study found, each section of its page in a plain sentence or two."""

from __future__ import annotations

from collections.abc import Mapping

from hpsearch.report.material import Material
from hpsearch.report.text import duration, number, percent, readable
from hpsearch.search.verdict import LEVEL, Finalist, Verdict


def question(m: Material) -> str:
    """Say what is predicted, from what, and how the rows are divided."""
    start = f"Predict '{readable(m.spec.data.target_name)}' ({m.info.task})"
    rows = m.rows
    if not rows:
        return f"{start} from {readable(m.source)}."
    parts = f"{rows['train']:,} to train on, {rows['validation']:,} to validate, {rows['test']:,} kept for the test"
    folds = f", in {m.info.splits} folds (these are the first's)" if m.info.splits > 1 else ""
    return f"{start} from {_counted(m.columns, 'column')} of {_counted(rows['total'], 'row')}: {parts}{folds}."


def winner(m: Material) -> str:
    """Say who wins and how sure that is; without a verdict, whose trial the page shows."""
    if m.verdict is None:
        completed = _counted(len(m.ranked), "completed trial")
        return (
            f"Nothing is verified yet: the search's best is shown, trial {m.shown.number}, with {m.objective} "
            f"{number(m.value)}, the best of {completed}."
        )
    verdict, one = m.verdict, m.verdict.of(m.verdict.winner)
    mean = f"{number(one.mean)} ± {number(one.sd, 2)}"
    return (
        f"Trial {one.trial} wins: on {_seeds(one, m.info.splits)} its mean {m.objective} is {mean}{_rivals(verdict)}."
    )


def optimism(m: Material) -> str:
    """Say how much better the search's value was than what the same configuration gives on new seeds."""
    if m.verdict is None:
        return _unknown_optimism(m)
    found = m.verdict.of(m.verdict.found)
    which = "it" if found.trial == m.verdict.winner else f"trial {found.trial}, the search's own best of the finalists,"
    seen = f"The search saw {which} at {m.objective} {number(found.searched)}"
    again = (
        f"trained again on {_seeds(found, m.info.splits)} the same configuration gives {number(found.mean)} on average"
    )
    if m.verdict.optimism <= 0:
        return f"{seen}; {again}: the search was not optimistic here."
    share = f" ({percent(abs(m.verdict.optimism / found.searched))})" if found.searched else ""
    return f"{seen}; {again}. The search was too optimistic by {number(m.verdict.optimism, 2)}{share}: that was luck."


def _unknown_optimism(m: Material) -> str:
    text = f"A value picked as the best of {len(m.ranked):,} is partly luck, so {number(m.value)} is optimistic"
    test = m.test_value
    if test is not None and m.better(m.value, test):
        text += f"; on the test rows the same net's {m.info.objective} is {number(test)}"
    again = m.command("verify")
    return f"{text}. How much is told by training the best again on new seeds: {again}"


def evaluation(m: Material) -> str:
    """Say how good the model is on the test rows, and how often those were looked at."""
    if m.evaluation is None:
        return f"No model was scored on the test rows yet; this does it: {m.command('best')}"
    rows, name, value = m.evaluation["rows"], m.info.objective, m.test_value
    start = f"On {_counted(rows, 'test row')}, which nothing was trained on or chosen by,"
    if value is None:
        return f"{start} {name} is not defined."
    between = f" (95 % interval {number(m.interval[0])} to {number(m.interval[1])})" if m.interval else ""
    return f"{start} its {name} is {number(value)}{between}."


def looks(m: Material) -> str:
    """Say how often the test rows were seen; empty where that is not known."""
    count = (m.evaluation or {}).get("looks")
    if not count:
        return ""
    if count == 1:
        return "Test rows seen once: no other model of this study was scored on them."
    return f"Test rows seen {count:,} times: who chooses between models by them makes their score optimistic too."


def beaten_by(m: Material) -> list[tuple[str, float]]:
    """Return the baselines that are better than the net on the test rows, best first."""
    mine = m.test_value
    if mine is None:
        return []
    found = [(str(one["name"]), value) for one in m.baselines if (value := _test(one, m)) is not None]
    sign = 1 if m.direction == "minimize" else -1
    return sorted([(name, value) for name, value in found if m.better(value, mine)], key=lambda pair: sign * pair[1])


def against_baselines(m: Material) -> str:
    """Say how the net stands against simpler models on the test rows; empty where there is nothing to compare."""
    mine, metric = m.test_value, m.info.objective
    values = {str(one["name"]): value for one in m.baselines if (value := _test(one, m)) is not None}
    if mine is None or not values:
        return ""
    better = beaten_by(m)
    if better:
        name, value = better[0]
        others = f" (and {len(better) - 1} more)" if len(better) > 1 else ""
        text = f"A baseline beats the net: on the test rows {readable(name)}{others} has {metric} {number(value)}"
    else:
        name, value = (min if m.direction == "minimize" else max)(values.items(), key=lambda pair: pair[1])
        what = f"all {len(values)} baselines" if len(values) > 1 else "the baseline"
        text = (
            f"The net beats {what}: on the test rows the best of them, {readable(name)}, has {metric} {number(value)}"
        )
        text = text.replace("the best of them, ", "") if len(values) == 1 else text
        text = (
            f"The net equals the best baseline: {readable(name)} has {metric} {number(value)}"
            if value == mine
            else text
        )
    within = m.interval is not None and m.interval[0] <= value <= m.interval[1]
    doubt = ", which lies within the net's 95 % interval: these rows do not tell them apart for sure" if within else ""
    return f"{text}, the net {number(mine)}{doubt}."


def compared(m: Material) -> str:
    """Say how the finalists stand to each other; empty without a verdict."""
    verdict = m.verdict
    if verdict is None:
        return ""
    best = verdict.finalists[0]
    if len(verdict.finalists) == 1:
        return f"Trial {best.trial} was the only finalist, so there was nothing to compare it with."
    tied, count = len(verdict.tied), len(verdict.finalists)
    start = f"Of {count} finalists trial {best.trial} has the best mean, {number(best.mean)}"
    rest = "every other is worse" if tied == 1 else "none can be told from it" if tied == count else ""
    rest = rest or f"{tied - 1} cannot be told from it, {count - tied} {'is' if count - tied == 1 else 'are'} worse"
    return f"{start}; {rest}. Worse means p < {LEVEL:g}, paired on the same seeds and corrected for all pairs."


def ensemble(m: Material) -> str:
    """Say what came of averaging several nets; empty where the study did not ask."""
    found = m.verdict.ensemble if m.verdict else None
    if found is None:
        return ""
    members, mean = ", ".join(map(str, found.members)), sum(found.values) / len(found.values)
    told = "so it is what is delivered" if found.better else "no more than chance explains, so the winner is delivered"
    return f"The average of trials {members} gives {m.objective} {number(mean)} (p {number(found.p_value, 2)}): {told}."


def delivered(m: Material) -> str:
    """Say what was done to make the delivered net; empty where there is no package."""
    if m.package is None:
        return ""
    about, refit = m.metadata, m.metadata.get("refit")
    trial = about.get("trial", m.shown.number)
    what = f"the net of trial {trial}"
    if about.get("kind") == "ensemble" and about.get("members"):
        what = f"the average of the nets of trials {', '.join(str(one) for one in about['members'])}"
    if refit:
        rows = f"{refit['rows']:,} rows" if refit.get("rows") else "rows"
        return f"What is delivered is {what}, trained anew for {refit['epochs']} epochs on all {rows} but the test's."
    return f"What is delivered is {what}, as its training left it at the best epoch."


def mattered(m: Material, meanings: Mapping[str, str]) -> str:
    """Say which hyperparameters mattered, by each method."""
    told = []
    for method, rated in m.importances.items():
        first = sorted(rated.items(), key=lambda pair: -pair[1])[:2]
        if first and first[0][1] > 0:
            named = " and ".join(f"{name} ({value:.0%})".replace("%)", " %)") for name, value in first if value > 0)
            told.append(f"{method} ({meanings.get(method, 'its own measure')}) names {named}")
    if not told:
        return "Too few different trials completed to tell what mattered."
    return f"{'; '.join(told)}."


def searched(m: Material) -> str:
    """Say how many trials ran, in what time, how they ended, and when the best one came."""
    spent = sum(record.seconds for record in m.records)
    done = sum(record.state != "interrupted" for record in m.records)
    states = [(state, sum(r.state == state for r in m.records)) for state in ("completed", "pruned", "failed")]
    ends = ", ".join(f"{count:,} {state}" for state, count in states if count)
    text = f"{done:,} of {m.trials:,} trials took {duration(spent)} of training: {ends}."
    ranked = m.ranked
    later = sum(record.number > ranked[0].number for record in m.records) if ranked else 0
    if later:
        return f"{text} The best, trial {ranked[0].number}, was not improved by the {later:,} after it."
    return (
        f"{text} The best was the last one, trial {ranked[0].number}: more trials may improve it." if ranked else text
    )


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


def _rivals(verdict: Verdict) -> str:
    others = [one for one in verdict.finalists if one.trial != verdict.winner]
    if not others:
        return "; no other finalist stood to be compared"
    tied = len(verdict.tied)
    if tied == 1:
        return f"; the other {len(others)} finalists are worse" if len(others) > 1 else "; the other finalist is worse"
    who = (
        "both finalists" if tied == len(verdict.finalists) == 2 else f"{tied} of the {len(verdict.finalists)} finalists"
    )
    who = f"all {tied} finalists" if tied == len(verdict.finalists) > 2 else who
    return f"; {who} are as good as the best, for all these seeds can tell, and of them it {_reason(verdict)}"


def _reason(verdict: Verdict) -> str:
    """Say why the winner was chosen among those that cannot be told from the best."""
    one = verdict.of(verdict.winner)
    rivals = [verdict.of(trial) for trial in verdict.tied if trial != one.trial]
    best = one.trial == verdict.finalists[0].trial
    if all(one.parameters < rival.parameters for rival in rivals):
        return "is the smallest net and has the best mean" if best else "is the smallest net"
    return "has the best mean" if best else "is the fastest of the smallest nets"


def _seeds(one: Finalist, splits: int) -> str:
    seeds = max(one.n // max(splits, 1), 1)
    return _counted(seeds, "new seed") + (f" of each of {splits} folds" if splits > 1 else "")


def _test(baseline: Mapping[str, object], m: Material) -> float | None:
    scores = baseline.get("test")
    value = scores.get(m.info.objective) if isinstance(scores, Mapping) else None
    return None if value is None else float(value)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + "s" * (count != 1)
