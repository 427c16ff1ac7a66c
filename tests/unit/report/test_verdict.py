from __future__ import annotations

import re
import statistics
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hpsearch.records import StudyInfo, TrialRecord
from hpsearch.report.verdict import (
    baseline_sentence,
    looks_sentence,
    verdict_markdown,
    verdict_metrics,
    verdict_sentences,
)
from hpsearch.search.verdict import Ensemble, Retrained, Verdict, judge

INFO = StudyInfo("digits", "0" * 16, "log_loss", "minimize", "multiclass", "d" * 64)
NOISE = (-0.002, 0.001, 0.0, 0.002, -0.001)
OTHER_NOISE = (0.001, -0.002, 0.002, -0.001, 0.0)


def retrained(
    trial: int,
    mean: float,
    *,
    searched: float = 0.05,
    parameters: int = 1000,
    seconds: float = 2.0,
    noise: tuple[float, ...] = NOISE,
) -> Retrained:
    return Retrained(trial, searched, tuple(mean + each for each in noise), parameters, seconds)


def record(number: int, value: float | None = 0.05, **about: Any) -> TrialRecord:
    configuration = {"hidden_layers": 1, "neurons_1": 32, "optimizer": "adam", "learning_rate": 0.00123456}
    return TrialRecord(number, configuration, "completed" if value else "pruned", value=value, **about)


RECORDS = [record(number) for number in range(20)]

TIED = judge(
    [
        retrained(3, 0.0301, searched=0.0041, parameters=5000),
        retrained(7, 0.0304, parameters=300, noise=OTHER_NOISE),
        retrained(9, 0.09),
    ],
    "minimize",
)  # fmt: skip

EVALUATION: dict[str, Any] = {
    "metrics": {"log_loss": 0.04, "accuracy": 0.97, "roc_auc": None},
    "intervals": {"log_loss": [0.03, 0.05], "accuracy": [0.95, 0.98]},
    "baselines": [
        {"name": "constant", "meaning": "", "validation": {"log_loss": 2.3}, "test": {"log_loss": 2.31}},
        {"name": "gradient boosting", "meaning": "", "validation": {"log_loss": 0.1}, "test": {"log_loss": 0.061}},
    ],
    "looks": 1,
}


def told(verdict: Verdict, info: StudyInfo = INFO, records: list[TrialRecord] = RECORDS) -> str:
    return "\n".join(verdict_sentences(verdict, info, records))


def scored(value: float | None, *baselines: float, interval: list[float] | None = None) -> dict[str, Any]:
    return {
        "metrics": {"log_loss": value},
        "intervals": {} if interval is None else {"log_loss": interval},
        "baselines": [{"name": f"b{i}", "validation": {}, "test": {"log_loss": b}} for i, b in enumerate(baselines)],
    }


def test_the_cheapest_of_the_tied_wins_and_the_sentence_says_why() -> None:
    assert verdict_sentences(TIED, INFO, RECORDS)[0] == (
        "Trial 7 wins: it cannot be told from the best, trial 3, and it is cheaper (300 parameters against 5,000)."
    )


def test_of_equally_large_nets_the_faster_one_wins() -> None:
    verdict = judge([retrained(3, 0.0301), retrained(7, 0.0302, seconds=1.5, noise=OTHER_NOISE)], "minimize")
    assert "trial 3, and it is cheaper (as many parameters, 1.5 s a training against 2.0 s)." in told(verdict)


def test_a_winner_that_is_better_than_all_others_is_said_to_be() -> None:
    verdict = judge([retrained(3, 0.03), retrained(7, 0.09, noise=OTHER_NOISE)], "minimize")
    assert told(verdict).startswith("Trial 3 wins: it is better than every other finalist.\n")


def test_a_winner_that_is_best_and_smallest_of_the_tied_has_both_said() -> None:
    verdict = judge([retrained(3, 0.0301), retrained(7, 0.0302, parameters=9000, noise=OTHER_NOISE)], "minimize")
    assert "the best mean of those that cannot be told apart, and it is the smallest net." in told(verdict)


def test_a_winner_by_its_score_alone_is_said_to_be() -> None:
    verdict = judge(
        [retrained(3, 0.0301), retrained(7, 0.0302, parameters=9, noise=OTHER_NOISE)], "minimize", prefer="score"
    )
    assert "which the study prefers to the smallest net." in told(verdict)


def test_a_lone_finalist_wins_and_nothing_is_compared() -> None:
    sentences = verdict_sentences(judge([retrained(3, 0.03)], "minimize"), INFO, RECORDS)
    assert sentences[0] == "Trial 3 wins: it is the only finalist."
    assert not any("p-value" in sentence for sentence in sentences)


def test_mean_and_deviation_are_those_of_the_new_seeds() -> None:
    values = TIED.of(7).values
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    assert verdict_sentences(TIED, INFO, RECORDS)[1] == (
        f"Its mean validation log_loss on 5 new seeds is {mean:.4g}, with a standard deviation of {deviation:.2g}; "
        "that of trial 3 is 0.0301."
    )


def test_folds_are_told_from_seeds() -> None:
    verdict = judge([retrained(3, 0.03, noise=(*NOISE, 0.0))], "minimize", test_share=0.5)
    assert "on 2 new seeds, 3 folds each, is 0.03" in told(verdict, replace(INFO, splits=3))


def test_what_cannot_be_told_and_what_is_worse_bear_their_p_values() -> None:
    tied, worse = (TIED.of(trial).p_value for trial in (7, 9))
    assert tied is not None
    assert worse is not None
    assert worse < 0.0001
    text = told(TIED)
    assert f"Trial 7 (p-value {tied:.2g}) cannot be told from trial 3, which has the best mean." in text
    assert "Trial 9 (p-value below 0.0001) is worse than trial 3." in text


def test_several_are_listed_as_a_person_lists_them() -> None:
    verdict = judge([retrained(1, 0.03), *(retrained(n, 0.09, noise=OTHER_NOISE) for n in (2, 3, 4))], "minimize")
    line = next(sentence for sentence in verdict_sentences(verdict, INFO, RECORDS) if "are worse" in sentence)
    assert re.sub(r" \(p-value [^)]*\)", "", line) == "Trial 2, trial 3 and trial 4 are worse than trial 1."


def test_of_many_the_first_ten_are_named() -> None:
    verdict = judge([retrained(0, 0.03), *(retrained(n, 0.09, noise=OTHER_NOISE) for n in range(1, 20))], "minimize")
    assert "and 9 more are worse than trial 0." in told(verdict)


def test_a_finalist_that_failed_is_named_with_its_reason_on_one_line() -> None:
    verdict = replace(TIED, unstable={4: "1 of 5 trainings failed:\n\x1b[31mdiverged at epoch 3"})
    (line,) = (s for s in verdict_sentences(verdict, INFO, RECORDS) if s.startswith("Trial 4"))
    assert line.startswith("Trial 4 is out of the comparison: 1 of 5 trainings failed: ")
    assert line.isprintable()


def test_the_optimism_of_the_search_is_shown_by_its_two_values() -> None:
    assert (
        "The search's best value was 0.0041; the same configuration's mean on 5 new seeds is 0.0301: too good by 0.026,"
        " since the best of 20 configurations is partly a lucky one." in told(TIED)
    )
    assert "The search alone would have named trial 3." in told(TIED)


def test_copies_and_unfinished_trials_are_not_counted_as_tried() -> None:
    records = [record(0), record(1, copy_of=0), record(2, None), record(3)]
    assert "since the best of 2 configurations" in told(TIED, records=records)


def test_a_search_that_was_not_optimistic_is_said_to_be_none() -> None:
    verdict = judge([retrained(3, 0.03, searched=0.04)], "minimize")
    assert "The search's best value was 0.04; the same configuration's mean on 5 new seeds is 0.03: it was not" in told(
        verdict
    )


def test_for_a_score_too_good_means_too_high() -> None:
    info = replace(INFO, objective="accuracy", direction="maximize")
    verdict = judge([retrained(3, 0.9, searched=0.95)], "maximize")
    assert "was 0.95; the same configuration's mean on 5 new seeds is 0.9: too good by 0.05" in told(verdict, info)


def test_where_the_searchs_best_failed_the_best_of_those_compared_is_meant() -> None:
    records = [*RECORDS[:4], record(4, 0.001)]
    verdict = replace(TIED, unstable={4: "1 of 5 trainings failed: diverged at epoch 3"})
    assert "The best value in the search of those compared was 0.0041;" in told(verdict, records=records)


@pytest.mark.parametrize(
    ("better", "end"),
    [
        (True, "better than trial 7 alone (p-value 0.01), and takes its place."),
        (False, "not shown to be better than trial 7 alone (p-value 0.01), which stays."),
    ],
)
def test_an_average_of_nets_is_told_with_what_becomes_of_it(better: bool, end: str) -> None:
    verdict = replace(TIED, ensemble=Ensemble((3, 7, 9), (0.02, 0.03), 0.01, better))
    said = f"The average of the nets of trials 3, 7 and 9 has a mean of 0.025: {end}"
    assert verdict_sentences(verdict, INFO, RECORDS)[-1] == said


def test_a_net_that_wins_is_said_to_win_by_how_much_and_how_surely() -> None:
    assert baseline_sentence(EVALUATION, "log_loss") == (
        "On the test rows the net wins by 0.021: its log_loss is 0.04 (95 % interval 0.03 to 0.05), that of the best "
        "baseline (gradient boosting) 0.061."
    )


def test_a_net_that_loses_is_said_to_lose() -> None:
    said = baseline_sentence(scored(0.07, 2.3, 0.05, interval=[0.06, 0.08]), "log_loss")
    assert said == (
        "On the test rows the net loses against a baseline by 0.02: its log_loss is 0.07 (95 % interval 0.06 to 0.08), "
        "that of the best baseline (b1) 0.05."
    )


def test_a_baseline_within_the_interval_leaves_it_open() -> None:
    lost = baseline_sentence(scored(0.07, 0.065, interval=[0.06, 0.08]), "log_loss")
    won = baseline_sentence(scored(0.07, 0.075, interval=[0.06, 0.08]), "log_loss")
    assert all(said.endswith("The baseline lies within the interval: other rows could say otherwise.")
               for said in (lost, won))  # fmt: skip


def test_the_best_baseline_of_a_score_is_the_highest() -> None:
    given = {
        "metrics": {"accuracy": 0.9},
        "baselines": [{"name": n, "validation": {}, "test": {"accuracy": v}} for n, v in (("a", 0.95), ("b", 0.8))],
    }
    assert "loses against a baseline by 0.05: its accuracy is 0.9, that of the best baseline (a) 0.95." in (
        baseline_sentence(given, "accuracy")
    )


def test_a_net_as_good_as_a_baseline_does_no_better() -> None:
    assert "does no better than a baseline" in baseline_sentence(scored(0.05, 0.05), "log_loss")


@pytest.mark.parametrize("given", [scored(None, 0.5), scored(0.5), {"metrics": {"log_loss": 0.5}}])
def test_without_two_scores_nothing_is_said_of_baselines(given: dict[str, Any]) -> None:
    assert baseline_sentence(given, "log_loss") == ""


def test_a_second_look_at_the_test_rows_is_counted_and_said() -> None:
    assert looks_sentence(0) == ""
    assert looks_sentence(1).startswith("Test rows seen 1 time:")
    assert looks_sentence(2).startswith("Caution: test rows seen 2 times.")


def test_a_launch_logs_test_scores_with_their_intervals_and_the_optimism() -> None:
    assert verdict_metrics(TIED, EVALUATION) == {
        "optimism": TIED.optimism, "test_log_loss": 0.04, "test_log_loss_low": 0.03, "test_log_loss_high": 0.05,
        "test_accuracy": 0.97, "test_accuracy_low": 0.95, "test_accuracy_high": 0.98,
    }  # fmt: skip


def test_without_verdict_or_test_rows_the_rest_is_logged() -> None:
    assert verdict_metrics(None, scored(0.5)) == {"test_log_loss": 0.5}
    assert verdict_metrics(TIED, None) == {"optimism": TIED.optimism}
    assert verdict_metrics(None, None) == {}


def rendered(text: str) -> list[tuple[str, str]]:
    """What a Markdown reader makes of it: the type of each token, and the text of those that have some."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    flat = [part for token in tokens for part in (token, *(token.children or []))]
    return [(token.type, token.content) for token in flat if token.type != "inline"]


def cells(text: str) -> list[str]:
    """The text of the tables' cells, row by row."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    opened = [i for i, token in enumerate(tokens) if token.type in {"td_open", "th_open"}]
    return ["".join(child.content for child in tokens[i + 1].children or []).strip() for i in opened]


def test_the_description_holds_sentences_finalists_scores_and_baselines() -> None:
    text = verdict_markdown(TIED, INFO, RECORDS, EVALUATION)
    found = cells(text)
    start = found.index("7 ★")
    assert found[start : start + 8] == [
        "7 ★", "0.0304 ± 0.0016", "5", f"{TIED.of(7).p_value:.2g}", "tied", "300", "2.0 s",
        "32, adam, learning_rate 0.001235",
    ]  # fmt: skip
    assert found[-18:] == [
        "metric", "test rows", "95 % interval", "log_loss", "0.04", "0.03 to 0.05", "accuracy", "0.97", "0.95 to 0.98",
        "baseline", "log_loss, validation rows", "test rows", "constant", "2.3", "2.31", "gradient boosting", "0.1",
        "0.061",
    ]  # fmt: skip
    said = {content for kind, content in rendered(text) if kind == "text"}
    sentences = (*verdict_sentences(TIED, INFO, RECORDS), baseline_sentence(EVALUATION, "log_loss"), looks_sentence(1))
    assert said.issuperset(sentences)


def test_without_an_evaluation_the_description_is_the_verdict_alone() -> None:
    assert "Test rows" not in verdict_markdown(TIED, INFO, RECORDS)


HOSTILE = "<img src=x onerror=alert(1)> | [a](http://b) ![c](d) `e` **f** </script>"


def test_no_text_of_the_data_is_markup() -> None:
    configuration = {"hidden_layers": 0, "optimizer": HOSTILE}
    records = [replace(one, configuration=configuration) for one in RECORDS]
    named = [each | {"name": HOSTILE} for each in EVALUATION["baselines"]]
    verdict = replace(TIED, unstable={4: HOSTILE})
    text = verdict_markdown(verdict, INFO, records, EVALUATION | {"baselines": named})
    plain = verdict_markdown(replace(TIED, unstable={4: "x"}), INFO, RECORDS, EVALUATION)
    kinds = {kind for kind, _ in rendered(text)}
    assert kinds <= {kind for kind, _ in rendered(plain)} | {"text_special"}
    assert kinds.isdisjoint({"html_inline", "html_block", "link_open", "image", "code_inline", "strong_open"})
    assert len(cells(text)) == len(cells(plain))
    assert "<img" not in text


@given(st.integers(1, 100), st.sampled_from(["minimize", "maximize"]), st.integers(0, 2))
def test_every_verdict_fits_a_description_and_reads_as_plain_lines(count: int, direction: Any, spread: int) -> None:
    finalists = [retrained(number, 0.03 + number * spread / 100, searched=0.01 * number) for number in range(count)]
    verdict = judge(finalists, direction)
    configuration = {"hidden_layers": 9, "optimizer": "adam"} | {f"neurons_{n}": 256 for n in range(1, 10)}
    configuration |= {f"dropout_{n}": 0.123456 for n in range(1, 10)}
    records = [replace(record(number), configuration=configuration) for number in range(count)]
    sentences = verdict_sentences(verdict, INFO, records)
    assert all(sentence.isprintable() and sentence.endswith(".") for sentence in sentences)
    assert sentences[0].startswith(f"Trial {verdict.winner} wins: ")
    assert len(verdict_markdown(verdict, INFO, records, EVALUATION)) <= 5000
