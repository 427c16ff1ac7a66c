"""What the project asks for, and what its own code may never do, read from its files."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SOURCES = sorted((ROOT / "hpsearch").rglob("*.py"))

FLOORS = {"mlflow": ("3.17", "4"), "keras": ("3.15.1", None), "tensorflow": ("2.21", None)}
"""Below them: CVE-2025-1550 and its kin in Keras, file reads and writes in MLflow's server."""

UNPICKLES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}


@pytest.mark.parametrize("name", FLOORS)
def test_libraries_with_known_holes_are_not_accepted(name: str) -> None:
    (found,) = [r for r in map(Requirement, PROJECT["dependencies"]) if r.name == name]
    floor, cap = FLOORS[name]
    lowest = [Version(part.version) for part in found.specifier if part.operator == ">="]
    assert lowest
    assert min(lowest) >= Version(floor)
    assert cap is None or not found.specifier.contains(cap)


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node


def faults(node: ast.AST) -> Iterator[str]:
    """Yield what a node does that nothing here may do."""
    if isinstance(node, ast.Import):
        yield from (f"imports {alias.name}" for alias in node.names if alias.name.partition(".")[0] in UNPICKLES)
    if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in UNPICKLES:
        yield f"imports {node.module}"
    if not isinstance(node, ast.Call):
        return
    called = ast.unparse(node.func)
    given = {word.arg: ast.unparse(word.value) for word in node.keywords}
    if given.get("shell", "False") != "False":
        yield "shell=True"
    if given.get("safe_mode", "True") != "True":
        yield "safe_mode off"
    if given.get("allow_pickle", "False") != "False":
        yield "allow_pickle on"
    if called in ("os.system", "os.popen", "eval", "exec", "pd.read_pickle", "pandas.read_pickle"):
        yield called
    if called == "yaml.load" and "SafeLoader" not in ast.unparse(node) and "Loader=_" not in ast.unparse(node):
        yield "yaml.load without a safe loader"
    if called in ("yaml.unsafe_load", "yaml.full_load", "yaml.load_all"):
        yield called
    if called.endswith("enable_unsafe_deserialization"):
        yield called


def test_nothing_unpickles_runs_a_shell_or_turns_a_safety_off() -> None:
    assert [f"{where}: {fault}" for where, node in nodes() for fault in faults(node)] == []


@pytest.mark.parametrize("line", [
    "import pickle", "from joblib import load", "run('x', shell=True)", "load_model(p, safe_mode=False)",
    "np.load(p, allow_pickle=True)", "yaml.load(t)", "yaml.load(t, Loader=yaml.Loader)", "yaml.unsafe_load(t)",
    "os.system('x')", "eval('x')", "pd.read_pickle(p)", "keras.config.enable_unsafe_deserialization()",
])  # fmt: skip
def test_the_search_finds_what_it_looks_for(line: str) -> None:
    assert [fault for node in ast.walk(ast.parse(line)) for fault in faults(node)]


def test_a_crash_shows_no_local_variables() -> None:
    from hpsearch.cli import app

    assert app.pretty_exceptions_show_locals is False
    assert app.pretty_exceptions_enable is False
