import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hpsearch.data.columns import infer_columns
from hpsearch.data.profile import profile_table
from hpsearch.errors import StoreError
from hpsearch.report.eda import eda_summary, render_eda, write_eda
from hpsearch.spec.sections import DataSection, PrepareSection

from .html_page import read_page
from .test_skrub_report import with_stand_in

BIKES = Path(__file__).parents[3] / "studies" / "data" / "bike_sharing.csv.gz"
ENDLESS = "x" * 10_000
NAMES = [
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(2)</script>",
    "javascript:alert(3)",
    "{{ 7 * 7 }}",
    ENDLESS,
]


def profile(frame, target, **section):
    columns = infer_columns(frame, DataSection(csv="table.csv", target=target, **section), PrepareSection())
    return profile_table(frame, columns)


@pytest.fixture(scope="module")
def bikes():
    return profile(pd.read_csv(BIKES).head(3000), "cnt")


@pytest.fixture(scope="module")
def hostile():
    rng = np.random.default_rng(0)
    table = {name: rng.normal(size=300) for name in NAMES}
    table["\x1b[31m\u202e"] = rng.choice(["</style><script>alert(4)</script>", "y" * 5000], 300)
    table["onload=alert(5)"] = np.arange(300)
    table[f"{ENDLESS} too"] = table[ENDLESS]
    table["<b>"] = rng.choice(["<i>no</i>", "yes"], 300)
    return profile(pd.DataFrame(table), "<b>")


def test_the_page_opens_with_the_warnings(bikes):
    text = read_page(render_eda(bikes, "bike")).text
    assert text.index("casual + registered = cnt") < text.index("Target: cnt") < text.index("weathersit")


def test_the_page_tells_of_every_column_its_numbers(bikes):
    page = read_page(render_eda(bikes, "bike"))
    words = page.text.split()
    for column in bikes.columns:
        assert column.name in words
        if column.quartiles and column.kind == "numeric":
            assert f"{column.quartiles[1]:.4g}" in words
    bars = sum(tag == "rect" for tag, _ in page.elements)
    assert bars == sum(len(column.histogram[0]) for column in bikes.columns if column.histogram)


def test_the_page_runs_and_loads_nothing_whatever_the_columns_are_called(hostile):
    page = read_page(render_eda(hostile, "</title><script>alert(0)</script>"))
    page.assert_harmless()
    assert NAMES[0] in page.text
    assert {tag for tag, _ in page.elements} >= {"svg", "img", "table"}
    assert "i" not in {tag for tag, _ in page.elements}


def test_no_name_is_shown_at_a_length_that_breaks_the_layout(hostile):
    html = render_eda(hostile, ENDLESS)
    assert "x" * 400 not in html
    assert "duplicate_columns" in html


def test_a_table_without_anything_to_say_makes_a_page_too():
    page = read_page(render_eda(profile(pd.DataFrame({"a": ["p", "q"] * 4, "y": [1.5, 2.5] * 4}), "y"), "tiny"))
    page.assert_harmless()
    assert "No cell is missing" in page.text


def test_a_wide_table_is_cut_and_the_cut_is_said():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 320)), columns=[f"c{i}" for i in range(320)])
    wide = profile(frame.assign(y=np.arange(40) % 2), "y")
    assert "20 columns more" in read_page(render_eda(wide, "wide")).text
    assert "20 columns more" in eda_summary(wide)


def test_dates_are_shown_as_days(bikes):
    assert "2011-01-01" in read_page(render_eda(bikes, "bike")).text


def test_the_file_is_written_with_its_folder_and_nothing_beside_it(bikes, tmp_path):
    path = tmp_path / "new" / "eda.html"
    assert write_eda(bikes, "bike", path) == path
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [file.name for file in path.parent.iterdir()] == ["eda.html"]


def test_a_file_that_cannot_be_written_is_named(bikes, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot write .*eda\.html"):
        write_eda(bikes, "bike", tmp_path / "file" / "eda.html")


def test_skrubs_page_is_linked_by_its_file_name(bikes, monkeypatch, tmp_path):
    with_stand_in(monkeypatch)
    write_eda(bikes, "bike", tmp_path / "my eda.html", frame=pd.DataFrame({"a": [1]}))
    page = read_page((tmp_path / "my eda.html").read_text())
    assert [attributes["href"] for tag, attributes in page.elements if tag == "a"] == ["./my%20eda-skrub.html"]
    assert (tmp_path / "my eda-skrub.html").exists()


def test_without_skrub_the_page_stands_and_says_how_to_install_it(bikes, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "skrub", None)
    write_eda(bikes, "bike", tmp_path / "eda.html", frame=pd.DataFrame({"a": [1]}))
    assert 'pip install "hpsearch[report]"' in read_page((tmp_path / "eda.html").read_text()).text


def test_the_summary_says_warnings_target_and_a_line_a_column(bikes):
    lines = eda_summary(bikes).splitlines()
    assert lines[2].startswith("! leak_sum: casual + registered = cnt")
    assert any(line.startswith("target cnt (regression): mean ") for line in lines)
    assert sum(line.startswith(tuple(column.name for column in bikes.columns)) for line in lines) == len(bikes.columns)


def test_the_summary_cannot_steer_a_terminal(hostile):
    assert all(line.isprintable() for line in eda_summary(hostile).splitlines())
    assert max(map(len, eda_summary(hostile).splitlines())) < 750
