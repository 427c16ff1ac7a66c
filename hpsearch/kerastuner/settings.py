"""What a tuner is told of its search, checked as a study file is."""

from __future__ import annotations

from typing import Any

from hpsearch.errors import Fault, SpecError
from hpsearch.spec import make_spec
from hpsearch.spec.sections import SearchSection
from hpsearch.spec.strategies import KERAS_TUNER


def search_section(**given: Any) -> SearchSection:
    """Return the search section of a study file that says this (`sampler`, `pruner`, `timeout`, `trial_timeout`).

    Raises SpecError with all its faults.
    """
    try:
        # What a study file needs beside it plays no part; a grid could not walk the table's continuous rows.
        finite = {"learning_rate": 0.001, "dropout": 0}
        search = make_spec({"data": {"sklearn": "iris"}, "space": finite, "search": given}).search
    except SpecError as error:
        faults = [Fault(fault.field.removeprefix("search."), fault.message) for fault in error.faults]
        raise SpecError(faults, "Tuner") from None
    if search.sampler.name.startswith(KERAS_TUNER):
        message = f"{search.sampler.name} is for study files; name one of Optuna's, or import keras-tuner's own tuner"
        raise SpecError([Fault("sampler", message)], "Tuner")
    return search
