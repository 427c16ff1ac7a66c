import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pandas as pd

from hpsearch.report.skrub_report import MAX_ROWS, write_skrub_report

FRAME = pd.DataFrame({"a": [1, 2]})


class TableReport:
    """What skrub 0.11 offers, as far as it is used."""

    def __init__(self, dataframe, n_rows=10, *, title=None, verbose=1):
        self.rows, self.title, self.verbose = len(dataframe), title, verbose

    def write_html(self, file):
        file.write_text(f"{self.rows} rows, {self.title}, verbose {self.verbose}")


def with_stand_in(monkeypatch):
    module = ModuleType("skrub")
    module.__spec__ = ModuleSpec("skrub", None)
    module.TableReport = TableReport
    monkeypatch.setitem(sys.modules, "skrub", module)


def test_without_skrub_it_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "skrub", None)
    report = write_skrub_report(FRAME, tmp_path / "page.html")
    assert not report
    assert 'python3 -m pip install "hpsearch[report]"' in report.message
    assert list(tmp_path.iterdir()) == []


def test_with_skrub_the_page_is_written_in_silence(monkeypatch, tmp_path):
    with_stand_in(monkeypatch)
    assert write_skrub_report(FRAME, tmp_path / "page.html", title="<b>bike_demand</b>")
    assert (tmp_path / "page.html").read_text() == "2 rows, bbike_demandb, verbose 0"


def test_of_a_long_table_some_rows_are_drawn(monkeypatch, tmp_path):
    with_stand_in(monkeypatch)
    write_skrub_report(pd.DataFrame({"a": range(MAX_ROWS + 5)}), tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().startswith(f"{MAX_ROWS} rows, None")
