from dataclasses import replace

import pytest

from hpsearch.report import findings
from hpsearch.report.text import number
from hpsearch.search.verdict import Retrained, judge

from .materials import BASELINES, EVALUATION, make_material

M = make_material()
BARE = make_material(verdict=False, evaluation=None, package=None, rows={}, columns=0)


def test_the_question_names_the_target_and_how_the_rows_are_divided():
    told = findings.question(M)
    assert told == (
        "Predict 'cnt' (regression) from 7 columns of 170 rows: 100 to train on, 30 to validate, 40 kept for the test."
    )


def test_without_prepared_data_the_question_names_the_source():
    assert findings.question(replace(BARE, source="bikes.csv")) == "Predict 'cnt' (regression) from bikes.csv."


def test_the_winner_is_named_with_its_mean_and_the_search_s_optimism():
    told = " ".join(findings.winner(M))
    assert M.verdict is not None
    assert f"Trial {M.verdict.winner} wins" in told
    assert number(M.verdict.of(M.verdict.winner).mean) in told
    assert f"too good by {number(M.verdict.optimism)}" in told


def test_without_a_verdict_the_best_is_said_to_be_lucky_and_verify_is_named():
    told = " ".join(findings.winner(BARE))
    assert f"trial {BARE.ranked[0].number}" in told
    assert "partly luck" in told
    assert "hpsearch verify bike" in told


def test_without_a_verdict_the_test_score_of_the_same_net_is_told():
    assert "on the test rows the rmse is 48" in findings.unknown_optimism(make_material(verdict=False))


def test_a_single_trial_is_not_called_the_best_of_one():
    told = findings.unknown_optimism(make_material(verdict=False, trials=1))
    assert "best of" not in told
    assert "hpsearch verify bike" in told


def test_test_scores_come_with_their_interval():
    assert findings.evaluation(M).endswith("its rmse is 48 (95 % interval 44 to 52.5).")


def test_locked_test_rows_and_missing_ones_are_told_apart():
    assert "still locked" in findings.evaluation(BARE)
    no_test = replace(BARE, rows={"train": 100, "validation": 30, "test": 0, "total": 130})
    assert "keeps no test rows" in findings.evaluation(no_test)


@pytest.mark.parametrize(("direction", "beaten"), [(0.9, ["linear"]), (1.1, [])])
def test_a_baseline_beats_the_net_where_its_test_score_is_better(direction, beaten):
    linear = BASELINES[1] | {"test": {"rmse": 48.0 * direction}}
    m = replace(M, evaluation=EVALUATION | {"baselines": [BASELINES[0], linear]})
    assert findings.beaten_by(m) == beaten
    assert ("loses" in findings.against_baselines(m)) == bool(beaten)


def test_a_baseline_without_a_score_beats_nobody():
    assert findings.beaten_by(replace(M, evaluation=EVALUATION | {"baselines": [BASELINES[0] | {"test": {}}]})) == []


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        ((0.0,), "only finalist"),
        ((0.0, 9.0), "every other is worse"),
        ((0.0, 0.01), "1 cannot be told from it."),
        ((0.0, 0.01, 9.0), "1 cannot be told from it, 1 is worse."),
    ],
)
def test_finalists_are_counted_by_how_they_stand(offsets, expected):
    noise = ((0.0, 0.3, -0.2, 0.1, 0.4), (0.2, -0.1, 0.3, 0.0, 0.2), (0.1, 0.2, 0.1, 0.2, 0.4))
    compared = [
        Retrained(trial, 5.0, tuple(5 + offset + value for value in noise[trial]), 10, 1.0)
        for trial, offset in enumerate(offsets)
    ]
    assert expected in findings.compared(replace(M, verdict=judge(compared, "minimize")))


def test_what_is_delivered_is_told_with_its_refit():
    metadata = {"members": [3, 5], "refit": {"epochs": [20, 25], "rows": 1300}}
    told = findings.delivered(replace(M, package={"metadata": metadata}))
    assert "the average of the nets of trials 3 and 5" in told
    assert "20, 25 epochs" in told
    assert "1,300" in told
    assert "as the search left it" in findings.delivered(M)
    assert findings.delivered(BARE) == ""


def test_the_hyperparameters_that_matter_most_are_named_by_each_method():
    rated = {"A": {"dropout": 0.2, "epochs": 0.0, "l2": 0.7}, "B": {"dropout": 0.0}}
    told = findings.mattered(replace(M, importances=rated), {"A": "one thing"})
    assert told == "A (one thing) names l2 (70 %) and dropout (20 %)."
    assert "Too few" in findings.mattered(M, {})


def test_the_search_says_how_long_ago_the_best_trial_came():
    told = findings.searched(M)
    best = M.ranked[0].number
    assert f"trial {best}, was not improved by the {29 - best} after it" in told
    last = replace(M, records=M.records[: best + 1])
    assert "more trials may improve it" in findings.searched(last)
