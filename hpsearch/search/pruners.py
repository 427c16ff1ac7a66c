"""A pruner by name: what a study file calls it -> Optuna's kind of object, and the steps it wants to be told of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna

from hpsearch.errors import Fault, SpecError
from hpsearch.search.options import make_named
from hpsearch.search.percentile import OrderedPercentilePruner
from hpsearch.search.rungs import halving_rungs, rungs
from hpsearch.spec.sections import NamedOptions

_PRUNERS: dict[str, tuple[Callable[..., optuna.pruners.BasePruner], dict[str, Any]]] = {
    "median": (OrderedPercentilePruner, {"percentile": 50.0, "n_startup_trials": 5}),
    "percentile": (OrderedPercentilePruner, {"percentile": 25.0, "n_startup_trials": 5}),
    "hyperband": (optuna.pruners.HyperbandPruner, {"reduction_factor": 3}),
    "successive_halving": (optuna.pruners.SuccessiveHalvingPruner, {"reduction_factor": 4}),
    "threshold": (optuna.pruners.ThresholdPruner, {}),
    "none": (optuna.pruners.NopPruner, {}),
}
WARMUP = 5
"""Steps that the median and percentile rules let pass; of trials with few steps (folds, say) a third."""
FIRST_RUNG = 3
"""Steps that the halving rules let pass; likewise."""


def make_pruner(named: NamedOptions, steps: int) -> optuna.pruners.BasePruner:
    """Return the pruner of a study whose trials have at most `steps` steps.

    `patient` waits for `patience` steps without improvement before the median rule may prune. Raises SpecError for
    options that the pruner cannot have together.
    """
    if named.name == "patient":
        inner = make_pruner(NamedOptions(name="median"), steps)
        return make_named("pruner", optuna.pruners.PatientPruner, named, {"wrapped_pruner": inner, "patience": 5})
    make, _ = _PRUNERS[named.name]
    defaults = _defaults(named.name, steps)
    if named.name == "hyperband":
        least, most = ((defaults | named.options)[key] for key in ("min_resource", "max_resource"))
        if most != "auto" and least > most:
            message = f"min_resource {least} is above max_resource {most} (by default a trial's steps); lower it"
            raise SpecError([Fault("search.pruner.min_resource", message)])
    return make_named("pruner", make, named, defaults)


def reporting_steps(named: NamedOptions, steps: int) -> frozenset[int]:
    """Return the steps at which the pruner needs a trial's value, of trials with at most `steps` of them.

    The median and percentile rules get about ten, from the end of their warm-up on; the halving rules the resources at
    which they compare, or, where they find those out by themselves (`auto`), ten from the first step on. `patient`
    counts values and `threshold` judges each by itself: they get every step, so that their options still mean epochs.
    """
    if named.name == "none":
        return frozenset()
    if named.name in ("patient", "threshold"):
        return frozenset(range(1, steps + 1))
    options = _defaults(named.name, steps) | named.options
    if named.name in ("median", "percentile"):
        return frozenset(rungs(max(1, options["n_warmup_steps"]), steps))
    if "auto" in (options["min_resource"], options.get("max_resource")):
        return frozenset(rungs(1, steps + 1))
    return frozenset(halving_rungs(options["min_resource"], options["reduction_factor"], steps))


def _defaults(name: str, steps: int) -> dict[str, Any]:
    defaults, third = _PRUNERS[name][1], max(1, steps // 3)
    if name in ("median", "percentile"):
        return defaults | {"n_warmup_steps": min(WARMUP, third)}
    if name in ("hyperband", "successive_halving"):
        most = {"max_resource": steps} if name == "hyperband" else {}
        return defaults | {"min_resource": min(FIRST_RUNG, third)} | most
    return defaults
