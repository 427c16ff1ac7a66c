"""Whether one configuration is better than another, or only luckier: paired tests, their correction, an interval.

All of them take what was measured on the same seeds and splits, so that what seeds and splits do to both falls out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

EXACT_UP_TO = 16
"""Pairs of which every flip of signs is tried (65,536); of more a random 100,000."""
_FLIPS = 100_000


def paired_t(a: ArrayLike, b: ArrayLike) -> float:
    """Return the two-sided p-value of a difference in the mean of paired values (Student 1908).

    a, b: (n,) with n at least 2, finite, in the same order of seeds. Equal values everywhere give 1, and a difference
    that is the same everywhere 0.
    """
    return corrected_resampled_t(a, b, 0.0)


def corrected_resampled_t(a: ArrayLike, b: ArrayLike, test_share: float) -> float:
    """Return the two-sided p-value where the pairs come from splits whose training rows overlap.

    a, b: as in `paired_t`. test_share: test rows over training rows of a split; 0 for seeds on one split, which makes
    it the plain paired test.
    """
    from scipy import stats

    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    mean, spread = float(difference.mean()), float(difference.std(ddof=1))
    # A spread that is rounding alone would make any difference certain.
    if spread <= 1e-12 * float(np.abs(difference).max()):
        return 1.0 if mean == 0 else 0.0
    t = mean / _error_of_mean(difference, test_share)
    return float(2 * stats.t.sf(abs(t), len(difference) - 1))


def mean_interval(values: ArrayLike, test_share: float = 0.0, level: float = 0.95) -> tuple[float, float]:
    """Return the t-interval of the mean of a configuration's values on new seeds (Student 1908).

    values: (n,) with n at least 2. test_share: as in `corrected_resampled_t`; it widens the interval.
    """
    from scipy import stats

    measured = np.asarray(values, np.float64)
    mean = float(measured.mean())
    reach = float(stats.t.ppf((1 + level) / 2, len(measured) - 1)) * _error_of_mean(measured, test_share)
    return mean - reach, mean + reach


def _error_of_mean(values: NDArray[np.float64], test_share: float) -> float:
    """Return the standard error of a mean over splits, whose training rows may overlap.

    Its square is (1/n + test rows / training rows) s^2 (Nadeau & Bengio 2003, "Inference for the Generalization Error",
    section 3): overlapping splits vary less than independent ones would.
    """
    with np.errstate(over="ignore"):  # values near float's largest: their spread is inf
        return float(values.std(ddof=1) * np.sqrt(1 / len(values) + test_share))


def sign_flip(a: ArrayLike, b: ArrayLike, seed: int = 0) -> float:
    """Return the two-sided p-value of a difference without supposing a normal distribution (Fisher 1935, section 21).

    Under no difference each pair's sign is a coin's. a, b: (n,). With n pairs the smallest value is 2 / 2^n: five pairs
    cannot show a difference at 5 %. Beyond EXACT_UP_TO pairs `seed` draws the flips, and the value counts the one seen.
    """
    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    n, seen = len(difference), abs(float(difference.sum()))
    if n <= EXACT_UP_TO:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        drawn = 0
    else:
        signs = np.random.default_rng(seed).choice([-1, 1], size=(_FLIPS, n))
        drawn = 1
    as_large = np.abs(signs @ difference) >= seen * (1 - 1e-12)
    return float((as_large.sum() + drawn) / (len(signs) + drawn))


def holm(p_values: Sequence[float], comparisons: int | None = None) -> list[float]:
    """Return p-values that hold for all comparisons together (Holm 1979), in the order given.

    comparisons: how many might have been made, if more than are given. Who is best is seen in the same values that
    judge the others, so that best-against-each of k is a choice among k (k - 1) / 2 pairs.
    """
    count = comparisons or len(p_values)
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, (count - rank) * p_values[place])
        adjusted[place] = min(1.0, largest)
    return adjusted


def bootstrap_interval(
    score: Callable[[NDArray[np.intp]], float | None],
    rows: int,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the percentile interval of a score over rows drawn with replacement (Efron & Tibshirani 1993, chapter 13).

    score: the score of the rows at these places, None where they do not define it (a resample of one class). Raises
    ValueError where less than half of the resamples define it.
    """  # fmt: skip
    return percentile_interval([score(places) for places in resamples_of(rows, resamples, seed)], level)


def resamples_of(rows: int, count: int, seed: int = 0) -> Iterator[NDArray[np.intp]]:
    """Yield the places, (rows,), of `count` draws of rows with replacement: what `bootstrap_interval` scores."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield rng.integers(0, rows, rows)


def percentile_interval(drawn: Sequence[float | None], level: float = 0.95) -> tuple[float, float]:
    """Return the middle `level` of the scores of resamples; None is a resample that does not define the score.

    Raises ValueError where less than half of the resamples define it.
    """
    values = [value for value in drawn if value is not None]
    if len(values) < len(drawn) / 2:
        raise ValueError(f"{len(drawn) - len(values)} of {len(drawn)} resamples do not define the score")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
