from __future__ import annotations

from dataclasses import replace

import pytest
from scipy import stats

from hpsearch.report.standings import judge_entries
from hpsearch.search.verdict import Retrained, judge

from .test_compare import ENTRY

NEAR = replace(ENTRY, study="near", values=(10.1, 10.0, 10.0, 10.1, 9.9))
GOOD = replace(ENTRY, study="good", values=(10.0, 10.1, 9.9, 10.05, 9.95))
FAR = replace(ENTRY, study="far", values=(12.0, 12.2, 11.9, 12.1, 12.0))
SEARCHED = replace(ENTRY, study="searched", value=1.0)


def test_entries_stay_in_their_order_and_stand_as_finalists_of_one_study_would() -> None:
    judged, notes = judge_entries([FAR, NEAR, GOOD])
    assert [(e.study, e.standing) for e in judged] == [("far", "worse"), ("near", "tied"), ("good", "best")]
    verdict = judge([Retrained(at, 0.0, e.values, 1, 1.0) for at, e in enumerate((FAR, NEAR, GOOD))], "minimize")
    assert [e.p_value for e in judged] == [verdict.of(at).p_value for at in range(3)]
    assert notes == []


def test_the_p_value_of_two_is_scipy_s() -> None:
    judged, _ = judge_entries([GOOD, NEAR])
    assert judged[1].p_value == pytest.approx(stats.ttest_rel(NEAR.values, GOOD.values).pvalue)


def test_folds_that_share_training_rows_prove_less() -> None:
    apart, folds = (judge_entries([GOOD, NEAR], share)[0][1].p_value for share in (0.0, 0.5))
    assert apart is not None
    assert folds is not None
    assert folds > apart


def test_what_is_maximized_stands_the_other_way() -> None:
    judged, _ = judge_entries([replace(entry, direction="maximize") for entry in (FAR, NEAR)])
    assert [entry.standing for entry in judged] == ["best", "worse"]


def test_as_many_values_count_as_all_have_and_it_is_said() -> None:
    few = replace(FAR, values=FAR.values[:3])
    judged, notes = judge_entries([GOOD, few])
    assert [entry.values for entry in judged] == [GOOD.values[:3], FAR.values[:3]]
    assert judged[1].p_value == pytest.approx(stats.ttest_rel(few.values, GOOD.values[:3]).pvalue)
    assert notes == ["'good': the first 3 values on new seeds count, the others have no more"]


def test_what_the_search_alone_found_takes_no_part() -> None:
    judged, _ = judge_entries([SEARCHED, FAR, GOOD])
    assert judged[0] == SEARCHED
    assert [entry.standing for entry in judged] == [None, "worse", "best"]


def test_a_standing_in_another_comparison_does_not_stay_where_nothing_is_compared() -> None:
    judged, _ = judge_entries([SEARCHED, replace(GOOD, standing="worse", p_value=0.01)])
    assert [(entry.standing, entry.p_value) for entry in judged] == [(None, None)] * 2
    assert judged[1].values == GOOD.values
