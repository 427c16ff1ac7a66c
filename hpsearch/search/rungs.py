"""At which of its steps a trial reports to the pruner: reports cost time, and an epoch may take only 10 ms."""

from __future__ import annotations

ABOUT = 10
"""Reports of a trial of the longest kind."""


def rungs(first: int, steps: int, about: int = ABOUT) -> tuple[int, ...]:
    """Return about ten steps from `first` on and below `steps`, each further on by the same factor.

    They are the same for every trial of a study, as trials are compared at equal steps: a trial of fewer steps has the
    first few of them. The early ones are closer together, since that is where stopping saves most; the last step is
    left out, since stopping there saves nothing. Where there are few steps it is all of them.
    """
    last = steps - 1
    if last - first < about:
        return tuple(range(first, last + 1))
    ratio = (last / first) ** (1 / (about - 1))
    return tuple(sorted({round(first * ratio**index) for index in range(about)}))


def halving_rungs(least: int, factor: int, steps: int) -> tuple[int, ...]:
    """Return the resources below `steps` at which successive halving compares trials: least, least * factor, ...

    Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning"; each bracket of Hyperband starts at one.
    """
    found: list[int] = []
    level = least
    while level < steps:
        found.append(level)
        level *= factor
    return tuple(found)
