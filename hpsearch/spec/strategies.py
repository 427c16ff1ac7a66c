"""The samplers and pruners a study file can name, with the options of each that plain values can set.

They are Optuna's own (what it deprecates, and what takes an object, is left out), so that a misspelt option is found
with the rest of a study file's faults, before any library is loaded. `search/samplers.py` and `search/pruners.py` make
the objects.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hpsearch.errors import as_written, suggestion


@dataclass(frozen=True)
class Option:
    """What an option may be: a number within bounds, true or false, or one of some names."""

    kind: Literal["int", "float", "bool", "name"]
    low: float = -math.inf
    high: float = math.inf
    names: tuple[str, ...] = ()

    def allowed(self) -> str:
        """Return what a person may write."""
        if self.kind == "bool":
            return "true or false"
        if self.kind == "name":
            return ", ".join(self.names)
        noun = "a whole number" if self.kind == "int" else "a number"
        least = "" if self.low == -math.inf else f" of at least {self.low:g}"
        most = "" if self.high == math.inf else f"{' and' if least else ' of'} at most {self.high:g}"
        return noun + least + most + (f", or {', '.join(self.names)}" if self.names else "")

    def takes(self, value: object) -> bool:
        """Tell whether a value will do."""
        if self.kind == "bool" or isinstance(value, bool):
            return self.kind == "bool" and isinstance(value, bool)
        if isinstance(value, str) or self.kind == "name":
            return value in self.names
        plain = isinstance(value, int | float if self.kind == "float" else int)
        return plain and self.low <= value <= self.high  # type: ignore[operator]  # a number, as `plain` says

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a value."""
        if self.kind in ("bool", "name"):
            return {"type": "boolean"} if self.kind == "bool" else {"enum": list(self.names)}
        number: dict[str, Any] = {"type": "integer" if self.kind == "int" else "number"}
        number |= {"minimum": self.low} if self.low > -math.inf else {}
        number |= {"maximum": self.high} if self.high < math.inf else {}
        return {"anyOf": [number, {"enum": list(self.names)}]} if self.names else number


KERAS_TUNER = "keras-tuner/"
"""What the names of keras-tuner's tuners begin with (`search/oracles.py`)."""

Options = Mapping[str, Option]
_COUNT, _POSITIVE, _FLAG, _SHARE = Option("int", 0), Option("int", 1), Option("bool"), Option("float", 0, 1)

SAMPLERS: dict[str, Options] = {
    "tpe": {
        "n_startup_trials": _COUNT, "n_ei_candidates": _POSITIVE, "multivariate": _FLAG, "group": _FLAG,
        "constant_liar": _FLAG,
    },
    "random": {},
    "grid": {},
    "qmc": {"qmc_type": Option("name", names=("sobol", "halton")), "scramble": _FLAG},
    "cmaes": {
        "n_startup_trials": _COUNT, "popsize": Option("int", 2), "use_separable_cma": _FLAG, "with_margin": _FLAG,
        "lr_adapt": _FLAG, "consider_pruned_trials": _FLAG,
    },
    "nsga2": {
        "population_size": Option("int", 2), "mutation_prob": _SHARE, "crossover_prob": _SHARE, "swapping_prob": _SHARE,
    },
    f"{KERAS_TUNER}random": {},
    f"{KERAS_TUNER}bayesian": {
        "num_initial_points": _POSITIVE, "alpha": Option("float", 0), "beta": Option("float", 0),
    },
    f"{KERAS_TUNER}hyperband": {"factor": Option("int", 2), "hyperband_iterations": _POSITIVE},
    f"{KERAS_TUNER}grid": {},
}  # fmt: skip

_WAIT: Options = {"n_startup_trials": _COUNT, "n_warmup_steps": _COUNT, "interval_steps": _POSITIVE}
_HALVING: Options = {"reduction_factor": Option("int", 2), "bootstrap_count": _COUNT}

PRUNERS: dict[str, Options] = {
    "median": {**_WAIT, "n_min_trials": _POSITIVE},
    "hyperband": {"min_resource": _POSITIVE, "max_resource": Option("int", 1, names=("auto",)), **_HALVING},
    "successive_halving": {
        "min_resource": Option("int", 1, names=("auto",)), "min_early_stopping_rate": _COUNT, **_HALVING,
    },
    "percentile": {"percentile": Option("float", 0, 100), **_WAIT, "n_min_trials": _POSITIVE},
    "patient": {"patience": _COUNT, "min_delta": Option("float", 0)},
    "threshold": {
        "lower": Option("float"), "upper": Option("float"), "n_warmup_steps": _COUNT, "interval_steps": _POSITIVE,
    },
    "none": {},
}  # fmt: skip


def strategy_faults(
    kind: str, known: Mapping[str, Options], name: str, given: Mapping[str, object]
) -> list[tuple[str, str]]:
    """Return (sub-field, message) for each thing wrong with a sampler's or pruner's name and options."""
    if name not in known:
        return [("", f"{as_written(name)} is no {kind}{suggestion(name, known)}")]
    options, faults = known[name], []
    for option, value in given.items():
        if option not in options:
            hint = suggestion(option, options) if options else "; it takes none, remove it"
            faults.append((option, f"{kind} {name} has no option {as_written(option)}{hint}"))
        elif not options[option].takes(value):
            faults.append((option, f"{as_written(value)} is not allowed; {option} takes {options[option].allowed()}"))
    if name == "threshold" and not given.keys() & {"lower", "upper"}:
        faults.append(("", "pruner threshold needs a bound; write {name: threshold, upper: NUMBER} (or lower)"))
    if name == "tpe" and given.get("group") is True and given.get("multivariate") is False:
        faults.append(("group", "group needs multivariate; remove one of the two options"))
    return faults


def strategy_schema(known: Mapping[str, Options]) -> dict[str, Any]:
    """Return the JSON Schema of a name, alone or with its options beside it."""
    with_options = [
        {
            "type": "object",
            "properties": {"name": {"const": name}} | {option: of.schema() for option, of in options.items()},
            "required": ["name"],
            "additionalProperties": False,
        }
        for name, options in known.items()
    ]
    return {"anyOf": [{"enum": list(known)}, *with_options]}
