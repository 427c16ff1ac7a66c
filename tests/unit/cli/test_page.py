from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from hpsearch.cli.page import report
from hpsearch.errors import UnknownStudy

app = typer.Typer()
app.command()(report)


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_writes_the_page_and_says_where_it_is(finished: Path, tmp_path: Path, as_json: bool) -> None:
    page = tmp_path / "a page.html"
    arguments = ["flowers", "--store", str(finished), "-o", str(page), *(["--json"] if as_json else [])]
    said = CliRunner().invoke(app, arguments, catch_exceptions=False).output
    assert page.exists()
    if as_json:
        assert json.loads(said) == {"study": "flowers", "page": str(page), "bytes": page.stat().st_size}
    else:
        assert str(page) in said
        assert page.as_uri() in said


def test_a_study_that_is_not_there_is_an_error_with_its_reason(finished: Path) -> None:
    with pytest.raises(UnknownStudy, match="flowers"):
        CliRunner().invoke(app, ["flower", "--store", str(finished)], catch_exceptions=False)
