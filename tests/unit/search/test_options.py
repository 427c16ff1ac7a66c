from __future__ import annotations

import optuna
import pytest

from hpsearch.errors import SpecError
from hpsearch.search.options import make_named
from hpsearch.spec.sections import NamedOptions


def test_options_come_before_defaults() -> None:
    named = NamedOptions(name="percentile", options={"percentile": 10.0})
    made = make_named("pruner", optuna.pruners.PercentilePruner, named, {"percentile": 25.0, "n_startup_trials": 7})
    assert (made._percentile, made._n_startup_trials) == (10.0, 7)


def test_what_optuna_says_is_passed_on_with_the_field() -> None:
    named = NamedOptions(name="percentile", options={"percentile": 200.0})
    with pytest.raises(SpecError) as raised:
        make_named("pruner", optuna.pruners.PercentilePruner, named, {})
    (fault,) = raised.value.faults
    assert fault.field == "search.pruner"
    assert fault.message == (
        "pruner percentile refuses its options: "
        "Percentile must be between 0 and 100 inclusive, but got percentile=200.0; change or remove them"
    )


def test_what_optuna_calls_experimental_is_made_without_a_word() -> None:
    make_named("sampler", optuna.samplers.QMCSampler, NamedOptions(name="qmc"), {})
