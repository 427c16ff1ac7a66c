"""What to change in a study file, by what its search found: each advice with its numbers, and lines to paste.

Of 2,000 random searches of 100 trials for pure noise 20 got an advice. Of 80 TPE studies of 200 trials, with nothing to
be found at the end of any range, none got one about a bound, though the best trials crowded at 157 ends; of 20 in which
wider layers were better, 15 crowded there, and 5 were told.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hpsearch.metrics import Direction
from hpsearch.records import TrialRecord
from hpsearch.search.evidence import Evidence
from hpsearch.search.suggestion import fixed, rounded, study_line
from hpsearch.search.symptoms import (
    LEVEL,
    SMALL,
    Symptom,
    crowded_bounds,
    diverged_region,
    idle_parameters,
    losing_choices,
    probability,
)
from hpsearch.space.domain import Domain
from hpsearch.space.hypermodel import GROUP, OWN
from hpsearch.space.space import Parameter, Space

Kind = Literal["bound", "budget", "diverged", "never wins", "no effect"]
KINDS: tuple[Kind, ...] = ("bound", "budget", "diverged", "never wins", "no effect")
"""In the order in which they are told: what may find a better net first, then what saves trials."""
MOST = 5
"""Advices; more would not be read."""


@dataclass(frozen=True)
class Advice:
    """Something to change in the study file."""

    kind: Kind
    finding: str
    """a sentence, with the numbers it rests on"""
    section: Literal["space", "model.space", "search"]
    """of the study file, where the line belongs"""
    line: str
    """YAML for that section; several lines where several rows are meant"""


def advise(
    records: Sequence[TrialRecord],
    space: Space,
    direction: Direction,
    *,
    trials: int | None = None,
    importances: Mapping[str, Mapping[str, float]] | None = None,
) -> list[Advice]:
    """Return at most five advices, the most useful first; at most one for a row.

    trials: how many there are to be in all; while there are fewer, nothing is said of the budget (None: it is spent).
    importances: what `search.importance` says of these records, if that is known already; it takes seconds.
    """
    evidence = Evidence(records, space, direction)
    if not evidence.completed:
        return []
    rows: dict[str, Symptom] = {}
    for rule in (diverged_region, crowded_bounds, losing_choices):
        for symptom in sorted(rule(evidence), key=lambda one: one.p_value):
            if _leaves_a_layer(symptom.parameter, symptom.domain):
                rows.setdefault(symptom.parameter.row.name, symptom)
    if importances is None:
        from hpsearch.search.importance import importances as find_importances

        importances = find_importances(records, space, direction)
    idle = [parameter for parameter in idle_parameters(evidence, importances) if parameter.row.name not in rows]
    advices = [*map(_of_row, rows.values()), *_of_budget(evidence, trials), *_of_idle(evidence, idle)]
    return sorted(advices, key=lambda advice: KINDS.index(advice.kind))[:MOST]


def _of_row(symptom: Symptom) -> Advice:
    parameter = symptom.parameter
    line = study_line(parameter.row, symptom.domain, shared=_shared(parameter))
    return Advice(symptom.kind, symptom.finding, _section(parameter), line)


def _of_budget(evidence: Evidence, trials: int | None) -> list[Advice]:
    """Say so where the search was still finding better trials when its budget ended.

    The best few trials all lie in the last quarter: in a random order the best k of n would with probability 1/4^k or
    a little less (hypergeometric). And the last quarter has gained a fiftieth at least of the way from the middle
    trial to the best.
    """
    order = sorted(record.number for record in evidence.trials)
    done = len(order) + len(evidence.failed)
    if (trials is not None and evidence.ended < trials) or len(order) < 20:
        return []
    late = set(order[-math.ceil(len(order) / 4) :])
    leading = next((k for k, record in enumerate(evidence.completed) if record.number not in late), 0)
    p_value = math.prod((len(late) - k) / (len(order) - k) for k in range(leading))
    if not leading or p_value >= LEVEL:
        return []
    value = [record.value or 0.0 for record in evidence.completed]
    if abs(value[leading] - value[0]) < 0.02 * abs(value[len(value) // 2] - value[0]):
        return []
    total = int(rounded(1.5 * max(done, trials or 0), "up"))
    finding = (
        f"the search was still improving when its {done} trials ended: the {leading} best are all among the last "
        f"{len(late)} ({probability(p_value)}) and took the best value from {value[leading]:.4g} to {value[0]:.4g}"
    )
    return [Advice("budget", finding, "search", f"trials: {total}")]


def _of_idle(evidence: Evidence, idle: Sequence[Parameter]) -> list[Advice]:
    best = evidence.completed[0].configuration
    single = [(p, fixed(p.domain, best.get(p.name, p.row.usual))) for p in idle]
    single = [(p, domain) for p, domain in single if _leaves_a_layer(p, domain)]
    if not single:
        return []
    section = _section(single[0][0])
    single = [(p, domain) for p, domain in single if _section(p) == section]
    names = [parameter.row.name for parameter, _ in single]
    said = names[0] if len(names) == 1 else f"each of {', '.join(names[:-1])} and {names[-1]}"
    finding = (
        f"{said} explains less than {100 * SMALL:.0f} % of what the other parameters leave open (with 95 % confidence, "
        f"from {len(evidence.trials)} trials); fixed in a new study, there is less to search"
    )
    lines = [study_line(parameter.row, domain, shared=_shared(parameter)) for parameter, domain in single]
    return [Advice("no effect", finding, section, "\n".join(lines))]


def _section(parameter: Parameter) -> Literal["space", "model.space"]:
    """Return where the study file writes a parameter: a hypermodel's own have a place of their own."""
    return "model.space" if parameter.row.group == GROUP and parameter.name not in OWN else "space"


def _leaves_a_layer(parameter: Parameter, domain: Domain) -> bool:
    """Tell whether a study file may have this domain beside rows that only a net with a hidden layer has."""
    return parameter.row.name != "hidden_layers" or domain.nearest(99) != 0


def _shared(parameter: Parameter) -> bool:
    """Tell whether all layers share what could be each one's own."""
    return parameter.row.per_layer and parameter.layer is None
