"""A study of 5,000 trials, and a store of many studies: what reads them does no more than it must, and is right.

How long it takes is measured by `benchmarks/load.py`; here stands why.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch.cli import main
from hpsearch.errors import StoreError

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from generated_store import generate_study

TRIALS = 5000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one study of 5,000 trials of two epochs. Look, but do not change it."""
    place = tmp_path_factory.mktemp("large")
    generate_study(place, "large", TRIALS, epochs=2, journal=False)
    return place


@pytest.fixture(scope="module")
def lines(large: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (large / "studies" / "large" / "history.jsonl").read_text().splitlines()]


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command in this process; return what it printed."""

    def said(*arguments: str | Path) -> str:
        monkeypatch.setattr(sys, "argv", ["hpsearch", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, errors = capsys.readouterr()
        assert (ended.value.code, errors) == (0, "")
        return out

    return said


def test_the_numbers_of_5000_trials_are_right(
    large: Path, lines: list[dict[str, Any]], says: Callable[..., str]
) -> None:
    done = sorted((one["value"], one["number"]) for one in lines if one["state"] == "completed")
    shown = json.loads(says("show", "large", "--store", large, "--json", "--top", "3"))
    assert (shown["done"], shown["states"]["completed"], shown["states"]["failed"]) == (5000, 4500, 500)
    assert [(one["value"], one["number"], one["epochs"]) for one in shown["top"]] == [(*pair, 2) for pair in done[:3]]
    assert shown["best"]["trial"] == done[0][1]
    assert shown["seconds"] == pytest.approx(sum(one["seconds"] for one in lines))
    (listed,) = json.loads(says("list", "--store", large, "--json"))
    for key in ("done", "states", "best"):
        assert listed[key] == shown[key]
    compared = json.loads(says("compare", "large", "--store", large, "--top", "9", "--json"))
    assert {number for _, number in done[:5]} <= {one["trial"] for one in compared["entries"]}


def test_what_shows_a_study_reads_none_of_its_epochs(large: Path, tmp_path: Path, says: Callable[..., str]) -> None:
    place, study = tmp_path / "store", "studies/large"
    (place / study).mkdir(parents=True)
    for name in ("study.json", "verdict.json", "finalists.jsonl"):
        (place / study / name).write_bytes((large / study / name).read_bytes())
    history = (large / study / "history.jsonl").read_bytes()
    # Whoever reads the epochs finds no JSON. The checksums, which are of other lines now, are gone.
    spoilt = re.sub(rb'"epochs":\[.*?\],"parameters"', b'"epochs":[...],"parameters"', history)
    (place / study / "history.jsonl").write_bytes(re.sub(rb',"check":"\w+"', b"", spoilt))
    for command in (["list"], ["show", "large"], ["compare", "large"]):
        assert says(*command, "--store", place) == says(*command, "--store", large)
    with pytest.raises(StoreError, match=r"history\.jsonl is damaged: line 1 "):
        hpsearch.load("large", store=place)


def test_what_mattered_is_worked_out_once_and_told_with_the_trials_it_is_of(
    tmp_path: Path, says: Callable[..., str]
) -> None:
    folder = generate_study(tmp_path, "middling", 120, epochs=2, journal=False)
    shown = says("show", "middling", "--store", tmp_path)
    assert "what mattered takes some seconds to work out: hpsearch report middling" in shown
    advice = hpsearch.load("middling", store=tmp_path).advice
    shown = json.loads(says("show", "middling", "--store", tmp_path, "--json"))
    assert shown["insights_trials"] == 120
    assert list(shown["importances"]) == ["PED-ANOVA", "fANOVA"]
    assert [one["finding"] for one in shown["advice"]] == [one.finding for one in advice]
    # The search goes on: what is known is of the trials before.
    history = folder.history.read_bytes()
    last = json.loads(history.splitlines()[-1])
    del last["check"]
    folder.history.write_bytes(history + json.dumps(last | {"number": 120}).encode() + b"\n")
    shown = says("show", "middling", "--store", tmp_path)
    assert "importance by PED-ANOVA (what sets the best trials apart from the rest, of the first 120 trials)" in shown
    (folder.path / "insights.json").write_text("{")
    assert "what mattered takes some seconds" in says("show", "middling", "--store", tmp_path)


@pytest.mark.parametrize("command", [["list"], ["show", "large"], ["compare", "large"]])
def test_what_shows_a_large_study_loads_no_library_it_does_not_need(large: Path, command: list[str]) -> None:
    argv = ["hpsearch", *command, "--store", str(large)]
    code = f"import sys; sys.argv = {argv!r}\nfrom hpsearch.cli import main\ntry: main()\nfinally: print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(said.splitlines()[-1].split())
    assert "hpsearch.search.history" in loaded
    assert loaded.isdisjoint({"optuna", "sklearn", "matplotlib", "mlflow", "keras", "tensorflow"})


def test_a_damaged_study_hides_no_other_from_the_list(tmp_path: Path, says: Callable[..., str]) -> None:
    for name in ("alpha", "omega", "torn"):
        generate_study(tmp_path, name, 20, epochs=1, journal=False)
    (tmp_path / "studies" / "torn" / "study.json").write_text("{")
    shown = says("list", "--store", tmp_path)
    assert re.search(r"(?s)alpha .*omega .*torn: \S+study\.json is damaged", shown)
    told = json.loads(says("list", "--store", tmp_path, "--json"))
    assert [one["name"] for one in told] == ["alpha", "omega", "torn"]
    assert "study.json is damaged" in told[2]["damaged"]
