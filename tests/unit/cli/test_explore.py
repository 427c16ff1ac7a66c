from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hpsearch import cli
from hpsearch.spec import StudySpec


def output(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    monkeypatch.setattr(sys, "argv", ["hpsearch", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    return capsys.readouterr()


def test_the_schema_is_the_models_own(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads(output(monkeypatch, capsys, "schema")[0])
    assert schema.pop("$schema") == "https://json-schema.org/draft/2020-12/schema"
    assert schema == StudySpec.model_json_schema()


def test_the_space_as_json_has_ranges_that_a_study_file_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], study_file: str
) -> None:
    told = json.loads(output(monkeypatch, capsys, "space", study_file, "--json")[0])
    assert told["configurations"] == 2
    assert told["parameters"]["learning_rate"] == [0.1, 0.05]


def test_init_prints_the_file_it_wrote_and_what_to_do_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "größe,y\n" + "".join(f"{n * 7 % 13},{n * 5 % 17}.5\n" for n in range(40))
    (tmp_path / "rows.csv").write_text(text, encoding="utf-8")
    out, err = output(monkeypatch, capsys, "init", "rows.csv", "--target", "y")
    assert out == (tmp_path / "rows.yaml").read_text("utf-8")
    assert err == "\nwrote rows.yaml; try: hpsearch check rows.yaml\n"


def test_a_strict_check_ends_with_2_where_something_looks_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{n * 7 % 60},{n % 5},{3 * (n * 7 % 60)}\n" for n in range(60))
    (tmp_path / "leak.csv").write_text("copied,other,y\n" + rows)
    (tmp_path / "leak.yaml").write_text("data: {csv: leak.csv, target: y}\n")
    monkeypatch.setattr(sys, "argv", ["hpsearch", "check", "leak.yaml", "--strict"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "  ! 'copied' alone reproduces the target" in capsys.readouterr().out
    assert "  ! 'copied' alone" in output(monkeypatch, capsys, "check", "leak.yaml")[0]
