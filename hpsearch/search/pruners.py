"""A pruner by name: what a study file calls it -> Optuna's object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna

from hpsearch.errors import Fault, SpecError
from hpsearch.search.options import make_named
from hpsearch.spec.sections import NamedOptions

_PRUNERS: dict[str, tuple[Callable[..., optuna.pruners.BasePruner], dict[str, Any]]] = {
    "median": (optuna.pruners.MedianPruner, {"n_startup_trials": 5}),
    "percentile": (optuna.pruners.PercentilePruner, {"percentile": 25.0, "n_startup_trials": 5}),
    "hyperband": (optuna.pruners.HyperbandPruner, {}),
    "successive_halving": (optuna.pruners.SuccessiveHalvingPruner, {}),
    "threshold": (optuna.pruners.ThresholdPruner, {}),
    "none": (optuna.pruners.NopPruner, {}),
}
WARMUP = 5
"""Steps that the median and percentile rules let pass; of trials with few steps (folds, say) a third."""
FIRST_RUNG = 3
"""Steps that the halving rules let pass; likewise."""


def make_pruner(named: NamedOptions, steps: int) -> optuna.pruners.BasePruner:
    """Return the pruner of a study whose trials report at most `steps` values.

    `patient` waits for `patience` steps without improvement before the median rule may prune. Raises SpecError for
    options that the pruner cannot have together.
    """
    if named.name == "patient":
        inner = make_pruner(NamedOptions(name="median"), steps)
        return make_named("pruner", optuna.pruners.PatientPruner, named, {"wrapped_pruner": inner, "patience": 5})
    make, defaults = _PRUNERS[named.name]
    third = max(1, steps // 3)
    if named.name in ("median", "percentile"):
        defaults = defaults | {"n_warmup_steps": min(WARMUP, third)}
    if named.name in ("hyperband", "successive_halving"):
        defaults = defaults | {"min_resource": min(FIRST_RUNG, third)}
    if named.name == "hyperband":
        defaults = defaults | {"max_resource": steps}
        least, most = ((defaults | named.options)[key] for key in ("min_resource", "max_resource"))
        if most != "auto" and least > most:
            message = f"min_resource {least} is above max_resource {most} (by default a trial's steps); lower it"
            raise SpecError([Fault("search.pruner.min_resource", message)])
    return make_named("pruner", make, named, defaults)
