from __future__ import annotations

import pytest

from hpsearch.errors import StudyAborted
from hpsearch.search.stop_rule import StopRule


def test_the_third_error_of_a_kind_stops_whatever_other_errors_come_between() -> None:
    rule = StopRule()
    for reason in ("ValueError: 1", "KeyError: 'a'", "ValueError: 2", "KeyError: 'a'"):
        rule.erred(reason)
    with pytest.raises(StudyAborted) as raised:
        rule.erred("ValueError: 3")
    assert str(raised.value) == (
        "3 trainings failed with the same error and none went well between (ValueError: 3); "
        "what was found is kept, put the cause right and run again"
    )


def test_a_success_between_lets_it_go_on() -> None:
    rule = StopRule()
    for _ in range(5):
        rule.erred("ValueError: 1")
        rule.erred("ValueError: 2")
        rule.died(1, "signal 9")
        rule.died(2, "signal 9")
        rule.succeeded()


def test_the_third_death_in_a_row_stops() -> None:
    rule = StopRule()
    rule.died(1, "signal 9")
    rule.died(2, "signal 9")
    with pytest.raises(StudyAborted, match=r"3 workers in a row died \(signal 9\); .* \(memory\?\) and run again"):
        rule.died(1, "signal 9")


def test_deaths_of_one_configuration_alone_do_not_stop() -> None:
    rule = StopRule()
    for _ in range(9):
        rule.died(1, "signal 9")


def test_a_job_that_its_worker_survived_makes_deaths_count_anew_but_not_errors() -> None:
    rule = StopRule()
    rule.erred("ValueError")
    rule.erred("ValueError")
    for configuration in range(9):
        rule.died(configuration, "signal 9")
        rule.lived()
    with pytest.raises(StudyAborted):
        rule.erred("ValueError")
