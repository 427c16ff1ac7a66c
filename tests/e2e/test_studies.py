"""Every study that ships runs, with a small budget, and ends well."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hpsearch
from hpsearch.space.table import ROWS

from .conftest import NOISE, Said

pytestmark = pytest.mark.xdist_group("studies")

STUDIES = Path(__file__).parents[2] / "studies"
FILES = sorted(STUDIES.glob("*.yaml"))
EPOCHS, TRIALS = 2, 2


def small(path: Path) -> hpsearch.StudySpec:
    """Return a study that ships, with few and short trials; its data stay where they are."""
    values: dict[str, Any] = hpsearch.load_spec(path).model_dump(mode="json", exclude_unset=True)
    values["space"] = values.get("space", {}) | {"epochs": EPOCHS}
    values["search"] = values.get("search", {}) | {"trials": TRIALS, "timeout": None}
    return hpsearch.make_spec(values | {"name": path.stem}, folder=path.parent)


def test_there_are_studies_of_every_task() -> None:
    assert {path.stem for path in FILES} >= {
        "bike_demand", "bike_demand_full", "breast_cancer", "diabetes", "digits", "hypermodel", "line", "wine",
    }  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_study_that_ships_runs_and_is_evaluated(path: Path, store: Path) -> None:
    result = hpsearch.run(small(path), workers="inline", store=store)
    assert result.done() == TRIALS
    assert result.ending in ("budget", "exhausted")
    assert result.best is not None
    assert result.best.value is not None
    assert np.isfinite(result.best.value)
    assert result.evaluation is not None
    assert np.isfinite(list(result.evaluation["metrics"].values())).all()


@pytest.mark.parametrize("path", [path for path in FILES if path.stem != "hypermodel"], ids=lambda path: path.stem)
def test_its_table_is_printed_as_the_document_shows_it(path: Path, call: Callable[..., Said]) -> None:
    said = call("space", path)
    groups = ("model structure", "optimization, regularization", "training")
    assert (said.code, said.err) == (0, "")
    assert [said.out.index(group) for group in groups] == sorted(said.out.index(group) for group in groups)
    named = call("space", path, "--json").json()["parameters"]
    assert {name if name in ROWS else name.rpartition("_")[0] for name in named} <= set(ROWS)


def test_the_line_is_learned_within_a_twentieth(call: Callable[..., Said], store: Path) -> None:
    said = call("run", STUDIES / "line.yaml", "--trials", "2", "--workers", "inline", "--store", store)
    assert said.code == 0, said.err
    assert said.err == ""
    assert not NOISE.search(said.out)
    predicted = hpsearch.load("line", store=store).predictor().predict(pd.DataFrame({"x": [11, 12, 13]}))
    np.testing.assert_allclose(predicted["prediction"], [12, 13, 14], atol=0.05)


def test_every_study_file_is_one_of_the_printed_schema(call: Callable[..., Said]) -> None:
    schema = call("schema").json()
    assert json.dumps(schema)
    assert {"data", "space", "search"} <= set(schema["properties"])
    assert schema["required"] == ["data"]
