from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hpsearch.significance import (
    bootstrap_interval,
    corrected_resampled_t,
    holm,
    mean_interval,
    paired_t,
    percentile_interval,
    resamples_of,
    sign_flip,
)

A = np.array([4.1, 3.9, 5.2, 4.4, 4.0, 4.8])
B = np.array([4.6, 4.1, 5.1, 5.0, 4.7, 5.3])


def test_the_paired_test_is_scipy_s() -> None:
    assert paired_t(A, B) == pytest.approx(stats.ttest_rel(A, B).pvalue)


def test_equal_values_show_nothing_and_a_constant_difference_everything() -> None:
    assert paired_t(A, A) == 1.0
    assert paired_t(A, A + 0.25) == 0.0


def test_overlapping_splits_widen_the_error_as_nadeau_and_bengio_say() -> None:
    """With ten folds, t falls by sqrt((1/10) / (1/10 + 1/9)) = 0.688 (their table 1 uses the same ratio)."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=10), rng.normal(0.8, 1, size=10)
    t = stats.ttest_rel(a, b).statistic * math.sqrt(0.1 / (0.1 + 1 / 9))
    assert corrected_resampled_t(a, b, 1 / 9) == pytest.approx(2 * stats.t.sf(abs(t), 9))
    assert corrected_resampled_t(a, b, 1 / 9) > paired_t(a, b)


def test_the_interval_of_a_mean_is_the_one_that_scipy_computes() -> None:
    expected = tuple(stats.ttest_1samp(A, 0).confidence_interval(0.95))
    assert mean_interval(A) == pytest.approx(expected, rel=1e-12)


def test_overlapping_folds_widen_the_interval_as_they_widen_the_error() -> None:
    low, high = mean_interval(A, 0.25)
    error = math.sqrt((1 / 6 + 0.25) * np.var(A, ddof=1))
    assert (high - low) / 2 == pytest.approx(stats.t(5).ppf(0.975) * error, rel=1e-12)


def test_the_interval_of_a_difference_ends_at_0_where_the_test_is_at_its_level() -> None:
    p_value = corrected_resampled_t(A, B, 0.25)
    ends = mean_interval(A - B, 0.25, level=1 - p_value)
    assert min(map(abs, ends)) == pytest.approx(0, abs=1e-12)


def test_sign_flips_are_scipy_s_permutations_of_pairs() -> None:
    reference = stats.permutation_test(
        (A, B), lambda a, b: np.mean(a - b), permutation_type="samples", alternative="two-sided", n_resamples=np.inf
    )
    assert sign_flip(A, B) == pytest.approx(reference.pvalue)


def test_five_pairs_cannot_show_a_difference_at_five_percent() -> None:
    assert sign_flip(np.zeros(5), np.arange(1.0, 6.0)) == pytest.approx(2 / 2**5)


def test_many_pairs_are_flipped_at_random_near_the_normal_approximation() -> None:
    rng = np.random.default_rng(2)
    a = rng.normal(0.3, 1, size=40)
    assert sign_flip(a, np.zeros(40)) == pytest.approx(paired_t(a, np.zeros(40)), abs=0.01)


def test_holm_s_correction_is_that_of_his_example() -> None:
    """p-values 0.01, 0.02, 0.03, 0.04 of four tests: 0.04, 0.06, 0.06, 0.06."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.integers(0, 20))
def test_correcting_never_helps_and_keeps_the_order(p_values: list[float], further: int) -> None:
    adjusted = holm(p_values, len(p_values) + further)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert list(np.array(adjusted)[order]) == sorted(adjusted)


def test_no_tied_rival_is_called_worse_in_more_than_five_of_a_hundred_studies() -> None:
    """1,000 studies of five equal configurations on five seeds; 5 % is 50, and three standard errors more is 71."""
    rng = np.random.default_rng(3)
    claims = uncorrected = 0
    for _ in range(1000):
        values = rng.normal(size=(5, 5)) + rng.normal(size=5)  # (configurations, seeds)
        best = int(values.mean(axis=1).argmin())
        p_values = [paired_t(values[other], values[best]) for other in range(5) if other != best]
        claims += min(holm(p_values, comparisons=10)) < 0.05
        uncorrected += min(p_values) < 0.05
    assert claims <= 71
    assert uncorrected > 150


def test_the_bootstrap_interval_of_a_mean_is_near_the_exact_one() -> None:
    values = np.random.default_rng(4).normal(10, 2, size=400)
    low, high = bootstrap_interval(lambda rows: float(values[rows].mean()), 400)
    exact = stats.norm.interval(0.95, values.mean(), values.std(ddof=1) / 20)
    assert (low, high) == pytest.approx(exact, abs=0.03)


def test_resamples_that_define_no_score_are_left_out_up_to_half() -> None:
    truth = np.zeros(50)
    truth[:3] = 1

    def score(rows: np.ndarray) -> float | None:
        return float(truth[rows].mean()) if truth[rows].any() else None

    low, high = bootstrap_interval(score, 50)
    assert 0 < low < 0.06 < high
    with pytest.raises(ValueError, match="do not define"):
        bootstrap_interval(lambda _: None, 50)


def test_the_interval_is_near_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(5).exponential(3, size=200)
    theirs = stats.bootstrap((values,), np.median, method="percentile", n_resamples=2000, rng=1).confidence_interval
    found = bootstrap_interval(lambda rows: float(np.median(values[rows])), 200)
    assert found == pytest.approx((theirs.low, theirs.high), abs=0.15)


def test_resamples_drawn_apart_give_the_same_interval() -> None:
    values = np.random.default_rng(6).normal(size=30)
    scores = [float(values[places].mean()) for places in resamples_of(30, 500, seed=2)]
    assert percentile_interval(scores, 0.9) == bootstrap_interval(
        lambda rows: float(values[rows].mean()), 30, level=0.9, resamples=500, seed=2
    )


def test_resamples_have_as_many_rows_and_repeat_some() -> None:
    for places in resamples_of(50, 20):
        assert len(places) == 50
        assert len(set(places.tolist())) < 50
        assert 0 <= places.min() <= places.max() < 50
