"""Imports point down, and what should start at once loads nothing heavy."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
HEAVY = ("tensorflow", "keras", "mlflow", "optuna", "sklearn", "pandas", "numpy", "matplotlib", "scipy")
CARRIED = (
    "hpsearch.data.transform",
    "hpsearch.data.formula",
    "hpsearch.delivery.archive",
    "hpsearch.delivery.weights",
    "hpsearch.delivery.manifest",
    "hpsearch.training.quiet",
)


def test_every_contract_on_imports_is_kept() -> None:
    # In a process of its own: import-linter sets up logging for a whole program.
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    program = [sys.executable, "-c", code, "--no-cache", "--no-logo", "--config", str(PROJECT)]
    checked = subprocess.run(program, cwd=PROJECT.parent, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("module", ["hpsearch", "hpsearch.cli"])
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}").isdisjoint(HEAVY)


def test_reading_a_study_file_loads_no_library_of_the_field() -> None:
    study = PROJECT.parent / "studies" / "bike_demand_full.yaml"
    loaded = loaded_by(f"import hpsearch; hpsearch.load_spec({str(study)!r})")
    assert "hpsearch.spec" in loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("module", CARRIED)
def test_what_a_package_carries_loads_no_scikit_learn_and_no_mlflow(module: str) -> None:
    assert loaded_by(f"import {module}").isdisjoint({"sklearn", "mlflow", "optuna", "tensorflow", "hpsearch.errors"})


def loaded_by(code: str) -> set[str]:
    """Return the modules that a fresh interpreter holds after running the code."""
    program = [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"]
    return set(subprocess.run(program, check=True, capture_output=True, text=True).stdout.split())
