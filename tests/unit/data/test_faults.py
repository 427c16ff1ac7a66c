from __future__ import annotations

import pandas as pd

from hpsearch.data.faults import LINES, data_error, places, source_name
from hpsearch.spec.sections import DataSection


def test_an_error_names_source_line_field_and_message():
    error = data_error(DataSection(csv="rows.csv", target="y"), "data.csv", "2 fields; add one", 5)
    assert str(error) == "rows.csv:5: field 'data.csv': 2 fields; add one"


def test_a_bundled_set_is_named():
    assert source_name(DataSection(sklearn="iris")) == "sklearn:iris"


def test_places_are_file_lines_where_they_are_known():
    frame = pd.DataFrame({"a": range(9)})
    assert places(frame, [0, 3]) == "row 1, 4"
    frame.attrs[LINES] = lambda rows: [row + 2 for row in rows]
    assert places(frame, range(9)) == "line 2, 3, 4 and 6 more"
