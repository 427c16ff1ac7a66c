"""What the project says of itself: versions, commands, and nothing that binds it to one place."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
REQUIREMENTS = {
    requirement.name: requirement
    for requirement in map(
        Requirement, [*PROJECT["dependencies"], *(text for texts in EXTRAS.values() for text in texts)]
    )
    if not (requirement.name == "tensorflow" and requirement.extras)
}
PINS = {
    canonicalize_name(name): Version(version)
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if not line.startswith("#")
    for name, _, version in [line.partition("==")]
}
BEYOND = [  # the floors are what security asks for; MLflow's next major is not tried yet
    ("keras", "3.15.0"),
    ("mlflow", "3.16.1"),
    ("mlflow", "4.0.0"),
    ("tensorflow", "2.20.0"),
]


@pytest.mark.parametrize(("name", "version"), BEYOND)
def test_a_version_below_its_floor_or_above_its_cap_is_not_accepted(name: str, version: str) -> None:
    assert not REQUIREMENTS[name].specifier.contains(version)


@pytest.mark.parametrize("name", [requirement.split(">=")[0] for requirement in PROJECT["dependencies"]])
def test_everything_a_study_needs_has_a_floor(name: str) -> None:
    assert any(part.operator == ">=" for part in REQUIREMENTS[name].specifier)


@pytest.mark.parametrize("name", [name for name in REQUIREMENTS if name != "hpsearch"])
def test_the_pinned_set_is_one_that_the_project_accepts(name: str) -> None:
    assert REQUIREMENTS[name].specifier.contains(PINS[canonicalize_name(name)])


def test_the_pinned_set_is_names_and_versions_alone() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in lines)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def test_no_tracked_file_names_a_registry_host_or_an_index(tracked: list[Path]) -> None:
    hosts = ["pypi" + ".org", "python" + "hosted.org", "ana" + "conda.org", "npm" + "js.org", "index" + "-url"]
    named = re.compile("|".join(map(re.escape, hosts)).encode())
    assert [path.name for path in tracked if path.is_file() and named.search(path.read_bytes())] == []


def test_no_tracked_file_was_made_by_a_study(tracked: list[Path]) -> None:
    kept = {path.relative_to(ROOT).as_posix() for path in tracked if path.is_relative_to(ROOT / "mlruns")}
    assert kept == {"mlruns/.gitignore", "mlruns/README.md"}


def test_the_readme_has_one_command_to_run_a_study_and_one_to_test() -> None:
    run, test = readme_commands()
    assert run[-1].startswith("hpsearch run studies/")
    assert test[-1].startswith("pytest")


def test_the_readme_runs_a_study_that_ships() -> None:
    study = readme_commands()[0][-1].split()[2]
    assert (ROOT / study).is_file()


def test_what_passes_a_change_is_what_the_readme_says() -> None:
    passes = {plain(line) for line in (ROOT / ".ci" / "run").read_text().splitlines()}
    assert set(readme_commands()[1]) <= passes


def readme_commands() -> list[list[str]]:
    """Return the README's lines that install the project, each as the commands that `&&` joins."""
    lines = (line.strip() for line in (ROOT / "README.md").read_text().splitlines())
    found = [line for line in lines if "pip install -e" in line and "&&" in line]
    return [[plain(part) for part in line.split("&&") if " venv " not in part] for line in found]


def plain(command: str) -> str:
    """Return a command without what only places, pins or silences it."""
    for extra in (".venv/bin/", "python3 -m ", "-c constraints.txt ", "--quiet ", "step "):
        command = command.replace(extra, "")
    return command.strip()
