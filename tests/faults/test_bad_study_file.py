"""What a person reads who gets a study file, a path, a number or a name wrong: whole messages, and the exit code 2."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hpsearch import cli
from hpsearch.search.samplers import grid
from hpsearch.search.settings import warnings_of
from hpsearch.spec import load_spec, make_spec
from hpsearch.tracking.server import HOST, free_port

from .bad_study_files import FILES, IRIS


class Said(NamedTuple):
    code: object
    out: str
    err: str


Call = Callable[..., Said]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Run the command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def called(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["hpsearch", *arguments])
        with (
            redirect_stdout(io.StringIO()) as out,
            redirect_stderr(io.StringIO()) as err,
            pytest.raises(SystemExit) as end,
        ):
            cli.main()
        return Said(end.value.code, out.getvalue(), err.getvalue())

    return called


@pytest.mark.parametrize(
    ("content", "lines"), [pytest.param(*case, id=f"row {row}: {case[0][:60]!r}") for row, *case in FILES]
)
def test_a_bad_study_file_ends_with_2_and_these_words(call: Call, content: str | bytes, lines: list[str]) -> None:
    Path("s.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    said = call("space", "s.yaml")
    assert said.err == "".join(f"s.yaml:{line}\n" for line in lines)
    assert (said.code, said.out, [path.name for path in Path().iterdir()]) == (2, "", ["s.yaml"])


def test_a_file_of_a_hundred_megabytes_is_refused_unread(call: Call) -> None:
    with Path("s.yaml").open("wb") as file:
        file.truncate(100_000_000)
    size = "the file has 100,000,000 bytes; a study file has at most 1,000,000; name another file"
    assert call("space", "s.yaml") == (2, "", f"s.yaml: {size}\n")


TIMEOUT = "is no duration; write a number of seconds or 30s, 10min, 1.5h; see hpsearch run --help"
WORKERS = "is no number of workers; give auto, inline or a number from 1 to 1024; see hpsearch run --help"
SCHEMES = (
    "http://, https://, databricks://, databricks-uc://, uc://, sqlite://, postgresql://, mysql://, mssql://, file://"
)

CALLS: list[tuple[str, list[str], str]] = [
    # 18: counts and times
    ("18", ["run", "s.yaml", "--trials", "0"],
     "--trials: '0' is out of bounds; give a number of at least 1; see hpsearch run --help"),
    ("18", ["run", "s.yaml", "--timeout", "0"], f"--timeout: 0.0 {TIMEOUT}"),
    ("18", ["run", "s.yaml", "--timeout", "-1min"], f"--timeout: '-1min' {TIMEOUT}"),
    ("18", ["run", "s.yaml", "--workers", "0"], f"--workers: 0 {WORKERS}"),
    ("18", ["run", "s.yaml", "--workers", "-1"], f"--workers: '-1' {WORKERS}"),
    ("18", ["run", "s.yaml", "--workers", "99999999999"], f"--workers: '99999999999' {WORKERS}"),
    # 20: names of studies
    *(("20", ["show", given], f"no study {shown} in {{cwd}}/mlruns; there is none yet, start one with hpsearch run")
      for given, shown in [("a/b", "'a/b'"), ("..", "'..'"), ("a\nb", "'a\\nb'"), ("x" * 600, f"'{'x' * 56}..."),
                           ("<script>", "'<script>'"), ("\x1b[31m", "'\\x1b[31m'")]),
    # 46: calls that cannot be understood
    ("46", ["run", "s.yaml", "--trials", "many"],
     "--trials: 'many' is not a whole number; write one; see hpsearch run --help"),
    ("46", ["run", "s.yaml", "--trials", "9" * 5000],
     f"--trials: '{'9' * 56}... is not a whole number; write one; see hpsearch run --help"),
    ("46", ["run", "s.yaml", "--timeout", "\u00b2"], f"--timeout: '\u00b2' {TIMEOUT}"),
    ("46", ["run", "s.yaml", "--workers", "\u00b2"], f"--workers: '\u00b2' {WORKERS}"),
    ("46", ["serve", "s", "--port", "70000"],
     "--port: '70000' is out of bounds; give a number of at most 65,535; see hpsearch serve --help"),
    ("46", ["compare", "a", "--format", "xml"],
     "--format: 'xml' is not one of 'table', 'md', 'csv', 'html', 'json'; see hpsearch compare --help"),
    ("46", ["run"], "Missing argument 'STUDY.yaml'; see hpsearch run --help"),
    ("46", ["run", "s.yaml", "t.yaml"], "Got unexpected extra argument(s) (t.yaml); see hpsearch run --help"),
    ("46", ["run", "s.yaml", "--trails", "3"],
     "No such option: --trails (Possible options: --trials); see hpsearch run --help"),
    ("46", ["rnu", "s.yaml"], "No such command 'rnu'. Did you mean 'run'?; see hpsearch --help"),
    ("46", ["run", "s.yaml", "--trials", "3", "--more", "2"],
     "give --trials (in all) or --more (beyond those done), not both; see hpsearch run --help"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "line"), [pytest.param(*case, id=f"row {row}: {' '.join(case[0])[:60]!r}") for row, *case in CALLS]
)
def test_a_bad_call_ends_with_2_and_one_line(call: Call, tmp_path: Path, arguments: list[str], line: str) -> None:
    Path("s.yaml").write_text(IRIS)
    assert call(*arguments) == (2, "", f"hpsearch: {line.replace('{cwd}', str(tmp_path))}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["s.yaml"]


PATHS: list[tuple[str, str]] = [
    ("no.yaml", "there is no file {cwd}/no.yaml; name a study file, there are: bike.yaml"),
    ("bkie.yaml", "there is no file {cwd}/bkie.yaml; name a study file, did you mean 'bike.yaml'?"),
    ("folder", "{cwd}/folder is a folder; name a study file in it"),
    ("folder/../no.yaml", "there is no file {cwd}/folder/../no.yaml; name a study file, there are: bike.yaml"),
    ("bike.yaml/s.yaml", "there is no file {cwd}/bike.yaml/s.yaml; name a study file"),
    ("dangling", "there is no file {cwd}/dangling; name a study file, there are: bike.yaml"),
    ("loop", "there is no file {cwd}/loop; name a study file, there are: bike.yaml"),
    ("~/s.yaml", "there is no file {cwd}/~/s.yaml; name a study file"),
    ("$UNSET.yaml", "there is no file {cwd}/$UNSET.yaml; name a study file, there are: bike.yaml"),
    ("pipe", "{cwd}/pipe is a device or a pipe; name a study file"),
    ("/dev/zero", "/dev/zero is a device or a pipe; name a study file"),
    ("https://x.org/s.yaml", "this is an address; download the study file and name it"),
    ("x" * 600, "cannot be read: File name too long; name a study file that user {user} may read"),
    ("\x1b[2J.yaml", "there is no file {cwd}/\\x1b[2J.yaml; name a study file, there are: bike.yaml"),
]


@pytest.fixture
def odd_paths(tmp_path: Path) -> None:
    """Put into the folder what is no study file."""
    (tmp_path / "bike.yaml").write_text(IRIS)
    (tmp_path / "rows.csv").write_text("a,y\n1,2\n3,4\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")


@pytest.mark.parametrize(("path", "line"), PATHS)
def test_a_path_that_leads_to_no_study_file_is_told_whole(
    call: Call, tmp_path: Path, odd_paths: None, path: str, line: str
) -> None:
    shown = path.replace("//", "/").replace("\x1b", "\\x1b")
    expected = line.replace("{cwd}", str(tmp_path)).replace("{user}", str(os.getuid()))
    assert call("space", path) == (2, "", f"{shown}: {expected}\n")


RELATIVE = "the path is relative to the study file"
DATA: list[tuple[str, str]] = [
    ("row.csv", f"no file {{cwd}}/row.csv; {RELATIVE}; did you mean 'rows.csv'?"),
    ("folder/..", "{cwd} is a folder; name a file in it"),
    ("dangling", f"no file {{cwd}}/nowhere; {RELATIVE}; files there: bike.yaml, rows.csv, s.yaml"),
    ("loop", "'loop' leads to no file (Symlink loop from '{cwd}/loop'); give the path of a file"),
    ("~/hpsearch/none.csv", f"no file {{home}}/hpsearch/none.csv; {RELATIVE}"),
    (
        "~no-such-user/a.csv",
        "'~no-such-user/a.csv' leads to no file (Could not determine home directory); give the path of a file",
    ),
    ("$UNSET/a.csv", f"no file {{cwd}}/$UNSET/a.csv; {RELATIVE}, and $ stands for itself in it"),
    ("pipe", "{cwd}/pipe is a device or a pipe; name a file"),
    ("x" * 300, f"'{'x' * 56}... leads to no file (File name too long); give the path of a file"),
]


@pytest.mark.parametrize(("path", "line"), DATA)
def test_a_path_that_leads_to_no_data_is_told_resolved(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd_paths: None, path: str, line: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    Path("s.yaml").write_text(f"data: {{csv: {path}, target: y}}")
    expected = line.replace("{cwd}", str(tmp_path)).replace("{home}", str(tmp_path / "home"))
    assert call("check", "s.yaml") == (2, "", f"hpsearch: {path}: field 'data.csv': {expected}\n")


@pytest.mark.parametrize("path", ["../rows.csv", "link.csv", "~/rows.csv"])
def test_data_outside_the_studys_folder_may_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd_paths: None, path: str
) -> None:
    from hpsearch.data.sources import read_table

    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "folder" / "link.csv").symlink_to("../rows.csv")
    (tmp_path / "folder" / "s.yaml").write_text(f"data: {{csv: {path}, target: y}}")
    spec = load_spec(tmp_path / "folder" / "s.yaml")
    assert read_table(spec.data, spec.folder).shape == (2, 2)


GOOD: list[tuple[str, str | bytes, dict[str, Any]]] = [
    ("1", IRIS + "space: {learning_rate: 1e-3}", {"space": {"learning_rate": 0.001}}),
    ("2", "data: {sklearn: iris, na_values: [no, On, yes, off, n]}",
     {"data": {"sklearn": "iris", "na_values": ["no", "On", "yes", "off", "n"]}}),
    ("5", b"\xef\xbb\xbf" + IRIS.encode(), {}),
    ("5", IRIS.replace("\n", "\r\n") + "name: x\r\n", {"name": "x"}),
    ("5", IRIS + 'description: "\\ud83d\\ude00"', {"description": "\U0001f600"}),
    ("9", IRIS + "space: {epochs: 5.0}\nsearch: {trials: 1e3}", {"space": {"epochs": 5}, "search": {"trials": 1000}}),
    ("12", IRIS + "space: {epochs: {low: 64, high: 64}}", {"space": {"epochs": {"low": 64, "high": 64, "log": False}}}),
    ("15", IRIS + "space: {hidden_layers: [0, 1], dropout: 0.1}", {"space": {"hidden_layers": [0, 1], "dropout": 0.1}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "read"), [pytest.param(*case, id=f"row {row}: {case[0]!r}") for row, *case in GOOD]
)
def test_what_only_looks_bad_is_read_as_it_is_meant(tmp_path: Path, content: str | bytes, read: dict[str, Any]) -> None:
    (tmp_path / "s.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    spec = load_spec(tmp_path / "s.yaml").model_dump(mode="json", exclude_defaults=True)
    assert spec == {"name": "s", "data": {"sklearn": "iris"}} | read


def test_the_space_is_printed_as_it_was_read(call: Call) -> None:
    Path("s.yaml").write_text(IRIS + "space: {learning_rate: {low: 1e-3, high: 1E-1, log: true}, dropout: .25}")
    said = call("space", "s.yaml")
    assert (said.code, said.err) == (0, "")
    ranges = {words[0]: words[1:3] for words in (line.split() for line in said.out.splitlines()) if len(words) > 2}
    assert ranges["dropout"][0] == "0.25"
    assert ranges["training"] == ["learning_rate", "0.001..0.1,"]


def study(space: dict[str, Any], **search: Any) -> Any:
    return make_spec({"data": {"sklearn": "iris"}, "space": space, "search": search})


SMALL = {"hidden_layers": 0, "optimizer": "adam", "batch_size": 8, "epochs": 5}
CORES = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("spec", "workers", "told"),
    [
        (study(SMALL | {"learning_rate": [0.1, 0.01]}, sampler="grid"), "auto",
         ["the grid has 2 configurations; the search ends with the last, before 50 trials"]),
        (study(SMALL | {"learning_rate": {"low": 1, "high": 2, "step": 1e-9, "log": False}}, sampler="grid"), "auto",
         ["the grid has 1,000,000,001 configurations; 50 trials try so many of them, spread evenly"]),
        (study({}), 1000, [f"1,000 workers on {CORES} core{'s' if CORES != 1 else ''} take turns, each with 0.7 GB of "
                           f"memory; workers: auto starts {CORES}"]),
        (study({}), 2 * CORES, []),
        (study({}), "inline", []),
    ],
)  # fmt: skip
def test_a_grid_or_workers_that_do_not_fit_are_told_with_their_counts(
    spec: Any, workers: int | str, told: list[str]
) -> None:
    assert warnings_of(spec, spec.space.build(), 50, workers) == told


def test_a_grid_of_a_billion_points_is_walked_without_being_written_out() -> None:
    spec = study(SMALL | {"learning_rate": {"low": 1, "high": 2, "step": 1e-9, "log": False}})
    first = list(islice(grid(spec.space.build(), 0), 50))
    assert len({configuration["learning_rate"] for configuration in first}) == 50


def test_an_address_that_mlflow_does_not_read_is_told_without_its_password(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "htps://me:S3CRET-word@host/x")
    Path("s.yaml").write_text(IRIS)
    said = call("run", "s.yaml")
    found = "hpsearch: MLFLOW_TRACKING_URI is 'htps://***@host/x', which MLflow does not read"
    assert said == (2, "", f"{found}; it takes {SCHEMES}; set it to such an address, or unset it\n")
    assert not Path("mlruns/studies").exists()


def test_a_port_in_use_gives_way_to_a_free_one() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) not in (0, port)


@pytest.mark.parametrize(
    ("arguments", "text", "printed"),
    [
        (["run", "s.yaml"], "data: {sklearn: irs}",
         "s.yaml:1:8: field 'data.sklearn': 'irs' is not allowed; sklearn takes diabetes, breast_cancer, wine, digits, "
         "iris; did you mean 'iris'?\n"),
        (["run", "s.yaml", "--trials", "x"], IRIS,
         "hpsearch: --trials: 'x' is not a whole number; write one; see hpsearch run --help\n"),
    ],
)  # fmt: skip
def test_the_real_command_says_the_same(tmp_path: Path, arguments: list[str], text: str, printed: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    command = [str(Path(sys.executable).with_name("hpsearch")), *arguments]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", printed)
