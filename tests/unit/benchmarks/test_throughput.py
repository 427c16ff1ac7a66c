from collections.abc import Sequence

import pytest
import throughput
from contest.launch import Ran
from scipy import stats
from throughput import COLD, KERAS_TUNER, TWO_OPTUNA, Row, Trial

A, B, C = ({"batch_size": size, "epochs": 30} for size in (16, 32, 64))


def row(contender: str, trials: Sequence[Trial], seconds: float = 60.0) -> Row:
    return Row(contender, trials, Ran(100.0, 0.0, seconds, 1.0), 100.0)


def one_after_the_other(rmses: Sequence[float | None], seconds: float = 10.0) -> list[Trial]:
    several = zip((A, B, C), rmses, strict=True)
    return [Trial(c, r, 100, 120 + i * seconds, 120 + (i + 1) * seconds) for i, (c, r) in enumerate(several)]


def test_a_rate_counts_everything_from_the_start_of_the_process() -> None:
    assert row(COLD, one_after_the_other([1.0, 2.0, 3.0])).all_in() == pytest.approx((3.0, 5.0))


def test_a_rate_without_start_up_begins_with_the_first_trial() -> None:
    assert row(KERAS_TUNER, one_after_the_other([1.0, 2.0, 3.0])).running() == pytest.approx((6.0, 10.0))


def test_a_process_that_has_nothing_left_to_do_does_not_lower_the_rate() -> None:
    trials = [Trial(A, 1.0, 100, 120, 130, 0), Trial(B, 1.0, 100, 130, 140, 0), Trial(C, 1.0, 100, 120, 130, 1)]
    assert row(TWO_OPTUNA, trials).running() == pytest.approx((12.0, 20.0))


def test_start_up_and_closing_are_told() -> None:
    about = row(COLD, one_after_the_other([1.0, None, 3.0])).to_json()
    assert (about["seconds_before_first_trial"], about["seconds_after_last_trial"]) == (20.0, 10.0)
    assert (about["without_result"], about["best_rmse"]) == (1, 1.0)


@pytest.mark.parametrize("other", [[41.0, 49.5, 62.0], [45.0, 55.5, 65.2]])
def test_agreement_is_a_paired_t_test(other: list[float]) -> None:
    cold = [40.0, 50.0, 60.0]
    rows = [row(KERAS_TUNER, one_after_the_other(other)), row(COLD, one_after_the_other(cold))]
    about = throughput._agreement(rows[0], rows)
    expected = stats.ttest_rel(other, cold)
    assert about["mean_difference"] / about["standard_error"] == pytest.approx(expected.statistic, rel=0.01)
    assert about["p_value"] == pytest.approx(expected.pvalue, abs=1e-4)
    assert about["within_noise"] == (expected.pvalue >= 0.01)
    assert (about["best_rmse"], about["best_rmse_compiled"]) == (other[0], 40.0)


def test_configurations_that_have_no_value_are_not_compared() -> None:
    rows = [row(KERAS_TUNER, one_after_the_other([None, 1.0, 2.0])), row(COLD, one_after_the_other([1.0, None, 2.0]))]
    assert throughput._agreement(rows[0], rows)["configurations"] == 1


def test_a_target_is_measured_against_the_peer_s_better_rate_and_all_of_ours() -> None:
    cold = row(COLD, one_after_the_other([1.0, 2.0, 3.0]), seconds=1.0)
    about = throughput._ratio(row(KERAS_TUNER, one_after_the_other([1.0, 2.0, 3.0])), [cold])
    assert (about["times"], about["target"], about["met"]) == (30.0, 30, True)


def test_the_table_has_a_line_for_each_contender() -> None:
    rows = [row(KERAS_TUNER, one_after_the_other([None] * 3)), row(COLD, one_after_the_other([1.0, 2.0, 3.0]))]
    table = throughput._table(rows, [throughput._ratio(one, rows) for one in rows])
    assert len({line.count("|") for line in table.splitlines()}) == 1
    assert "(target 30: missed)" in table.splitlines()[2]
