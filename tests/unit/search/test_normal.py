from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import optuna
import pytest
from optuna.samplers._tpe import _truncnorm

from hpsearch.search.normal import scipy_normal
from hpsearch.space.optuna import to_distributions
from hpsearch.spec.sections import SpaceSection


def asked(trials: int) -> list[dict[str, object]]:
    """What TPE asks for in the table's own space."""
    distributions = to_distributions(SpaceSection().build())
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    for number in range(trials):
        trial = study.ask(distributions)
        study.tell(trial, float(number * 37 % 11) + trial.params["dropout"])
    return [trial.params for trial in study.trials]


def test_what_tpe_asks_for_is_what_it_asks_for_without_us() -> None:
    without = asked(13)
    with scipy_normal():
        found = asked(13)
    for ours, theirs in zip(found, without, strict=True):
        assert ours == {n: pytest.approx(v) if isinstance(v, float) else v for n, v in theirs.items()}


@pytest.mark.parametrize(("name", "low"), [("_log_ndtr", -300.0), ("erf", -6.0)])
def test_the_functions_that_stand_in_give_optunas_numbers(name: str, low: float) -> None:
    x = np.linspace(low, 8.0, 2001)
    own = getattr(_truncnorm, name)
    with scipy_normal():
        stand_in = getattr(_truncnorm, name)
    assert stand_in is not own
    np.testing.assert_allclose(stand_in(x), own(x), rtol=1e-9, atol=1e-15)


def test_optuna_has_its_own_back_even_after_an_error() -> None:
    own = _truncnorm._log_ndtr
    with pytest.raises(KeyError), scipy_normal():
        raise KeyError
    assert _truncnorm._log_ndtr is own


def test_an_optuna_without_these_functions_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType("other")
    monkeypatch.setitem(sys.modules, "optuna.samplers._tpe._truncnorm", other)
    with scipy_normal():
        assert not hasattr(other, "_log_ndtr")
