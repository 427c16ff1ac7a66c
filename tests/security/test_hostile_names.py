"""What a person can name is data everywhere: in the terminal, in pages, in CSV, in MLflow, in paths."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from hpsearch.cli.terminal import visible

from .conftest import Attacked, Said
from .hostile_study import CANARY, CLASSES, CLEAR, COLUMNS, FORMULA, IMAGE, SCRIPT

pytestmark = pytest.mark.xdist_group("security")

Call = Callable[..., Said]
COMMANDS = (
    ("list",), ("show", "hostile"), ("show", "hostile", "--json"), ("best", "hostile"), ("best", "hostile", "--json"),
    ("compare", "hostile"), *(("compare", "hostile", "--format", f) for f in ("md", "csv", "html", "json")),
)  # fmt: skip


class Reader(HTMLParser):
    """A page as a browser takes it apart."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        else:
            self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def assert_harmless(page: Reader) -> None:
    """Nothing that runs comes from data, nothing is loaded, and the browser is told to run and load nothing else."""
    (policy,) = [
        str(a["content"])
        for tag, a in page.elements
        if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.partition("script-src")[2]
    assert {"iframe", "object", "embed", "base", "form", "link"}.isdisjoint(tag for tag, _ in page.elements)
    programs = [a for tag, a in page.elements if tag == "script" and a.get("type") != "application/json"]
    assert len(programs) <= policy.count("'sha256-")
    assert all("alert(" not in script for script in page.scripts if not script.lstrip().startswith(("{", "[")))
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("src", "href", "action", "srcset", "data"):
            value = attributes.get(name) or ""
            assert value.startswith(("data:image/png;base64,", "#", "./")) or not value, (tag, attributes)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_prints_what_a_terminal_would_obey(call: Call, attacked: Attacked, command: tuple[str, ...]) -> None:
    said = call(*command, "--store", attacked.store)
    assert said.code == 0, said.err
    assert visible(said.out) == said.out
    assert said.err == ""
    if "--json" in command or command[-1] == "json":
        json.loads(said.out)


def test_what_the_launch_printed_is_text(attacked: Attacked) -> None:
    assert visible(attacked.said) == attacked.said


def test_eda_shows_the_names_themselves_without_what_commands_a_terminal_or_a_browser(
    call: Call, attacked: Attacked, tmp_path: Path
) -> None:
    said = call("eda", attacked.study, "--output", tmp_path / "page.html", "--store", attacked.store)
    page = read((tmp_path / "page.html").read_text("utf-8"))
    assert_harmless(page)
    assert SCRIPT in page.text
    assert IMAGE in page.text
    assert (said.code, said.err) == (0, "")
    assert visible(said.out) == said.out
    for name in (SCRIPT, FORMULA, "../../x", "-rf", "{{7*7}}"):
        assert name in said.out


def test_json_escapes_what_it_may_not_show_and_still_says_it(call: Call, attacked: Attacked) -> None:
    said = call("show", "hostile", "--json", "--store", attacked.store)
    assert said.code == 0
    told = call("eda", attacked.study, "--json", "--store", attacked.store)
    names = [column["name"] for column in json.loads(told.out)["columns"]]
    assert f"{CLEAR}clear" in names
    assert visible(told.out) == told.out


def test_predictions_on_a_terminal_are_text(call: Call, attacked: Attacked, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    printed: list[bytes] = []
    reader = threading.Thread(target=read_until_closed, args=(ours, printed))
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        said = call("predict", "hostile", attacked.rows, "--keep", SCRIPT, "--store", attacked.store)
        assert sys.stdout.isatty()
    reader.join()
    os.close(ours)
    shown = b"".join(printed).decode()
    assert said.code == 0, said.err
    assert "\N{REPLACEMENT CHARACTER}[2J" in shown
    assert visible(shown.replace("\r\n", "\n")) == shown.replace("\r\n", "\n")


def read_until_closed(descriptor: int, parts: list[bytes]) -> None:
    with contextlib.suppress(OSError):  # how Linux says that the other side is closed
        while part := os.read(descriptor, 65536):
            parts.append(part)


@pytest.mark.parametrize("command", ["report", "compare"])
def test_a_page_runs_and_loads_nothing_that_comes_from_data(
    call: Call, attacked: Attacked, tmp_path: Path, command: str
) -> None:
    path = tmp_path / "page.html"
    if command == "report":
        said = call("report", "hostile", "-o", path, "--store", attacked.store)
    else:
        said = call("compare", "hostile", "--format", "html", "--store", attacked.store)
        path.write_text(said.out)
    assert said.code == 0, said.err
    page = read(path.read_text("utf-8"))
    assert_harmless(page)
    if command != "compare":
        assert SCRIPT in page.text
        assert IMAGE in page.text


def test_the_page_check_sees_what_it_is_to_see() -> None:
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
    for bad in (
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='https://x'>",
        "<iframe>",
        "<b onclick=a>",
    ):
        with pytest.raises(AssertionError):
            assert_harmless(read(policy + bad))
    with pytest.raises(ValueError, match="not enough values"):
        assert_harmless(read("<p>no policy</p>"))


def test_a_spreadsheet_is_given_no_formula_and_every_number_as_it_is(
    call: Call, attacked: Attacked, tmp_path: Path
) -> None:
    kept = [word for name in (FORMULA, "-rf", SCRIPT) for word in ("--keep", name)]
    for raw in ((), ("--raw",)):
        said = call(
            "predict", "hostile", attacked.rows, "-o", tmp_path / "out.csv", *kept, *raw, "--store", attacked.store
        )
        assert said.code == 0, said.err
        table = list(csv.reader(io.StringIO((tmp_path / "out.csv").read_text("utf-8"))))
        cells = [cell for row in table for cell in row]
        formulas = [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert (not formulas) is (raw == ())
        assert {float(row[-1]) >= 0 for row in table[1:]} == {True}
    assert FORMULA in table[0]


def test_an_exports_own_script_gives_a_spreadsheet_no_formula(call: Call, attacked: Attacked, tmp_path: Path) -> None:
    assert call("export", "hostile", tmp_path / "export", "--store", attacked.store).code == 0
    (tmp_path / "export" / "pandas.py").write_text(f"open({CANARY!r}, 'w')")
    done = subprocess.run(
        [sys.executable, tmp_path / "export" / "predict.py", attacked.rows, tmp_path / "out.csv"], cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "pandas.py: added" in done.stderr
    assert not list(tmp_path.rglob(CANARY))
    (tmp_path / "export" / "pandas.py").unlink()
    done = subprocess.run(
        [sys.executable, tmp_path / "export" / "predict.py", attacked.rows, tmp_path / "out.csv"], cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cells = [cell for row in csv.reader((tmp_path / "out.csv").open()) for cell in row]
    assert f"'{FORMULA}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]
    readme = (tmp_path / "export" / "README.md").read_text()
    assert visible(readme) == readme
    assert "\n-rf" not in readme


def test_mlflow_holds_the_study_under_keys_of_plain_letters(attacked: Attacked) -> None:
    client = mlflow_client(attacked)
    experiment = client.get_experiment_by_name("hostile")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 3
    for run in runs:
        for key in (*run.data.metrics, *run.data.params, *run.data.tags):
            assert re.fullmatch(r"[\w./-]+", key), key
        for artifact in client.list_artifacts(run.info.run_id):
            assert re.fullmatch(r"[\w./-]+", artifact.path), artifact.path
    columns = {name for run in runs for i in run.inputs.dataset_inputs for name in schema(i)}
    assert columns == set(COLUMNS)


def schema(given: Any) -> list[str]:
    return [column["name"] for column in json.loads(given.dataset.schema)["mlflow_colspec"]]


def mlflow_client(attacked: Attacked) -> Any:
    from hpsearch.tracking.silence import import_mlflow

    import_mlflow()
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{attacked.store}/mlflow.db")


def test_nothing_was_run_and_nothing_written_outside_the_store(attacked: Attacked) -> None:
    assert not [path for path in attacked.folder.parent.rglob(f"*{CANARY}*") if path != attacked.rows]
    beside = {path.name for path in attacked.folder.iterdir()}
    assert beside == {attacked.rows.name, "hostile.yaml", "store"}
    for path in attacked.store.rglob("*"):
        assert re.fullmatch(r"[\w.-]+", path.name), path
        assert not path.is_symlink()


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", SCRIPT, FORMULA, "two\nlines", "-rf", CLEAR, "x" * 10_000, "\N{PARTY POPPER}", "a/b", "."],
)
def test_a_hostile_study_name_is_refused_and_shown_as_text(
    call: Call, attacked: Attacked, tmp_path: Path, name: str
) -> None:
    text = attacked.study.read_text().replace("name: hostile", f"name: {json.dumps(name)}")
    (tmp_path / "study.yaml").write_text(text)
    said = call("run", tmp_path / "study.yaml", "--store", tmp_path / "store")
    assert said.code == 2
    assert "field 'name'" in said.err
    assert visible(said.err) == said.err
    assert not (tmp_path / "store").exists()
    asked = call("show", "--store", attacked.store, "--", name)
    assert asked.code == 2
    assert visible(asked.err) == asked.err
    assert len(asked.err) < 1000


def test_every_class_is_predicted_under_its_own_name(call: Call, attacked: Attacked) -> None:
    said = call("predict", "hostile", attacked.rows, "--raw", "--store", attacked.store)
    header = next(csv.reader(io.StringIO(said.out)))
    assert set(header) == {"prediction", *(f"probability_{name}" for name in CLASSES)}
