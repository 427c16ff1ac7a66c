from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.data import csv_file
from hpsearch.data.csv_file import read_csv
from hpsearch.errors import DataError
from hpsearch.spec.sections import DataSection


def read(csv, content, **options):
    section, folder = csv(content, **options)
    return read_csv(section, folder / section.csv)


def refused(csv, content, **options) -> str:
    with pytest.raises(DataError) as error:
        read(csv, content, **options)
    assert str(error.value).startswith("rows.csv:")
    return str(error.value)


def test_cells_come_out_as_they_stand(csv):
    frame = read(csv, "a,b,y\n1,x,2.5\n,NA,3\n")
    assert frame["b"].tolist() == ["x", "NA"]
    assert frame["a"].isna().tolist() == [False, True]
    assert frame["y"].tolist() == [2.5, 3.0]


def test_only_the_texts_a_study_names_mean_missing(csv):
    frame = read(csv, "a,y\n?,1\nNone,2\n", na_values=["?"])
    assert frame["a"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfa,y\n1,2\n",
        b"a,y\r\n1,2\r\n",
        b"a,y\r1,2\r",
        b"a,y\n1,2",
        b"a,y\n\n1,2\n\n",
        gzip.compress(b"a,y\n1,2\n", mtime=0),
    ],
    ids=["bom", "crlf", "cr", "no last newline", "blank lines", "gzip"],
)
def test_every_way_to_write_the_same_rows_reads_the_same(csv, content):
    pd.testing.assert_frame_equal(read(csv, content), pd.DataFrame({"a": [1], "y": [2]}))


def test_a_gzip_file_that_is_cut_short_is_named(csv):
    assert "gzip file is damaged" in refused(csv, gzip.compress(b"a,y\n1,2\n" * 99)[:-12])


def test_another_encoding_is_read_when_named(csv):
    assert read(csv, "a,y\nü,1\n".encode("utf-16"), encoding="utf-16")["a"].tolist() == ["ü"]


def test_separator_and_decimal_mark_are_taken_from_the_study(csv):
    assert read(csv, "a;y\n1,5;2\n", separator=";", decimal=",")["a"].tolist() == [1.5]


def test_quoted_cells_may_hold_separators_quotes_and_newlines(csv):
    frame = read(csv, 'a,y\n"x,\n""z""",1\n')
    assert frame["a"].tolist() == ['x,\n"z"']


def test_a_quote_inside_an_unquoted_cell_is_text(csv):
    assert read(csv, 'a,y\n5" pipe,1\n')["a"].tolist() == ['5" pipe']


def test_an_empty_file_is_refused(csv):
    assert "the file is empty" in refused(csv, "")


def test_a_header_without_rows_is_refused(csv):
    assert "no rows" in refused(csv, "a,y\n")


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_a_wrong_separator_is_guessed_from_the_header(csv, mark):
    message = refused(csv, f"a{mark}b{mark}y\n1{mark}2{mark}3\n")
    assert "rows.csv:1: field 'data.separator': found 1 column" in message
    assert repr(mark)[1:-1] in message


def test_a_short_row_is_named_with_both_counts(csv):
    assert "rows.csv:3: field 'data.csv': 2 fields where the header has 3" in refused(csv, "a,b,y\n1,2,3\n1,2\n")


def test_a_long_row_is_named_with_both_counts(csv):
    assert "rows.csv:2: field 'data.csv': 4 fields where the header has 3" in refused(csv, "a,b,y\n1,2,3,4\n1,2,3\n")


def test_rows_that_are_all_one_field_longer_are_refused_not_shifted(csv):
    message = refused(csv, "a,y\n1,2,3\n4,5,6\n7,8,9\n0,0,0\n")
    assert "3 fields where the header has 2 (also line 3: 3, line 4: 3 and 1 more)" in message


def test_a_row_after_a_cell_of_several_lines_has_its_own_line(csv):
    assert "rows.csv:5:" in refused(csv, 'a,y\n"1\n2\n3",4\n5\n')


def test_a_quote_that_is_not_closed_is_found_where_it_opens(csv):
    assert "rows.csv:3: field 'data.csv': a quote opens here that is not closed" in refused(
        csv, 'a,y\n1,2\n"3,4\n5,6\n'
    )


def test_text_after_a_closing_quote_is_refused(csv):
    assert "rows.csv:2: field 'data.csv': text follows a closing quote" in refused(csv, 'a,y\n"1" x,2,3\n')


def test_bytes_that_are_not_utf_8_are_named_by_line_and_byte(csv):
    message = refused(csv, "a,y\n1,2\nü,3\n".encode("cp1252"))
    assert "rows.csv:3: field 'data.encoding': byte 8 (0xfc) is not utf-8; try encoding: cp1252" in message


def test_utf_16_is_recognised(csv):
    assert "set encoding: utf-16" in refused(csv, "a,y\n1,2\n".encode("utf-16"))


def test_an_unknown_encoding_is_refused(csv):
    assert "'klingon' is no known encoding" in refused(csv, "a,y\n1,2\n", encoding="klingon")


def test_a_nul_byte_is_refused_with_its_line(csv):
    assert "rows.csv:3: field 'data.csv': byte 8 is NUL" in refused(csv, b"a,y\n1,2\n\x00,3\n")


def test_an_excel_file_is_recognised(csv):
    assert "ZIP or Excel" in refused(csv, b"PK\x03\x04 and more")


@pytest.mark.parametrize("header", ["a,b,a", "a,A,y", "a, a ,y"])
def test_double_column_names_are_refused_with_their_positions(csv, header):
    assert "stands in columns 1 and" in refused(csv, f"{header}\n1,2,3\n")


def test_a_column_without_name_is_refused(csv):
    assert "column 1 has no name; if it is a row index, remove it" in refused(csv, ",a,y\n0,1,2\n")


def test_a_file_without_header_is_told_so(csv):
    assert "the first line must hold column names" in refused(csv, "1,2,2\n3,4,5\n")


def test_numbers_with_leading_zeros_stay_text(csv):
    frame = read(csv, "zip,n,y\n00123,7,1\n04000,8,2\n")
    assert frame["zip"].tolist() == ["00123", "04000"]
    assert frame["n"].tolist() == [7, 8]


def test_a_cell_beside_whole_numbers_above_2_to_the_63_is_missing_all_the_same(csv):
    frame = read(csv, "a,y\n9223372036854775808,1\n,2\n?,3\n", na_values=["?"])
    assert frame["a"].isna().tolist() == [False, True, True]
    assert str(frame["a"][0]) == "9223372036854775808"


def test_the_check_agrees_across_chunk_borders(csv, monkeypatch):
    monkeypatch.setattr(csv_file, "_CHUNK", 8)
    rows = "".join(f'"é,{n}",{n}\n' for n in range(40))
    assert len(read(csv, "a,y\n" + rows)) == 40
    assert "rows.csv:42:" in refused(csv, "a,y\n" + rows + "1\n")


cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs", "Cc"]), min_size=1
).filter(lambda cell: cell.strip() == cell)


@given(st.lists(st.tuples(cells, cells, st.integers(0, 9)), min_size=1))
def test_whatever_pandas_writes_is_read_back(tmp_path_factory, rows):
    folder: Path = tmp_path_factory.mktemp("csv")
    written = pd.DataFrame([("x", "x", 0), *rows], columns=["a", "b", "y"])
    written.to_csv(folder / "rows.csv", index=False)
    frame = read_csv(DataSection(csv="rows.csv", target="y"), folder / "rows.csv")
    assert frame.astype(str).to_numpy().tolist() == written.astype(str).to_numpy().tolist()
