from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
from sample_studies import copy_study
from scipy import stats

import hpsearch
from hpsearch.data.prepared import dataset_digest
from hpsearch.errors import NoTrialCompleted, StudyError, UnknownStudy
from hpsearch.report.compare import Comparison
from hpsearch.search.folder import StudyFolder
from hpsearch.search.verdict import Ensemble, Retrained, Verdict, judge
from hpsearch.spec import make_spec

Values = dict[int, tuple[float, ...]]
Derive = Callable[..., Path]

PLAIN: Values = {0: (9.4, 9.6, 9.5, 9.55, 9.3), 3: (9.35, 9.55, 9.5, 9.45, 9.3)}
"""The best is trial 3 by a little, the winner trial 0, which is cheaper."""


@pytest.fixture
def derive(finished: Path, tmp_path: Path) -> Derive:
    """Make a study of `tmp_path` that is a finished one but for some of its study file and its verdict."""

    def derive(study: str, name: str, values: Values | None = None, **sections: dict[str, Any]) -> Path:
        folder = copy_study(finished, study, tmp_path)
        folder = folder.rename(folder.with_name(name))
        file = StudyFolder(folder).read()
        given = {key: file.spec[key] | section for key, section in sections.items()}
        spec = make_spec(file.spec | {"name": name} | given, folder=Path(file.folder))
        objective = spec.search.objective or file.info.objective
        info = replace(file.info, name=name, data_digest=dataset_digest(spec), objective=objective)
        StudyFolder(folder).write(replace(file, spec=spec.model_dump(mode="json"), info=info))
        (folder / "verdict.json").unlink(missing_ok=True)
        if values is not None:
            write_verdict(folder, _judged(values))
        return folder

    return derive


def _judged(values: Values) -> Verdict:
    return judge([Retrained(trial, 9.0, some, 10 + trial, 1.0) for trial, some in values.items()], "minimize")


def write_verdict(folder: Path, verdict: Verdict) -> None:
    (folder / "verdict.json").write_text(json.dumps(verdict.to_json()))


def cells(comparison: Comparison, name: str) -> Sequence[Any]:
    return next(row.values for row in comparison.rows() if row.name == name)


def test_one_study_shows_its_finalists_as_its_verdict_has_them(derive: Derive, tmp_path: Path) -> None:
    derive("rentals", "plain", PLAIN)
    compared = hpsearch.compare(["plain"], store=tmp_path)
    assert compared.columns == ("plain #3", "plain #0")
    assert compared.best_column == "plain #3"
    assert cells(compared, "mean") == pytest.approx([fmean(PLAIN[3]), fmean(PLAIN[0])])
    assert cells(compared, "sd") == pytest.approx([stdev(PLAIN[3]), stdev(PLAIN[0])])
    assert cells(compared, "n") == (5, 5)
    assert cells(compared, "verdict") == ("best", "tied")
    assert cells(compared, "winner") == (None, "yes")
    assert cells(compared, "p_value")[1] == pytest.approx(stats.ttest_rel(PLAIN[0], PLAIN[3]).pvalue)


def test_the_verdict_of_a_launch_is_what_is_shown(finished: Path) -> None:
    verdict = hpsearch.load("rentals", store=finished).verdict
    assert verdict is not None
    compared = hpsearch.compare(["rentals"], store=finished)
    assert [entry.trial for entry in compared.entries] == [finalist.trial for finalist in verdict.finalists]
    assert cells(compared, "p_value") == tuple(finalist.p_value for finalist in verdict.finalists)


def test_a_study_without_a_verdict_shows_the_best_of_its_search_as_what_it_is(derive: Derive, tmp_path: Path) -> None:
    derive("rentals", "searched")
    compared = hpsearch.compare(["searched"], store=tmp_path)
    assert compared.columns == ("searched #0", "searched #3")
    assert compared.best_column == "searched #0"
    assert cells(compared, "verdict") == ("searched", "searched")
    assert cells(compared, "mean") == (None, None)
    assert "so optimistic; hpsearch verify searched " in compared.notes[0]


def test_studies_that_differ_in_preparation_alone_are_compared_by_their_winners(derive: Derive, tmp_path: Path) -> None:
    quantile: Values = {0: (10.4, 10.6, 10.5), 3: (9.1, 9.35, 9.2)}
    derive("rentals", "plain", PLAIN)
    derive("rentals", "quantile", quantile, prepare={"numeric": "quantile"}, data={"drop": ["when"]})
    compared = hpsearch.compare(["plain", "quantile"], store=tmp_path)
    assert compared.columns == ("plain #0", "quantile #3")
    assert cells(compared, "prepare.numeric") == ("standard", "quantile")
    assert cells(compared, "data.drop") == ("[]", "['when']")
    assert cells(compared, "n") == (3, 3)
    expected = stats.ttest_rel(PLAIN[0][:3], quantile[3]).pvalue
    assert cells(compared, "p_value") == (pytest.approx(expected), None)
    assert cells(compared, "verdict") == ("worse" if expected < 0.05 else "tied", "best")
    assert compared.notes == ("'plain': the first 3 values on new seeds count, the others have no more",)


def test_folds_that_share_training_rows_are_allowed_for(derive: Derive, tmp_path: Path) -> None:
    one, two = (0.5, 0.6, 0.55, 0.52), (0.61, 0.72, 0.69, 0.63)
    derive("flowers", "one", {0: one})
    derive("flowers", "two", {0: two}, prepare={"numeric": "minmax"})
    compared = hpsearch.compare(["one", "two"], store=tmp_path)
    # Two folds: as many rows validate as train, so that the variance of the mean is (1/4 + 1) s^2.
    difference = [a - b for a, b in zip(one, two, strict=True)]
    t = abs(fmean(difference)) / (stdev(difference) * (1 / 4 + 1) ** 0.5)
    assert cells(compared, "p_value")[1] == pytest.approx(2 * stats.t.sf(t, 3))


def test_the_best_finalists_of_each_may_be_asked_for_and_are_all_judged_together(
    derive: Derive, tmp_path: Path
) -> None:
    derive("rentals", "plain", PLAIN)
    derive("rentals", "minmax", {0: (9.6, 9.7, 9.5, 9.8, 9.4)}, prepare={"numeric": "minmax"})
    compared = hpsearch.compare(["plain", "minmax"], top=2, store=tmp_path)
    assert compared.columns == ("plain #3", "plain #0", "minmax #0", "minmax #3")
    assert cells(compared, "verdict")[0::3] == ("best", "searched")
    assert None not in cells(compared, "verdict")


def test_no_best_is_named_where_one_study_alone_was_verified(derive: Derive, tmp_path: Path) -> None:
    derive("rentals", "plain", PLAIN)
    derive("rentals", "searched", prepare={"numeric": "minmax"})
    compared = hpsearch.compare(["plain", "searched"], store=tmp_path)
    assert compared.best_column is None
    assert cells(compared, "verdict") == (None, "searched")
    assert "only 'plain' was trained again on new seeds: no best is named" in compared.notes


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"search": {"objective": "mae"}}, "objective: rmse (minimize) -> mae (minimize)"),
        ({"data": {"split": {"seed": 1}}}, "data.split.seed: 0 -> 1"),
        ({"data": {"time_ordered": "when", "split": {"validation": 0.3}}}, "data.split.validation: 0.2 -> 0.3"),
    ],
)
def test_scores_that_do_not_measure_the_same_are_refused_with_the_reason(
    derive: Derive, tmp_path: Path, sections: dict[str, dict[str, Any]], told: str
) -> None:
    derive("rentals", "plain", PLAIN)
    derive("rentals", "other", PLAIN, **sections)
    with pytest.raises(StudyError) as caught:
        hpsearch.compare(["plain", "other"], store=tmp_path)
    assert "'plain' and 'other':\n" in str(caught.value)
    assert f"\n  {told}\n" in str(caught.value)


def test_other_data_are_refused(finished: Path) -> None:
    with pytest.raises(StudyError, match=r"  data: rentals.csv \(content .*\) -> sklearn:iris \(content "):
        hpsearch.compare(["rentals", "flowers"], store=finished)


def test_a_study_whose_source_is_gone_is_compared_with_one_of_the_same_prepared_data(
    derive: Derive, tmp_path: Path
) -> None:
    for name, sampler in (("one", "random"), ("two", "tpe")):
        path = derive("rentals", name, PLAIN, search={"sampler": sampler}) / "study.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"folder": str(tmp_path / "gone")}))
    compared = hpsearch.compare(["one", "two"], store=tmp_path)
    assert cells(compared, "search.sampler.name") == ("random", "tpe")


def test_what_stands_in_the_way_of_a_verdict_is_said(derive: Derive, tmp_path: Path) -> None:
    folder = derive("rentals", "plain")
    average = Ensemble((3, 0), (9.1, 9.2), 0.01, better=True)
    write_verdict(folder, replace(_judged({3: PLAIN[3]}), unstable={9: "1 of 5 trainings failed"}, ensemble=average))
    notes = hpsearch.compare(["plain"], store=tmp_path).notes
    assert "'plain' #9 is out: 1 of 5 trainings failed" in notes
    assert "'plain' delivers the average of the nets of #3, #0, not its winner alone: mean 9.15" in notes
    assert "'plain': trial 0, now the best of the search, came after the verdict" in "\n".join(notes)


def test_seeds_that_are_not_shared_are_said(derive: Derive, tmp_path: Path) -> None:
    derive("rentals", "plain", PLAIN)
    derive("rentals", "again", PLAIN, search={"seed": 7})
    compared = hpsearch.compare(["plain", "again"], store=tmp_path)
    assert cells(compared, "search.seed") == ("0", "7")
    assert any(note.startswith("search.seed differs") for note in compared.notes)


def test_latency_is_measured_where_it_is_asked_for(finished: Path) -> None:
    names = [f"latency_{percentile}_batch_{batch}" for batch in (1, 1000) for percentile in ("p50", "p99")]
    asked, plain = (hpsearch.compare(["rentals"], latency=latency, store=finished) for latency in (True, False))
    assert all(seconds > 0 for name in names for seconds in cells(asked, name))
    assert {cells(plain, name) for name in names} == {(None, None)}
    assert "measured now on" in asked.legend[-1]
    assert "--latency" in plain.legend[-1]


def test_a_study_named_twice_is_one(finished: Path) -> None:
    once, twice = (hpsearch.compare(names, store=finished) for names in (["rentals"], ["rentals", "rentals"]))
    assert once.columns == twice.columns


def test_a_study_in_hand_is_taken_as_it_is(finished: Path) -> None:
    assert set(hpsearch.compare([hpsearch.load("rentals", store=finished)]).columns) == {"rentals #0", "rentals #3"}


def test_it_becomes_a_frame_with_nothing_where_a_net_lacks_a_parameter(finished: Path) -> None:
    frame = hpsearch.compare(["rentals"], store=finished).to_frame()
    assert frame.loc["neurons_2", "rentals #0"] is None
    assert frame.loc["neurons_2", "rentals #3"] == 4
    assert frame.loc["neurons_2", "differs"]
    assert not frame.loc["batch_size", "differs"]


def test_a_study_without_a_completed_trial_cannot_be_compared(derive: Derive, tmp_path: Path) -> None:
    derive("rentals", "empty")
    empty = replace(hpsearch.load("empty", store=tmp_path), records=())
    with pytest.raises(NoTrialCompleted, match="no trial of 'empty' completed yet"):
        hpsearch.compare([empty])


def test_nothing_is_not_compared() -> None:
    with pytest.raises(StudyError, match="nothing to compare"):
        hpsearch.compare([])


def test_an_unknown_study_is_named(finished: Path) -> None:
    with pytest.raises(UnknownStudy, match="did you mean 'flowers'"):
        hpsearch.compare(["rentals", "flower"], store=finished)
