from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from sample_studies import copy_study

import hpsearch
from hpsearch.app.opened import open_study


def test_a_study_is_opened_with_the_data_it_was_run_on(finished: Path) -> None:
    result = hpsearch.load("rentals", store=finished)
    study = open_study(result)
    assert study.data.digest == study.info.data_digest == result.info.data_digest
    assert study.settled.objective.name == "rmse"
    assert study.spec.name == "rentals"


def test_prepared_data_that_are_gone_are_prepared_again(finished: Path, tmp_path: Path) -> None:
    path = copy_study(finished, "rentals", tmp_path) / "study.json"
    values = json.loads(path.read_text())
    was = Path(values["dataset"])
    path.write_text(json.dumps(values | {"dataset": str(tmp_path / "cache" / was.name)}))
    again = open_study(hpsearch.load("rentals", store=tmp_path)).data
    kept = open_study(hpsearch.load("rentals", store=finished)).data
    assert again.folder == tmp_path / "cache" / was.name
    np.testing.assert_array_equal(again.test(0).x, kept.test(0).x)
