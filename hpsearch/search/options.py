"""Make one of Optuna's objects from a name and options in a study file, with errors that name the option."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from hpsearch.errors import Fault, SpecError, suggestion
from hpsearch.spec.sections import NamedOptions

Made = TypeVar("Made")


def make_named(kind: str, make: Callable[..., Made], named: NamedOptions, defaults: dict[str, Any]) -> Made:
    """Call `make` with the defaults and the study file's options. Raises SpecError for those it does not take."""
    known = [name for name in inspect.signature(make).parameters if name != "wrapped_pruner"]
    faults = [
        Fault(f"search.{kind}.{option}", f"{kind} {named.name} has no option '{option}'{suggestion(option, known)}")
        for option in named.options
        if option not in known
    ]
    if faults:
        raise SpecError(faults)
    try:
        return make(**defaults | named.options)
    except (TypeError, ValueError) as error:
        raise SpecError([Fault(f"search.{kind}", f"{kind} {named.name} refuses its options: {error}")]) from None
