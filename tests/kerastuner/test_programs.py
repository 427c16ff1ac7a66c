"""A program written for keras-tuner runs as it is, but for its import."""

from pathlib import Path

import pytest

from .programs import OURS, PROGRAMS, THEIRS, run_program


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_the_same_under_either_import(
    name: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HPSEARCH_STORE", str(store))
    found = []
    for folder, line in (("theirs", THEIRS), ("ours", OURS)):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        found.append(run_program(line, PROGRAMS[name]))
    assert found[1] == found[0]
