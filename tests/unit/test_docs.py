"""The documents name what is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMED = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py)`\*{0,2},\s+\*{0,2}`(?!\w+\.py)([A-Za-z_.]+)`")
"""A file and a name in it: `search/book.py`, `Book.add`."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_module_that_is_named_exists(document: Path) -> None:
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", document.read_text())
    assert [name for name in named if not any((folder / name).is_file() for folder in (ROOT, ROOT / "hpsearch"))] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_function_that_is_named_with_its_file_is_in_it(document: Path) -> None:
    named = {pair for pair in NAMED.findall(document.read_text()) if (ROOT / "hpsearch" / pair[0]).is_file()}
    assert [(file, name) for file, name in sorted(named) if name not in names_in(ROOT / "hpsearch" / file)] == []


def test_the_tour_names_a_function_at_each_of_its_stops() -> None:
    assert len(NAMED.findall((ROOT / "docs" / "tour.md").read_text())) > 30


def names_in(file: Path) -> set[str]:
    """Return the functions and classes of a module, and methods as `Class.method`."""
    found: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{child.name}" for child in node.body if isinstance(child, ast.FunctionDef)}
    return found


def test_every_test_that_a_promise_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "reliability.md").read_text())
    assert len(named) > 150
    assert [f"{file}::{name}" for file, name in sorted(set(named)) if name not in names_in(ROOT / file)] == []
