"""Optuna's TPE with SciPy's normal distribution: an ask takes a fifth of the time, and gives the same.

Optuna 5.0 computes the normal distribution number by number in Python, so that it need not have SciPy: 24 ms an ask at
100 trials of ten parameters, 44 at 250, where SciPy's functions take 4 and 6. They stand in only while we ask; an
Optuna that has no such functions is left as it is.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from scipy.special import erf, log_ndtr

_MODULE = "optuna.samplers._tpe._truncnorm"
_FUNCTIONS = {"_log_ndtr": log_ndtr, "erf": erf}


@contextmanager
def scipy_normal() -> Iterator[None]:
    """Let Optuna's TPE use SciPy for a while."""
    try:
        module = importlib.import_module(_MODULE)
        own = {name: getattr(module, name) for name in _FUNCTIONS}
    except (ImportError, AttributeError):
        yield
        return
    vars(module).update(_FUNCTIONS)
    try:
        yield
    finally:
        vars(module).update(own)
