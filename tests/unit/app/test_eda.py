from __future__ import annotations

import html
import re
from pathlib import Path

from sample_studies import HOSTILE, RENTALS, write_rentals, write_study

from hpsearch.app.eda import explore


def rentals(folder: Path) -> Path:
    write_rentals(folder / "rentals.csv")
    return write_study(folder, RENTALS)


def test_the_page_lies_under_the_store(tmp_path: Path) -> None:
    found = explore(rentals(tmp_path), store=tmp_path / "store")
    assert found.page == tmp_path / "store" / "eda" / "rentals" / "index.html"
    assert found.page.exists()


def test_the_page_is_written_where_it_is_asked_for_and_no_store_is_made(tmp_path: Path) -> None:
    found = explore(rentals(tmp_path), store=tmp_path / "store", output=tmp_path / "new" / "page.html")
    assert found.page.exists()
    assert not (tmp_path / "store").exists()


def test_the_page_shows_hostile_names_as_text_and_loads_nothing(tmp_path: Path) -> None:
    page = explore(rentals(tmp_path), output=tmp_path / "page.html").page.read_text("utf-8")
    assert "<script" not in page
    assert html.escape(HOSTILE[0]) in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_the_profile_counts_the_missing_cells(tmp_path: Path) -> None:
    profile = explore(rentals(tmp_path), output=tmp_path / "page.html").profile
    missing = {column.name: column.missing for column in profile.columns}
    assert missing[HOSTILE[1]] == len(range(0, 90, 11))
