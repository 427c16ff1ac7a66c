"""What is wrong with a space by what its trials say, rule by rule; `advice.py` makes lines to paste of it.

A rule speaks only where chance is a poor explanation. And since a sampler that learns tries together what went
together, the other parameters are taken out (`evidence.py`). TPE settles early: of a choice that it left after three
trials, or of a range that it no longer walks, its trials say nothing, and so do these rules; random searches tell more.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hpsearch.records import TrialRecord
from hpsearch.search.evidence import Evidence, Flags, Floats, numeric, positions
from hpsearch.search.suggestion import End, narrower, number_text, wider, without
from hpsearch.space.domain import Choices, Domain, Value
from hpsearch.space.space import Parameter

LEVEL = 0.01
"""Of p-values; corrected for all the choices, or parameters and ends, that a rule was asked of."""
FEWEST = 40
"""Trials; with fewer nothing is said of a parameter."""
SMALL = 0.05
"""Of what the other parameters leave open: a share that does not matter."""


@dataclass(frozen=True)
class Symptom:
    """What a rule found wrong with a parameter, and the domain its row should have."""

    kind: Literal["bound", "diverged", "never wins"]
    p_value: float
    finding: str
    parameter: Parameter
    domain: Domain


def crowded_bounds(evidence: Evidence) -> Iterator[Symptom]:
    """Find ends of ranges that the best trials crowd against, where the table lets the range go on.

    In the outer tenth of the range lie either most of the best tenth (ten trials at least), or more of them than the
    sampler's own leaning explains (hypergeometric, Bonferroni over all ends); half of those in its outer half, and no
    fewer than in the next tenth. That alone says little: in every other study TPE gathers at an end of no effect. So
    trials must also get better towards the end at equal other parameters (one-sided t-test of the slope of the ranks'
    normal scores).
    """
    asked = [(p, end, wider(p.row, p.domain, end)) for p in evidence.space if numeric(p) for end in _ENDS]
    for parameter, end, domain in asked:
        place = positions(parameter, evidence.trials)
        active = np.flatnonzero(~np.isnan(place))
        if domain is None or len(active) < FEWEST:
            continue
        best = active[: max(10, math.ceil(len(active) / 10))]
        edge, zone, fifth = (_outer(parameter, place, end, part) for part in (0.05, 0.1, 0.2))
        crowd, by_chance = (
            int(zone[best].sum()),
            0.1 if _many(parameter.domain) else 1 / (parameter.domain.count() or 1),
        )
        if 2 * edge[best].sum() < crowd or 2 * crowd < fifth[best].sum():
            continue
        if crowd >= (0.6 + 0.4 * by_chance) * len(best):
            # A single value as the end is crowded by chance more often. The ends asked of are few: no correction.
            level = 0.05 if _many(parameter.domain) else LEVEL
        elif _at_least(crowd, len(active), int(zone.sum()), len(best)) * len(asked) < LEVEL:
            level = LEVEL / len(asked)
        else:
            continue
        p_value = evidence.better(parameter, place if end == "high" else -place)
        if p_value < level:
            finding = (
                f"{crowd} of the {len(best)} best trials have {parameter.name} {_place(parameter, end)} (of all trials "
                f"{100 * zone[active].mean():.0f} %), and at equal other parameters trials get better towards it "
                f"({probability(p_value)}): the best value may lie beyond"
            )
            yield Symptom("bound", p_value, finding, parameter, domain)


def losing_choices(evidence: Evidence) -> Iterator[Symptom]:
    """Find choices that were tried often and are never among the best fifth.

    Two tests must agree, both with Bonferroni over all choices: the hypergeometric probability that none of a choice's
    trials is in the best fifth, and that its trials are worse at equal other parameters (as for `crowded_bounds`). The
    first alone would also speak of a choice that the sampler left early, when all trials were still bad.
    """
    asked = {p.name: p.domain.choices for p in evidence.space if isinstance(p.domain, Choices) and p.domain.count() > 1}
    count = sum(map(len, asked.values()))
    for parameter in evidence.space:
        values = [trial.configuration.get(parameter.name) for trial in evidence.trials]
        active = [value for value in values if value is not None]
        best = active[: math.ceil(len(active) / 5)]
        losers: dict[Value, float] = {}
        for choice in asked.get(parameter.name, ()) if len(active) >= FEWEST else ():
            chance = 1 - _at_least(1, len(active), active.count(choice), len(best))
            if choice in best or chance * count >= LEVEL:
                continue
            others_better = evidence.better(parameter, np.array([value != choice for value in values], bool))
            if (p_value := max(chance, others_better) * count) < LEVEL:
                losers[choice] = p_value
        if losers:
            assert isinstance(parameter.domain, Choices)
            said = " and ".join(f"{_text(choice)} ({active.count(choice)} trials)" for choice in losers)
            finding = (
                f"{parameter.name} {said} never came among the best {len(best)} of {len(active)} trials "
                f"({probability(max(losers.values()))})"
            )
            domain = without(parameter.domain, losers)
            yield Symptom("never wins", max(losers.values()), finding, parameter, domain)


def diverged_region(evidence: Evidence) -> Iterator[Symptom]:
    """Find the one parameter, if any, at an end of whose range trials diverge.

    Mann-Whitney's one-sided test of the places of the trials that diverged against all others, Bonferroni over
    parameters and ends. The bound goes where it parts the two best (Youden 1950), if beyond it lie most of those that
    diverged, more of them than of the others, and none of the best tenth.
    """
    from scipy import stats

    asked = [parameter for parameter in evidence.space if numeric(parameter)]
    symptoms: list[Symptom] = []
    for parameter in asked:
        bad = [record for record in evidence.diverged if parameter.name in record.configuration]
        good = [record for record in evidence.trials if parameter.name in record.configuration]
        if len(bad) < 4 or len(good) < FEWEST / 2:
            continue
        for end in _ENDS:
            tail = "greater" if end == "high" else "less"
            test = stats.mannwhitneyu(positions(parameter, bad), positions(parameter, good), alternative=tail)
            p_value = float(test.pvalue) * len(asked) * len(_ENDS)
            if p_value < LEVEL:
                symptoms += _parted(parameter, end, bad, good, p_value)
    if symptoms:
        yield min(symptoms, key=lambda one: one.p_value)


def idle_parameters(evidence: Evidence, importances: Mapping[str, Mapping[str, float]]) -> list[Parameter]:
    """Return the parameters that do not matter; of a row with one for each layer the first, if it holds for all.

    That no effect was found is no proof of none, so it is bounded: with 95 % confidence the parameter explains less
    than a twentieth of what the others leave open. Each method's importance must be less than half an equal share too,
    and the trials spread over half the domain: of what the sampler left alone there is nothing to see.
    """
    rows: dict[str, list[Parameter]] = defaultdict(list)
    for parameter in evidence.space:
        if parameter.domain.count() != 1:
            rows[parameter.row.name].append(parameter)
    return [of[0] for of in rows.values() if all(_idle(evidence, parameter, importances) for parameter in of)]


def probability(p_value: float) -> str:
    """Return a p-value as it is told: `p = 0.003`, `p < 0.0001`."""
    return "p < 0.0001" if p_value < 1e-4 else f"p = {p_value:.1g}"


_ENDS: tuple[End, ...] = ("low", "high")


def _many(domain: Domain) -> bool:
    """Tell whether a tenth of the domain holds several values."""
    count = domain.count()
    return not isinstance(domain, Choices) and (count is None or count >= 20)


def _outer(parameter: Parameter, place: Floats, end: End, part: float) -> Flags:
    """Return which trials lie in the outer part of the range; of few values, at the last one."""
    edge = 1.0 if end == "high" else 0.0
    return np.asarray(np.abs(place - edge) <= (part if _many(parameter.domain) else 1e-9), bool)


def _place(parameter: Parameter, end: End) -> str:
    domain = parameter.domain
    if isinstance(domain, Choices):
        numbers = [choice for choice in domain.choices if not isinstance(choice, str)]
        return f"{_text(min(numbers) if end == 'low' else max(numbers))}, the {end}est of the list"
    last = _text(getattr(domain, end))
    return (
        f"in the outer tenth of its range, which ends at {last}" if _many(domain) else f"{last}, the {end}est there is"
    )


def _at_least(count: int, total: int, marked: int, drawn: int) -> float:
    """Return the probability of as many marked ones among those drawn, by chance alone."""
    from scipy import stats

    return float(stats.hypergeom.sf(count - 1, total, marked, drawn))


def _parted(
    parameter: Parameter, end: End, bad: Sequence[TrialRecord], good: Sequence[TrialRecord], p_value: float
) -> list[Symptom]:
    sign = 1.0 if end == "high" else -1.0
    bad_at, good_at = (np.array([sign * float(r.configuration[parameter.name]) for r in of]) for of in (bad, good))
    cuts = np.unique(np.concatenate([bad_at, good_at]))
    gains = [float((bad_at > cut).mean() - (good_at > cut).mean()) for cut in cuts]
    bound = sign * float(cuts[int(np.argmax(gains))])
    domain = narrower(parameter.domain, end, bound)
    if domain is None:
        return []
    last = max(domain.choices, key=lambda c: sign * float(c)) if isinstance(domain, Choices) else getattr(domain, end)
    beyond, others = int((bad_at > sign * float(last)).sum()), int((good_at > sign * float(last)).sum())
    best = good_at[: max(10, math.ceil(len(good) / 10))]
    if beyond < 0.7 * len(bad) or beyond <= others or (best > sign * float(last)).any():
        return []
    side = "above" if end == "high" else "below"
    finding = (
        f"{beyond} of the {len(bad)} trials that diverged have {parameter.name} {side} {_text(last)}, and of the "
        f"{len(good)} others only {others} ({probability(p_value)})"
    )
    return [Symptom("diverged", p_value, finding, parameter, domain)]


def _idle(evidence: Evidence, parameter: Parameter, importances: Mapping[str, Mapping[str, float]]) -> bool:
    active = [trial for trial in evidence.trials if parameter.name in trial.configuration]
    shares = [(of[parameter.name], 0.5 / len(of)) for of in importances.values() if parameter.name in of]
    if len(active) < FEWEST or not shares or any(share >= small for share, small in shares):
        return False
    return _explored(parameter, active) and evidence.more_than(parameter, SMALL) < 0.05


def _explored(parameter: Parameter, active: Sequence[TrialRecord]) -> bool:
    """Tell whether the trials are spread over the domain at least half as evenly as random ones."""
    if isinstance(parameter.domain, Choices):
        counts = [sum(trial.configuration[parameter.name] == c for trial in active) for c in parameter.domain.choices]
        return min(counts) >= len(active) / len(counts) / 4
    low, high = np.quantile(positions(parameter, active), [0.25, 0.75])
    return bool(high - low >= 0.25)


def _text(value: Value) -> str:
    return number_text(value) if isinstance(value, float) else str(value)
