"""keras-tuner's tuners by their names and with their arguments, on our samplers and pruners.

Each takes, beyond what keras-tuner's takes, what `tuner.Tuner` does.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import keras_tuner

from hpsearch.errors import Fault, SpecError
from hpsearch.kerastuner.tuner import Tuner


def __getattr__(name: str) -> Any:
    """Return what `keras_tuner.tuners` has beside these."""
    return getattr(keras_tuner.tuners, name)


class RandomSearch(Tuner):
    """Random search, no configuration twice."""

    def __init__(  # noqa: PLR0917  keras-tuner's own order
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            hypermodel, objective, max_trials, seed=seed, hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries, allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial, max_consecutive_failed_trials=max_consecutive_failed_trials,
            **{"sampler": "random", "pruner": "none"} | kwargs,
        )  # fmt: skip


class BayesianOptimization(Tuner):
    """Model-based search: Optuna's multivariate TPE in the place of keras-tuner's Gaussian process."""

    def __init__(  # noqa: PLR0917  keras-tuner's own order
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float = 1e-4,
        beta: float = 2.6,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        if (alpha, beta) != (1e-4, 2.6):
            warnings.warn(
                "alpha and beta belong to keras-tuner's Gaussian process; TPE has no use for them", UserWarning, 2
            )
        options = {} if num_initial_points is None else {"n_startup_trials": num_initial_points}
        super().__init__(
            hypermodel, objective, max_trials, seed=seed, hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries, allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial, max_consecutive_failed_trials=max_consecutive_failed_trials,
            **{"sampler": {"name": "tpe", **options}, "pruner": "none"} | kwargs,
        )  # fmt: skip


class GridSearch(Tuner):
    """Every combination of values, the defaults first; of a continuous parameter ten values."""

    def __init__(  # noqa: PLR0917  keras-tuner's own order
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = None,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            hypermodel, objective, max_trials, seed=seed, hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries, allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial, max_consecutive_failed_trials=max_consecutive_failed_trials,
            **{"sampler": "grid", "pruner": "none"} | kwargs,
        )  # fmt: skip


class Hyperband(Tuner):
    """Random search with Optuna's Hyperband as the pruner.

    keras-tuner begins a new trial, from the old one's weights, for each round that a configuration survives; here it is
    one trial that is trained on until it is pruned. Each begins with `max_epochs` ahead of it, whatever `search` says.
    """

    def __init__(  # noqa: PLR0917  keras-tuner's own order
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: int = 1,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        faults = [
            Fault(name, f"{value!r} will not do; it takes a whole number of at least {least}")
            for name, value, least in (
                ("factor", factor, 2), ("max_epochs", max_epochs, 1), ("hyperband_iterations", hyperband_iterations, 1),
            )
            if not isinstance(value, int) or value < least
        ]  # fmt: skip
        if faults:
            raise SpecError(faults, "Hyperband")
        self.max_epochs = max_epochs
        pruner = {"name": "hyperband", "min_resource": 1, "max_resource": max_epochs, "reduction_factor": factor}
        super().__init__(
            hypermodel, objective, hyperband_iterations * hyperband_trials(max_epochs, factor), seed=seed,
            hyperparameters=hyperparameters, tune_new_entries=tune_new_entries, allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial, max_consecutive_failed_trials=max_consecutive_failed_trials,
            always={"tuner/epochs": max_epochs, "tuner/initial_epoch": 0},
            **{"sampler": "random", "pruner": pruner} | kwargs,
        )  # fmt: skip

    def run_trial(self, trial: Any, *fit_args: Any, **fit_kwargs: Any) -> Any:
        """Train a trial for `max_epochs` epochs at most."""
        return super().run_trial(trial, *fit_args, **fit_kwargs | {"epochs": self.max_epochs, "initial_epoch": 0})

    def _expect(self, epochs: int | None) -> None:
        self.oracle.longest = self.max_epochs


def hyperband_trials(max_epochs: int, factor: int) -> int:
    """Return how many configurations keras-tuner's Hyperband draws in one iteration, over all its brackets."""
    brackets, epochs = 0, float(max_epochs)
    while epochs >= 1:
        epochs, brackets = epochs / factor, brackets + 1
    last = math.ceil(1 + math.log(max_epochs, factor))
    return sum(math.ceil(last / (bracket + 1) * factor**bracket) for bracket in range(brackets))
