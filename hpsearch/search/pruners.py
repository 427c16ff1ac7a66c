"""A pruner by name: what a study file calls it -> Optuna's object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna

from hpsearch.search.options import make_named
from hpsearch.spec.sections import NamedOptions

_PRUNERS: dict[str, tuple[Callable[..., optuna.pruners.BasePruner], dict[str, Any]]] = {
    "median": (optuna.pruners.MedianPruner, {"n_startup_trials": 5, "n_warmup_steps": 5}),
    "percentile": (optuna.pruners.PercentilePruner, {"percentile": 25.0, "n_startup_trials": 5, "n_warmup_steps": 5}),
    "hyperband": (optuna.pruners.HyperbandPruner, {"min_resource": 3}),
    "successive_halving": (optuna.pruners.SuccessiveHalvingPruner, {"min_resource": 3}),
    "threshold": (optuna.pruners.ThresholdPruner, {}),
    "none": (optuna.pruners.NopPruner, {}),
}


def make_pruner(named: NamedOptions, steps: int) -> optuna.pruners.BasePruner:
    """Return the pruner of a study whose trials report at most `steps` values.

    `patient` waits for `patience` steps without improvement before the median rule may prune. Raises SpecError for
    options that the pruner does not have.
    """
    if named.name == "patient":
        inner = make_pruner(NamedOptions(name="median"), steps)
        return make_named("pruner", optuna.pruners.PatientPruner, named, {"wrapped_pruner": inner, "patience": 5})
    make, defaults = _PRUNERS[named.name]
    if named.name == "hyperband":
        defaults = defaults | {"max_resource": max(steps, 3)}
    return make_named("pruner", make, named, defaults)
