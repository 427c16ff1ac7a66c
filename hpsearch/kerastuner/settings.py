"""What a tuner is told of its search, checked as a study file is."""

from __future__ import annotations

from typing import Any

from hpsearch.errors import Fault, SpecError
from hpsearch.spec import make_spec
from hpsearch.spec.sections import SearchSection


def search_section(**given: Any) -> SearchSection:
    """Return the search section of a study file that says this (`sampler`, `pruner`, `timeout`, `trial_timeout`).

    Raises SpecError with all its faults.
    """
    try:
        # What a study file needs beside it plays no part.
        return make_spec({"data": {"sklearn": "iris"}, "search": given}).search
    except SpecError as error:
        faults = [Fault(fault.field.removeprefix("search."), fault.message) for fault in error.faults]
        raise SpecError(faults, "Tuner") from None
