from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.data.prepared import dataset_digest, load_table
from hpsearch.data.scored_rows import ScoredRows, row_differences, scored_rows
from hpsearch.records import StudyInfo
from hpsearch.spec import StudySpec, make_spec

Make = Callable[..., StudySpec]


def scored(spec: StudySpec, data_digest: str | None = None) -> ScoredRows:
    task = "regression" if spec.data.target == "y" else "multiclass"
    return scored_rows(spec, StudyInfo("s", "0" * 16, "rmse", "minimize", task, data_digest or dataset_digest(spec)))


def truth(spec: StudySpec) -> list[list[str]]:
    """The cells that tell a row from every other, and its target, of each part in order."""
    frame, columns, parts = load_table(spec)
    cells = frame["id"].astype(str) + ":" + frame[columns.target].astype(str)
    return [cells.iloc[np.asarray(rows)].tolist() for rows in (parts.test, *itertools.chain(*parts.folds))]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    lines = [f"{100 + i},{i % 7 if i % 9 else ''},{'a' if i % 2 else 'b'},{i % 3},{3 * i}.5" for i in range(60)]
    (tmp_path / "rows.csv").write_text("id,gaps,letter,class,y\n" + "\n".join(lines) + "\n")

    def make(prepare: dict[str, Any] | None = None, split: dict[str, Any] | None = None, **data: Any) -> StudySpec:
        given = {"csv": "rows.csv", "target": "y"} | data | {"split": split or {}}
        return make_spec({"data": given, "prepare": prepare or {}}, folder=tmp_path)

    return make


SAME = [
    ({}, {"prepare": {"numeric": "quantile", "target": "none", "min_frequency": 2}}),
    ({}, {"drop": ["gaps"], "categorical": ["letter"]}),
    ({}, {"na_values": ["3"]}),
    ({}, {"split": {"test": 0.2, "validation": 0.2, "shuffle": True, "stratify": "auto"}}),
    ({"target": "letter"}, {"target": "letter", "split": {"stratify": True}}),
    ({"split": {"shuffle": False}}, {"split": {"shuffle": False, "seed": 5}}),
    ({"time_ordered": "id"}, {"time_ordered": "id", "split": {"seed": 5, "stratify": False}}),
    (
        {"prepare": {"missing": "drop"}, "drop": ["gaps", "class"]},
        {"prepare": {"missing": "drop", "numeric": "robust"}, "drop": ["class", "gaps"]},
    ),
]
OTHER = [
    ({}, {"split": {"seed": 1}}),
    ({}, {"split": {"test": 0.3}}),
    ({}, {"split": {"validation": {"folds": 3}}}),
    ({}, {"split": {"shuffle": False}}),
    ({}, {"time_ordered": "id"}),
    ({}, {"target": "class"}),
    ({}, {"prepare": {"missing": "drop"}}),
    ({"target": "letter"}, {"target": "letter", "split": {"stratify": False}}),
    ({"prepare": {"missing": "drop"}}, {"prepare": {"missing": "drop"}, "drop": ["gaps"]}),
    ({"prepare": {"missing": "drop"}}, {"prepare": {"missing": "drop"}, "na_values": ["3"]}),
]


@pytest.mark.parametrize(("one", "two"), SAME)
def test_what_leaves_every_part_as_it_was_is_no_difference(
    make: Make, one: dict[str, Any], two: dict[str, Any]
) -> None:
    a, b = make(**one), make(**two)
    assert truth(a) == truth(b)
    assert row_differences(scored(a), scored(b)) == []
    assert scored(a).digest == scored(b).digest


@pytest.mark.parametrize(("one", "two"), OTHER)
def test_what_changes_a_part_or_its_truth_is_a_difference(make: Make, one: dict[str, Any], two: dict[str, Any]) -> None:
    a, b = make(**one), make(**two)
    assert truth(a) != truth(b)
    assert row_differences(scored(a), scored(b))
    assert scored(a).digest != scored(b).digest


def test_a_difference_names_the_field_and_both_values(make: Make) -> None:
    lines = row_differences(scored(make()), scored(make(split={"seed": 7, "validation": {"folds": 3}}, target="class")))
    assert "data.split.seed: 0 -> 7" in lines
    assert "data.split.validation: 0.2 -> {folds: 3}" in lines
    assert "data.target: 'y' -> 'class'" in lines


def test_the_same_content_under_another_path_is_the_same_data(make: Make, tmp_path: Path) -> None:
    (tmp_path / "copy.csv").write_bytes((tmp_path / "rows.csv").read_bytes())
    assert row_differences(scored(make()), scored(make(csv="copy.csv"))) == []


def test_another_content_is_named_with_its_digests(make: Make, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text((tmp_path / "rows.csv").read_text() + "60,1,a,0,1.5\n")
    (line,) = row_differences(scored(make()), scored(make(csv="more.csv")))
    assert line.startswith("data: rows.csv (content ")
    assert " -> more.csv (content " in line


def test_a_source_that_changed_or_went_since_is_known_by_its_prepared_data_alone(make: Make, tmp_path: Path) -> None:
    one, two = make(), make({"numeric": "quantile"})
    digests = [dataset_digest(spec) for spec in (one, two)]
    (tmp_path / "rows.csv").write_text("id,y\n1,2\n")
    changed = [scored(spec, digest) for spec, digest in zip((one, two), digests, strict=True)]
    assert [rows.content for rows in changed] == [None, None]
    (line,) = row_differences(*changed)
    assert line.count("gone or changed since the study began") == 2
    assert row_differences(changed[0], replace(changed[0], source="elsewhere.csv")) == []
    (tmp_path / "rows.csv").unlink()
    assert scored(one, digests[0]) == changed[0]
    assert len({rows.digest for rows in changed}) == 2
