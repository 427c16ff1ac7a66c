from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sample_studies import HOSTILE

import hpsearch
from hpsearch import cli

Call = Callable[..., tuple[Any, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call the command line; return how it ended and what it printed."""

    def called(*arguments: str | Path) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["hpsearch", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return called


@pytest.fixture
def own(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished store."""
    place = tmp_path / "own"
    shutil.copytree(finished / "studies", place / "studies")
    for file in finished.glob("mlflow.db*"):
        shutil.copy(file, place)
    return place


@pytest.mark.parametrize("options", [[], ["-o", "-"], ["--output", "-"]])
def test_predictions_go_to_the_screen_and_notes_beside_it(
    call: Call, finished: Path, rentals_csv: Path, options: list[str]
) -> None:
    code, out, err = call("predict", "rentals", rentals_csv, *options, "--store", finished)
    lines = out.splitlines()
    assert (code, lines[0], len(lines)) == (0, "prediction", 91)
    assert err == "columns that the model does not know are not used: cnt\n"


def test_predictions_go_to_a_file_with_the_columns_to_keep(
    call: Call, finished: Path, rentals_csv: Path, tmp_path: Path
) -> None:
    kept = ["--keep", "cnt", "--keep", "when"]
    code, out, err = call("predict", "rentals", rentals_csv, "-o", tmp_path / "out.csv", *kept, "--store", finished)
    assert (code, out, err) == (0, "", f"wrote 90 predictions to {tmp_path}/out.csv\n")
    assert list(pd.read_csv(tmp_path / "out.csv").columns) == ["cnt", "when", "prediction"]


@pytest.mark.parametrize(("rows", "message"), [
    (None, r"cannot be read: No such file or directory; name a CSV file"),
    ("", "the file is empty; a CSV file has a header line and rows"),
    ("a,b\n1,2\n", ":1: no column"),
])  # fmt: skip
def test_bad_rows_are_one_line_and_the_code_two(
    call: Call, finished: Path, tmp_path: Path, rows: str | None, message: str
) -> None:
    if rows is not None:
        (tmp_path / "rows.csv").write_text(rows)
    code, out, err = call("predict", "rentals", tmp_path / "rows.csv", "-o", tmp_path / "out.csv", "--store", finished)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not (tmp_path / "out.csv").exists()


def test_a_promotion_is_told_with_both_scores_and_the_address(call: Call, own: Path) -> None:
    score = hpsearch.load("rentals", store=own).evaluation["metrics"]["rmse"]  # type: ignore[index]
    code, out, err = call("promote", "rentals", "--store", own)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"version 1 of 'rentals' is the champion now: rmse {score:.4g} on the test rows",
        "predict with it: hpsearch predict models:/rentals@champion ROWS.csv",
    ]
    _, again, _ = call("promote", "rentals", "--store", own)
    assert again.splitlines()[0] == "version 1 of 'rentals' is this model and is the champion already"
    told = json.loads(call("promote", "rentals", "--json", "--store", own)[1])
    assert (told["version"], told["changed"], told["address"]) == ("1", False, "models:/rentals@champion")


def test_an_export_says_how_to_use_it(call: Call, finished: Path, tmp_path: Path) -> None:
    code, out, err = call("export", "rentals", tmp_path / "model", "--store", finished)
    count = sum(path.is_file() for path in (tmp_path / "model").rglob("*"))
    told = f"wrote {count} files to {tmp_path}/model; try: python3 {tmp_path}/model/predict.py ROWS.csv\n"
    assert (code, out, err) == (0, told, "")
    files = json.loads(call("export", "rentals", tmp_path / "model", "--json", "--store", finished)[1])["files"]
    assert len(files) == count


def test_a_host_that_others_reach_is_refused(call: Call, finished: Path) -> None:
    code, _, err = call("serve", "rentals", "--host", "0.0.0.0", "--store", finished)
    assert code == 2
    assert "asks nobody for a password" in err


def test_a_hostile_name_is_kept_as_it_is_with_raw(call: Call, finished: Path, rentals_csv: Path) -> None:
    _, out, _ = call("predict", "rentals", rentals_csv, "--keep", HOSTILE[1], "--raw", "--store", finished)
    assert out.startswith(f"{HOSTILE[1]},prediction\n")
