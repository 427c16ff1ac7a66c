"""Make one of Optuna's objects from a name and options in a study file, and say what Optuna says against them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from optuna.exceptions import ExperimentalWarning

from hpsearch.errors import Fault, SpecError
from hpsearch.spec.sections import NamedOptions

Made = TypeVar("Made")


def make_named(kind: str, make: Callable[..., Made], named: NamedOptions, defaults: dict[str, Any]) -> Made:
    """Call `make` with the defaults and the study file's options (checked, each by itself, by `spec/strategies.py`).

    Raises SpecError where Optuna refuses them together.
    """
    with warnings.catch_warnings():
        # Some of Optuna's samplers and pruners have been called experimental for years.
        warnings.simplefilter("ignore", ExperimentalWarning)
        try:
            return make(**defaults | named.options)
        except (TypeError, ValueError) as error:
            message = f"{kind} {named.name} refuses its options: {str(error).rstrip('.')}; change or remove them"
            raise SpecError([Fault(f"search.{kind}", message)]) from None
