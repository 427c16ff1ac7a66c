"""`docs/study.schema.json` is what editors complete study files with."""

import json
from pathlib import Path

import pytest
import yaml

from hpsearch.cli.explore import schema

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "study.schema.json"
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))


def test_the_schema_file_is_what_hpsearch_schema_prints(capsys: pytest.CaptureFixture[str]) -> None:
    schema()
    assert FILE.read_text() == capsys.readouterr().out, "hpsearch schema > docs/study.schema.json"


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_a_study_that_ships_names_the_schema_file_in_its_first_line(study: Path) -> None:
    line = study.read_text().splitlines()[0]
    assert (study.parent / line.partition("$schema=")[2]).resolve() == FILE


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_the_schema_knows_every_section_of_a_study_that_ships(study: Path) -> None:
    known = json.loads(FILE.read_text())["properties"]
    assert set(yaml.safe_load(study.read_text())) <= set(known)
