"""From a person's CSV to predictions, as they would do it: the installed program, in their folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sample_studies import HOSTILE, new_store, write_rentals

import hpsearch

from .conftest import NOISE, program

pytestmark = pytest.mark.xdist_group("from_data")


def test_init_check_run_and_best_lead_from_a_csv_to_a_model(tmp_path: Path, mlflow_database: Path) -> None:
    write_rentals(tmp_path / "my rentals.csv")
    new_store(tmp_path / "mlruns", mlflow_database)

    said = program("init", "my rentals.csv", "--target", "cnt", folder=tmp_path)
    assert (said.code, said.err) == (0, "\nwrote my-rentals.yaml; try: hpsearch check my-rentals.yaml\n")
    assert (tmp_path / "my-rentals.yaml").read_text("utf-8") == said.out
    spec = hpsearch.load_spec(tmp_path / "my-rentals.yaml")
    assert set(spec.data.numeric) | set(spec.data.categorical) == set(HOSTILE)

    text = said.out.replace("epochs: 50", "epochs: 2").replace("high: 3}", "high: 1}")
    (tmp_path / "my-rentals.yaml").write_text(text, encoding="utf-8")
    said = program("check", "my-rentals.yaml", folder=tmp_path)
    assert (said.code, said.err) == (0, "")
    assert "study 'my-rentals' is fine: regression" in said.out
    assert not NOISE.search(said.out)

    said = program("run", "my-rentals.yaml", "--trials", "2", "--workers", "2", folder=tmp_path, HPSEARCH_STORE="")
    assert (said.code, said.err) == (0, ""), said.out
    assert "2 of 2 trials done: 2 completed" in said.out
    assert re.search(r"\[2/2\] trial \d: completed rmse ", said.out)
    assert not NOISE.search(said.out)

    logs = "".join(path.read_text() for path in (tmp_path / "mlruns" / "studies" / "my-rentals" / "logs").iterdir())
    assert "Traceback" not in logs

    said = program("export", "my-rentals", "model", folder=tmp_path)
    assert (said.code, said.err) == (0, "")
    assert {path.name for path in (tmp_path / "model").iterdir()} >= {"predict.py", "README.md", "requirements.txt"}
    assert {path.name for path in tmp_path.iterdir()} == {"my rentals.csv", "my-rentals.yaml", "mlruns", "model"}
