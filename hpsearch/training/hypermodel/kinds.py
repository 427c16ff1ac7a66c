"""keras-tuner's kinds of hyperparameter -> domains of a study.

Two have no twin among Optuna's: a logarithmic range with a step is the list of its values, and `reverse_log` is drawn
evenly.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from keras_tuner.src.engine import hyperparameters as kinds

from hpsearch.space.domain import Choices, Domain, FloatRange, IntRange, Value
from hpsearch.space.parse import write_domain
from hpsearch.space.space import members
from hpsearch.training.hypermodel.ask import as_value

MOST_TRIED = 32
"""Values of one parameter that discovery builds a net for; of a longer range only the two ends."""
FEW = 8
"""Values of a whole number with a step that are all tried; more are widths rather than counts of something."""


def domain_of(hp: Any) -> Domain:
    """Return what a hyperparameter may be."""
    if isinstance(hp, kinds.Fixed):
        return Choices((as_value(hp.value),))
    if isinstance(hp, kinds.Boolean):
        return Choices(("false", "true"))
    if isinstance(hp, kinds.Choice):
        return Choices(tuple(dict.fromkeys(as_value(choice) for choice in hp.values)))
    if hp.sampling != "linear" and hp.step is not None:
        whole = isinstance(hp, kinds.Int)
        values = sorted(int(value) if whole else float(f"{value:.12g}") for value in hp.values)
        return Choices(tuple(dict.fromkeys(values)))
    log = hp.sampling == "log" and hp.max_value > hp.min_value
    if isinstance(hp, kinds.Int):
        step = 1 if hp.step is None else hp.step
        return IntRange(hp.min_value, hp.max_value - (hp.max_value - hp.min_value) % step, step, log)
    if hp.step is None:
        return FloatRange(hp.min_value, hp.max_value, None, log)
    low, high, stride = (Decimal(str(number)) for number in (hp.min_value, hp.max_value, hp.step))
    return FloatRange(hp.min_value, float(low + (high - low) // stride * stride), float(hp.step))


def found_as(hp: Any, needs: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Return a hyperparameter as `space/hypermodel.py` reads it. needs: what a net must be to have it."""
    domain = domain_of(hp)
    written = write_domain(domain)
    if isinstance(domain, Choices):
        written = {"choices": list(domain.choices)}
        kind = {int: "int", float: "float"}.get(type(domain.choices[0]), "category")
    else:
        written = {"low": domain.low, "high": domain.high, "step": domain.step, "log": domain.log}
        kind = "int" if isinstance(domain, IntRange) else "float"
    return {
        "name": hp.name, "kind": kind, "domain": written, "usual": domain.nearest(as_value(hp.default)),
        "asked": f"hp.{type(hp).__name__}", "needs": needs,
    }  # fmt: skip


def tried_of(domain: Domain) -> tuple[list[Value], bool]:
    """Return the values of a domain that discovery builds a net for, and whether they are all."""
    count = domain.count()
    most = FEW if isinstance(domain, IntRange) and domain.step != 1 else MOST_TRIED
    if isinstance(domain, Choices | IntRange) and count is not None and count <= most:
        return members(domain), True
    if isinstance(domain, Choices):
        return list(domain.choices[:MOST_TRIED]), False
    return [domain.low, domain.high], False
