"""What each command prints of finished studies, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sample_studies import FLOWERS, RENTALS, write_rentals, write_study

import hpsearch
from hpsearch.cli.launch import _told

from .conftest import NOISE, Said, program

pytestmark = pytest.mark.xdist_group("commands")

Call = Callable[..., Said]


def test_list_has_a_line_a_study(call: Call, finished: Path) -> None:
    said = call("list", "--store", finished)
    assert (said.code, said.err) == (0, "")
    header, flowers, rentals = said.out.splitlines()
    assert header.split() == ["study", "task", "trials", "best", "begun"]
    assert flowers.startswith("flowers  multiclass  2/2     val_log_loss 0.")
    assert rentals.startswith("rentals  regression  4/4     val_rmse ")
    assert re.search(r" \d{4}-\d\d-\d\d \d\d:\d\d UTC$", rentals)


def test_list_says_how_to_start_where_there_is_nothing(call: Call, tmp_path: Path) -> None:
    said = call("list", "--store", tmp_path)
    assert (said.code, said.out) == (0, "no studies here yet; start one with: hpsearch run STUDY.yaml\n")


def test_show_tells_state_best_trials_and_time(call: Call, finished: Path) -> None:
    said = call("show", "rentals", "--store", finished)
    assert (said.code, said.err) == (0, "")
    assert "study 'rentals': regression, minimize val_rmse; begun " in said.out
    assert "How many <b>bikes</b> are rented?" in said.out
    assert "trials: 4 of 4 done (2 completed, 1 pruned, 1 failed)" in said.out
    assert "failed: diverged at epoch" in said.out
    assert re.search(r"training time, all workers: [\d.]+ s \(completed [\d.]+ s, pruned", said.out)
    assert "8-4 tanh, adam, dropout 0, learning_rate 0.1, batch_size 16, epochs 10" in " ".join(said.out.split())
    assert "no hidden layer, adam, learning_rate 0.3" in said.out
    metric = r"[\d.]+ \[[\d.]+, [\d.]+\]"
    assert re.search(rf"on the 18 test rows \(95 % intervals\): rmse {metric}, mae {metric}, r2 {metric}", said.out)


def test_show_as_json_keeps_its_keys(call: Call, finished: Path) -> None:
    shown = call("show", "rentals", "--json", "--store", finished).json()
    assert list(shown) == [
        "name", "objective", "direction", "task", "trials", "done", "states", "failures", "ending", "seconds", "best",
        "test", "winner", "verdict", "created", "folder", "link", "trouble", "top", "importances", "advice",
        "insights_trials",
    ]  # fmt: skip
    assert list(shown["test"]) == ["rmse", "mae", "r2"]
    assert [trial["number"] for trial in shown["top"]] == [0, 3]


def test_list_as_json_keeps_its_keys(call: Call, finished: Path) -> None:
    listed = call("list", "--json", "--store", finished).json()
    assert [study["name"] for study in listed] == ["flowers", "rentals"]
    assert "neurons_3" not in json.dumps(listed)
    assert set(listed[1]["best"]["configuration"]) == {
        "hidden_layers", "optimizer", "learning_rate", "batch_size", "epochs",
    }  # fmt: skip


def test_best_prints_configuration_and_report(call: Call, finished: Path) -> None:
    said = call("best", "flowers", "--store", finished)
    assert (said.code, said.err) == (0, "")
    assert re.match(r"trial \d of 'flowers': val_log_loss [\d.]+ in the search, at epoch \d; 35 weights\n", said.out)
    assert "  learning_rate: 0." in said.out
    assert "precision    recall  f1-score   support" in said.out


def test_best_as_json_keeps_its_keys(call: Call, finished: Path) -> None:
    told = call("best", "rentals", "--json", "--store", finished).json()
    assert list(told) == ["study", "winner", "verdict", "test"]
    assert set(told["test"]["metrics"]) == {"rmse", "mae", "r2"}


def test_an_export_predicts_raw_rows_with_gaps_where_hpsearch_is_not_installed(
    call: Call, finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert str(out) in call("export", "rentals", out, "--store", finished).out
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "hpsearch.py").write_text("raise ImportError('not installed')")
    write_rentals(tmp_path / "rows.csv", rows=12)
    ended = subprocess.run(
        [sys.executable, out / "predict.py", tmp_path / "rows.csv", tmp_path / "predictions.csv"],
        capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(tmp_path / "hidden")},
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert not NOISE.search(ended.stderr.replace("UserWarning: the model does not know column 'cnt'", ""))
    predicted, actual = column(tmp_path / "predictions.csv", "prediction"), column(tmp_path / "rows.csv", "cnt")
    assert sum(abs(p - a) for p, a in zip(predicted, actual, strict=True)) / 12 < 15


def column(path: Path, name: str) -> list[float]:
    with path.open(encoding="utf-8") as file:
        return [float(row[name]) for row in csv.DictReader(file)]


def test_compare_marks_what_differs_and_the_best(call: Call, finished: Path) -> None:
    said = call("compare", "rentals", "--store", finished)
    assert (said.code, said.err) == (0, "")
    lines = {line[3:].split("  ")[0]: line for line in said.out.splitlines() if line[3:4].strip()}
    assert "rentals #0 ★" in said.out
    assert lines["hidden_layers"].split() == ["*", "hidden_layers", "0", "2"]
    assert lines["neurons_2"].split() == ["*", "neurons_2", "-", "4"]
    assert lines["batch_size"].split() == ["batch_size", "16", "16"]
    assert "neurons_3" not in said.out


def test_compare_refuses_studies_whose_values_do_not_measure_the_same(call: Call, finished: Path) -> None:
    said = call("compare", "rentals", "flowers", "--store", finished)
    assert (said.code, said.out) == (2, "")
    assert "'rentals' and 'flowers':\n  objective: rmse (minimize) -> log_loss (minimize)\n  data: " in said.err


def test_compare_writes_csv_that_a_reader_reads(call: Call, finished: Path) -> None:
    said = call("compare", "rentals", "--format", "csv", "--store", finished)
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert rows[0].keys() == {"row", "group", "rentals #0", "rentals #3", "differs"}
    assert next(row for row in rows if row["row"] == "neurons_2")["rentals #0"] == ""


def test_compare_writes_markdown(call: Call, finished: Path) -> None:
    header, rule, *rows = call("compare", "rentals", "--format", "md", "--store", finished).out.splitlines()
    assert header.startswith("| | rentals #0 ★ |") or header.startswith("|  | rentals #0 ★ |")
    assert {line.count("|") for line in (header, rule, *(row for row in rows if row.startswith("|")))} == {5}


def test_compare_writes_one_page_that_loads_nothing(call: Call, finished: Path) -> None:
    said = call("compare", "rentals", "--format", "html", "--store", finished)
    tags = Tags()
    tags.feed(said.out)
    assert {"html", "table"} <= tags.names
    assert not tags.names & {"script", "link", "img", "iframe"}


def test_compare_as_json_keeps_its_keys(call: Call, finished: Path) -> None:
    told = call("compare", "rentals", "--format", "json", "--store", finished).json()
    assert list(told) == ["columns", "best", "differing", "notes", "rows", "entries", "legend"]
    assert told == call("compare", "rentals", "--json", "--store", finished).json()


@pytest.mark.parametrize("verb", ["show", "best", "compare", "ui"])
def test_an_unknown_study_is_told_with_the_nearest(call: Call, finished: Path, verb: str) -> None:
    said = call(verb, "rental", "--store", finished)
    assert (said.code, said.out if verb != "ui" else "") == (2, "")
    assert said.err.count("\n") == 1
    assert "no study 'rental'" in said.err
    assert "did you mean 'rentals'?" in said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "Missing argument 'STUDY.yaml'"),
        (["run", "no.yaml"], "no.yaml: there is no file "),
        (["rnu", "no.yaml"], "Did you mean 'run'?"),
        (["run", "x.yaml", "--trails", "3"], "--trials"),
        (["run", "x.yaml", "--trials", "0"], "'0' is out of bounds; give a number of at least 1"),
        (["run", "x.yaml", "--trials", "3", "--more", "2"], "not both"),
        (["show"], "Missing argument 'STUDY'"),
        (["init", "x.csv"], "Missing option '--target'"),
        (["init", "x.csv", "--target", "y"], "no file"),
        (["compare", "a", "--format", "xml"], "'table', 'md', 'csv', 'html', 'json'"),
    ],
)
def test_a_mistake_in_the_call_is_told_without_a_traceback(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    said = call(*arguments)
    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--timeout", "5parsecs"), "'5parsecs' is no duration"),
        (("--workers", "some"), "'some' is no number of workers"),
    ],
)
def test_an_option_that_cannot_be_read_is_named(
    call: Call, tmp_path: Path, option: tuple[str, str], message: str
) -> None:
    said = call("run", write_study(tmp_path, FLOWERS), *option, "--store", tmp_path / "store")
    assert said.code == 2
    assert f"hpsearch: {option[0]}: {message}" in said.err


def test_every_fault_of_a_study_file_is_told_with_its_line(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("data:\n  sklearn: irises\nspace:\n  learning_rat: 0.1\nsearch:\n  trials: many\n")
    said = call("run", path)
    assert (said.code, said.out) == (2, "")
    lines = said.err.splitlines()
    assert [line.removeprefix(f"{path}:").split(":")[0] for line in lines] == ["2", "4", "6"]
    assert "did you mean 'learning_rate'?" in lines[1]


@pytest.mark.parametrize(
    "name", ["../up", "a/b", "a b", "", ".hidden", "-rf", "$(touch x)", "<script>", "x" * 101, "ü"]
)
def test_a_study_name_that_is_no_slug_is_refused(call: Call, tmp_path: Path, name: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(json.dumps(FLOWERS | {"name": name}))
    said = call("run", path, "--store", tmp_path / "store")
    assert (said.code, said.out) == (2, "")
    assert "is no study name" in said.err
    assert [entry.name for entry in tmp_path.iterdir()] == ["study.yaml"]


def test_no_completed_trial_ends_with_3(call: Call, tmp_path: Path, store: Path) -> None:
    write_rentals(tmp_path / "rentals.csv")
    space = {"hidden_layers": 0, "optimizer": "sgd", "learning_rate": 100.0, "batch_size": 8, "epochs": 5}
    path = write_study(tmp_path, RENTALS | {"space": space, "search": {"trials": 1, "workers": "inline"}})
    said = call("run", path, "--store", store)
    assert said.code == 3
    assert re.search(r"^hpsearch: no trial of 'rentals' completed: diverged at epoch \d \(1 trial\)", said.err)
    assert re.search(r"^\[1/1\] trial 0: failed \(diverged at epoch \d\)", said.out, re.M)
    assert call("best", "rentals", "--store", store).code == 3
    assert call("compare", "rentals", "--store", store).code == 3
    assert "1 failed" in call("show", "rentals", "--store", store).out


def test_a_launch_prints_a_line_a_trial_a_table_and_where_to_look(call: Call, tmp_path: Path, store: Path) -> None:
    path = write_study(tmp_path, FLOWERS)
    said = call("run", path, "--workers", "inline", "--store", store)
    assert (said.code, said.err) == (0, "")
    assert not NOISE.search(said.out)
    assert re.search(r"^study 'flowers': minimize val_log_loss in 2 trials; 1 worker$", said.out, re.M)
    assert re.search(
        r"^\[1/2\] trial 0: completed log_loss [\d.]+, [\d.]+ s \| 4 relu, adam, .*\(best so far\)$", said.out, re.M
    )
    assert re.search(r"^2 of 2 trials done: 2 completed$", said.out, re.M)
    assert re.search(
        r"then open +http://127.0.0.1:5000/#/experiments/\d+/runs\?workflowType=machine_learning", said.out
    )
    again = call("run", path, "--workers", "inline", "--store", store)
    assert "study 'flowers': all 2 trials are done; add some with --more" in again.out


def test_quiet_prints_the_result_alone_and_json_is_all_there_is(call: Call, tmp_path: Path, store: Path) -> None:
    path = write_study(tmp_path, FLOWERS)
    quiet = call("run", path, "--quiet", "--workers", "inline", "--store", store)
    assert (quiet.code, quiet.err) == (0, "")
    assert quiet.out.startswith("\n2 of 2 trials done") or quiet.out.startswith("2 of 2 trials done")
    assert "[1/2]" not in quiet.out
    told = call("run", path, "--json", "--more", "1", "--workers", "inline", "--store", store)
    assert (told.code, told.err) == (0, "")
    assert told.json()["done"] == hpsearch.load("flowers", store=store).done()


def test_a_changed_study_file_is_refused_with_its_fields(call: Call, finished: Path, rentals_csv: Path) -> None:
    changed = RENTALS | {"search": RENTALS["search"] | {"seed": 3}, "prepare": {"numeric": "minmax"}}
    path = write_study(rentals_csv.parent, changed)
    said = call("run", path, "--store", finished)
    assert (said.code, said.out) == (2, "")
    assert "  search.seed: 0 -> 3\n" in said.err
    assert "  prepare.numeric: 'standard' -> 'minmax'\n" in said.err


def test_eda_prints_warnings_and_names_the_page(call: Call, tmp_path: Path) -> None:
    write_rentals(tmp_path / "rentals.csv")
    said = call("eda", write_study(tmp_path, RENTALS), "--store", tmp_path / "store")
    assert (said.code, said.err) == (0, "")
    assert not NOISE.search(said.out)
    page = tmp_path / "store" / "eda" / "rentals" / "index.html"
    assert f"the whole picture: {page}" in said.out
    assert page.exists()
    assert "90 rows" in said.out


def test_eda_as_json_is_json(call: Call, tmp_path: Path) -> None:
    write_rentals(tmp_path / "rentals.csv")
    told = call("eda", write_study(tmp_path, RENTALS), "--json", "--store", tmp_path / "store").json()
    assert {"rows", "columns", "warnings", "target"} <= set(told)


def test_check_says_how_long_it_will_take(call: Call, tmp_path: Path) -> None:
    said = call("check", write_study(tmp_path, FLOWERS), "--store", tmp_path / "store")
    assert (said.code, said.err) == (0, "")
    assert not NOISE.search(said.out)
    assert "study 'flowers' is fine: multiclass, objective log_loss" in said.out
    assert re.search(r"2 trials on \d+ workers?: at most about [\d.]+ s, less with pruning", said.out)


def test_check_as_json_keeps_its_keys(call: Call, tmp_path: Path) -> None:
    told = call("check", write_study(tmp_path, FLOWERS), "--json", "--store", tmp_path / "store").json()
    assert list(told) == [
        "study", "task", "objective", "rows", "inputs", "configurations", "trials", "workers", "step_seconds",
        "estimated_seconds", "notes", "warnings", "read", "store",
    ]  # fmt: skip


def test_the_program_answers_by_both_of_its_names() -> None:
    module = subprocess.run([sys.executable, "-m", "hpsearch", "--version"], capture_output=True, text=True, check=True)
    assert module.stdout == program("--version").out == f"{hpsearch.__version__}\n"
    said = program("--help")
    assert (said.code, said.err) == (0, "")
    verbs = re.findall(r"^  ([a-z-]+)  +\S", said.out.split("Commands:")[1], re.M)
    assert verbs == [
        "init", "check", "schema", "space", "eda", "run", "verify", "list", "show", "best", "compare", "report",
        "predict", "serve", "promote", "export", "ui", "doctor", "import-keras-tuner",
    ]  # fmt: skip
    assert "..." not in said.out.split("Commands:")[1]


@pytest.mark.parametrize("reads", [0, 10])
def test_a_reader_that_goes_away_is_no_fault(finished: Path, reads: int) -> None:
    with subprocess.Popen(
        [Path(sys.executable).with_name("hpsearch"), "show", "rentals", "--json", "--store", finished],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as command:  # fmt: skip
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.read(reads)
        command.stdout.close()
        errors = command.stderr.read()
    assert (command.returncode, errors) == (0, b"")


class Tags(HTMLParser):
    """Collects the names of a page's tags."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[Any]) -> None:
        self.names.add(tag)


@pytest.mark.parametrize(("quiet", "as_json"), [(True, False), (False, True), (False, False)])
def test_who_sees_no_display_is_told_of_mlflows_trouble_where_it_is_in_no_ones_way(
    finished: Path, capsys: pytest.CaptureFixture[str], quiet: bool, as_json: bool
) -> None:
    result = replace(hpsearch.load("flowers", store=finished), trouble="no answer within 5 s")
    _told(result, quiet=quiet, as_json=as_json)
    out, err = capsys.readouterr()
    shown = (
        ""
        if not (quiet or as_json)
        else "MLflow could not be written (no answer within 5 s); the next launch writes it\n"
    )
    assert err == shown
    if as_json:
        assert json.loads(out)["trouble"] == "no answer within 5 s"
