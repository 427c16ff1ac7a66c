from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import yaml

from hpsearch.app.init import init
from hpsearch.data.prepared import load_table
from hpsearch.errors import DataError
from hpsearch.spec import load_spec


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(*columns: str) -> str:
    """A CSV text with these numeric columns and a target that no one of them gives away."""
    values = ([f"{(row * (7 + i)) % 13 + 0.5}" for i in range(len(columns))] for row in range(40))
    lines = [",".join([*columns, "y"]), *(",".join([*cells, f"{row * 5 % 17}.25"]) for row, cells in enumerate(values))]
    return "\n".join(lines) + "\n"


def test_the_file_it_writes_is_a_study_file_of_that_data(here: Path) -> None:
    (here / "rows.csv").write_text(rows("a", "b"))
    spec = load_spec(init("rows.csv", "y"))
    assert (spec.name, spec.data.target, spec.data.numeric) == ("rows", "y", ["a", "b"])


def test_the_data_path_is_relative_to_the_study_file(here: Path) -> None:
    (here / "in").mkdir()
    (here / "out").mkdir()
    (here / "in" / "rows.csv").write_text(rows("a"))
    path = init("in/rows.csv", "y", output="out/study.yaml")
    assert load_spec(path).data.csv == "../in/rows.csv"
    assert len(load_table(load_spec(path))[0]) == 40


def test_columns_that_give_the_target_away_are_dropped_and_named(here: Path) -> None:
    lines = rows("a").splitlines()
    leaky = [lines[0] + ",copy", *(f"{line},{float(line.split(',')[1]) * 2}" for line in lines[1:])]
    (here / "rows.csv").write_text("\n".join(leaky))
    path = init("rows.csv", "y")
    assert load_spec(path).data.drop == ["copy"]
    assert "'copy' alone reproduces the target" in path.read_text()


@pytest.mark.parametrize(
    "name",
    ["two words", "a: b", "# no", "'", '"', "\\", "null", "off", "12", "=cmd()", "größe", "\U0001f600", "[x", "\x7f"],
)
def test_any_column_name_comes_back_from_the_file(here: Path, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    (here / "rows.csv").write_text(rows(quoted), encoding="utf-8")
    assert load_spec(init("rows.csv", "y")).data.numeric == [name]


def test_a_line_break_in_the_name_of_a_date_adds_nothing_to_the_file(here: Path) -> None:
    lines = rows("a").splitlines()
    dated = ['"day\nname: evil",' + lines[0], *(f"2024-01-{n % 28 + 1:02d},{line}" for n, line in enumerate(lines[1:]))]
    (here / "rows.csv").write_text("\n".join(dated))
    assert yaml.safe_load(init("rows.csv", "y").read_text())["name"] == "rows"


def test_semicolons_decimal_commas_and_western_text_are_guessed(here: Path) -> None:
    text = "größe;y\n" + "".join(f"{n * 7 % 13},5;{n * 5 % 17},25\n" for n in range(40))
    (here / "rows.csv").write_bytes(text.encode("cp1252"))
    data = load_spec(init("rows.csv", "y")).data
    assert (data.separator, data.decimal, data.encoding, data.numeric) == (";", ",", "cp1252", ["größe"])


def test_a_packed_file_is_looked_into(here: Path) -> None:
    with gzip.open(here / "rows.csv.gz", "wt") as file:
        file.write(rows("a").replace(",", "\t"))
    spec = load_spec(init("rows.csv.gz", "y"))
    assert (spec.name, spec.data.separator) == ("rows", "\t")


def test_a_character_cut_by_the_end_of_the_glance_is_no_fault(here: Path) -> None:
    rows = "".join(f"ää{n % 5},{n * 5 % 17}.25\n" for n in range(9000))
    for shift in ("a", "aa"):
        (here / "rows.csv").write_text(f"{shift},y\n{rows}", encoding="utf-8")
        assert load_spec(init("rows.csv", "y", force=True)).data.encoding == "utf-8"


def test_a_file_that_exists_is_kept(here: Path) -> None:
    (here / "rows.csv").write_text(rows("a"))
    (here / "rows.yaml").write_text("mine")
    with pytest.raises(DataError, match=r"rows\.yaml exists; name another file with --output"):
        init("rows.csv", "y")
    assert (here / "rows.yaml").read_text() == "mine"


def test_a_file_that_exists_is_overwritten_by_force(here: Path) -> None:
    (here / "rows.csv").write_text(rows("a"))
    (here / "rows.yaml").write_text("mine")
    assert load_spec(init("rows.csv", "y", force=True)).data.target == "y"


def test_a_folder_that_is_missing_is_told(here: Path) -> None:
    (here / "rows.csv").write_text(rows("a"))
    with pytest.raises(DataError, match="cannot be written: No such file or directory; name another file"):
        init("rows.csv", "y", output="no/study.yaml")


def test_a_target_that_is_missing_is_told_with_the_nearest(here: Path) -> None:
    (here / "rows.csv").write_text(rows("height"))
    with pytest.raises(DataError, match="did you mean 'height'"):
        init("rows.csv", "heigth")


def test_a_file_that_is_missing_is_told(here: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*rows\.csv"):
        init("rows.csv", "y")


def test_a_file_whose_name_is_no_study_name_gets_one(here: Path) -> None:
    (here / "-- my (rows)!.csv").write_text(rows("a"))
    assert load_spec(init("-- my (rows)!.csv", "y")).name == "my-rows"
