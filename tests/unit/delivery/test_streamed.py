"""Files predicted in parts, against the same rows predicted as one frame; refusals with their lines."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hpsearch.delivery import streamed
from hpsearch.delivery.predictor import Predictor
from hpsearch.delivery.streamed import look_through, predictions
from hpsearch.errors import DataError

HEADER = "temp,season,code,day\n"
LINES = (
    "9,fall,007,2011-05-01\n,spring,7,\n17,,?,2012-01-31\n13,dry,12,2013-06-15\n"
    '11,"fall",12,2012-02-29\n'
)  # fmt: skip


@pytest.fixture(scope="module")
def regression(packages: dict[str, Any]) -> Predictor:
    return Predictor.load(packages["regression"].folder)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(HEADER + LINES)
    return path


def predicted(predictor: Predictor, path: Path, keep: tuple[str, ...] = ()) -> list[pd.DataFrame]:
    return list(predictions(predictor, look_through(predictor, path), keep))


def reading(predictor: Predictor, **csv: str) -> Predictor:
    """Return the predictor as one whose training file had these options."""
    return Predictor(predictor.model, predictor.preparation, predictor.about | {"metadata": {"csv": csv}})


def test_parts_are_predicted_as_the_whole_file_is(
    regression: Predictor, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed, "_CELLS", 20)
    parts = predicted(regression, file)
    assert [len(part) for part in parts] == [2, 2, 1]
    whole = regression.predict(regression.read_csv(file))
    pd.testing.assert_frame_equal(pd.concat(parts), whole, rtol=1e-6)


def test_a_category_is_read_alike_whatever_stands_in_its_part(
    regression: Predictor, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(HEADER + "9,fall,7,\n9,fall,007,\n9,fall,x,\n9,fall,12,\n")
    monkeypatch.setattr(streamed, "_CELLS", 9)
    apart = pd.concat(predicted(regression, file))["prediction"].tolist()
    # 7 and x are categories that training never saw, 007 and 12 are not.
    rows = pd.DataFrame({"temp": 9, "season": "fall", "code": ["7", "007", "x", "12"], "day": None})
    assert apart == pytest.approx(regression.predict(rows)["prediction"].tolist(), rel=1e-6)
    assert apart[0] == pytest.approx(apart[2], rel=1e-6)
    assert len({round(prediction, 3) for prediction in apart}) == 3


def test_a_gzipped_file_is_read_whatever_its_name(regression: Predictor, file: Path) -> None:
    expected = predicted(regression, file)
    file.write_bytes(gzip.compress(file.read_bytes()))
    (part,), (whole,) = predicted(regression, file), expected
    pd.testing.assert_frame_equal(part, whole)


def test_columns_stand_in_any_order_and_further_ones_are_passed_over(regression: Predictor, file: Path) -> None:
    (expected,) = predicted(regression, file)
    frame = pd.read_csv(file, dtype="str", keep_default_na=False).assign(note="=1+1")
    frame[["day", "note", "code", "season", "temp"]].to_csv(file, index=False)
    (part,) = predicted(regression, file)
    pd.testing.assert_frame_equal(part, expected)


def test_a_header_alone_gives_no_predictions_under_their_names(packages: dict[str, Any], file: Path) -> None:
    file.write_text(HEADER)
    (part,) = predicted(Predictor.load(packages["binary"].folder), file)
    assert list(part.columns) == ["prediction", "probability_no", "probability_yes"]
    assert len(part) == 0


def test_kept_columns_stand_before_the_predictions_as_the_text_they_are(regression: Predictor, file: Path) -> None:
    frame = pd.read_csv(file, dtype="str", keep_default_na=False).assign(id=["001", "NA", "1.50", "", "x"])
    frame.to_csv(file, index=False)
    (part,) = predicted(regression, file, ("id", "code"))
    assert list(part.columns) == ["id", "code", "prediction"]
    assert part["id"].tolist() == ["001", "NA", "1.50", "", "x"]
    assert part["code"].tolist() == ["007", "7", "?", "12", "12"]


def test_kept_columns_stay_beside_their_rows_over_many_parts(
    regression: Predictor, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = predicted(regression, file, ("season",))
    monkeypatch.setattr(streamed, "_CELLS", 9)
    parts = pd.concat(predicted(regression, file, ("season",)), ignore_index=True)
    pd.testing.assert_frame_equal(parts, whole, rtol=1e-6)


@pytest.mark.parametrize(("keep", "message"), [
    ("seasn", "no column 'seasn' to keep; did you mean 'season'"),
    ("prediction", "'prediction' is a column of the predictions too"),
])  # fmt: skip
def test_a_column_that_cannot_be_kept_is_named(regression: Predictor, file: Path, keep: str, message: str) -> None:
    frame = pd.read_csv(file, dtype="str", keep_default_na=False).assign(prediction="x")
    frame.to_csv(file, index=False)
    with pytest.raises(DataError, match=message):
        predicted(regression, file, (keep,))


@pytest.mark.parametrize("cells", [9, 1_000_000])
def test_a_cell_that_cannot_be_read_is_named_by_file_and_line(
    regression: Predictor, file: Path, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed, "_CELLS", cells)
    file.write_text(HEADER + '9,"fall\nor so",007,2011-05-01\n\n9,fall,7,\nwarm,spring,7,\n')
    with pytest.raises(DataError, match=r"rows\.csv:6: column 'temp': 'warm' is no finite number; mend it"):
        predicted(regression, file)


def test_a_bad_cell_among_decimal_commas_is_the_one_that_is_named(regression: Predictor, file: Path) -> None:
    file.write_text("temp;season;code;day\n9,5;fall;7;\nwarm;fall;7;\n")
    with pytest.raises(DataError, match=r"rows\.csv:3: column 'temp': 'warm'"):
        predicted(reading(regression, sep=";", decimal=","), file)


def test_a_file_is_read_with_the_separator_decimal_mark_and_encoding_of_training(
    regression: Predictor, file: Path
) -> None:
    file.write_text("temp;season;code;day\n9,5;Glück;7;2011-05-01\n", encoding="cp1252")
    (part,) = predicted(reading(regression, sep=";", decimal=",", encoding="cp1252"), file, ("season",))
    assert part["season"].tolist() == ["Glück"]
    rows = pd.DataFrame({"temp": [9.5], "season": ["Glück"], "code": ["7"], "day": ["2011-05-01"]})
    assert part["prediction"][0] == pytest.approx(regression.predict(rows)["prediction"][0])


def test_a_byte_order_mark_is_no_part_of_the_first_name(regression: Predictor, file: Path) -> None:
    (expected,) = predicted(regression, file)
    file.write_text(file.read_text(), encoding="utf-8-sig")
    (part,) = predicted(regression, file)
    pd.testing.assert_frame_equal(part, expected)


@pytest.mark.parametrize(("content", "message"), [
    ("", r"rows\.csv: the file is empty; a CSV file has a header line and rows"),
    ("temp,season\n1,fall\n", r"rows\.csv:1: no column 'code', 'day'; known: temp, season; the first line holds"),
    ("temp,seasons,code,day\n", "no column 'season'; did you mean 'seasons'"),
    ("temp;season;code;day\n", "found: 'temp;season;code;day'; cells are separated by ',' here"),
    ("temp,season,code,day,temp\n", r"rows\.csv:1: column 'temp' stands twice; keep one"),
    (HEADER + "1,fall,7\n", r"rows\.csv:2: 3 fields where the header has 4; add the missing fields"),
    (HEADER + "1,fall,7,\n\n1,fall,7,,\n", r"rows\.csv:4: 5 fields where the header has 4; quote cells that"),
    (HEADER + "\n1,fall\n1,fall\n", r"rows\.csv:3: 2 fields"),
    (HEADER + '1,fall,7,\n1,"fall,7,\n', r"rows\.csv:3: a quote opens here that is not closed; close it"),
    (HEADER + "1,fall,7,\n1,fall,\0,\n", r"rows\.csv:3: a NUL character, which no text holds"),
    (HEADER + '1,fall,7,\n""\n', r"rows\.csv:3: 1 field where the header has 4"),
    (HEADER + '1,"fall"x,7,\n', r"rows\.csv:2: text follows a closing quote; double a quote"),
])  # fmt: skip
def test_a_file_that_is_no_even_table_with_the_models_columns_is_refused_with_its_line(
    regression: Predictor, file: Path, content: str, message: str
) -> None:
    file.write_text(content)
    with pytest.raises(DataError, match=message):
        look_through(regression, file)


@pytest.mark.parametrize(("content", "message"), [
    (HEADER.encode() + b"1,\xff,7,\n", r"rows\.csv:2: byte 0xff is not utf-8, which the training file was"),
    (gzip.compress(HEADER.encode(), mtime=0)[:-6], "the gzip file is damaged: .*; get it again"),
])  # fmt: skip
def test_bytes_that_are_no_text_are_refused(regression: Predictor, file: Path, content: bytes, message: str) -> None:
    file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        look_through(regression, file)


def test_a_file_that_is_not_there_is_named(regression: Predictor, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: cannot be read: No such file"):
        look_through(regression, tmp_path / "none.csv")
    with pytest.raises(DataError, match="Is a directory"):
        look_through(regression, tmp_path)
