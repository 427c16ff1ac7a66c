"""Any bytes under the name of a CSV file: prepared whole, or refused in one line that names the file.

Python's csv module is the judge of what a file holds. `HPSEARCH_FUZZ_EXAMPLES=20000` looks longer than CI does.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpsearch.data.dataset import Dataset
from hpsearch.data.prepared import load_table, prepare_dataset
from hpsearch.data.sources import read_table
from hpsearch.delivery.predictor import Predictor
from hpsearch.delivery.streamed import look_through, predictions
from hpsearch.errors import DataError
from hpsearch.spec.load import make_spec
from hpsearch.spec.sections import StudySpec

settings.register_profile(
    "csv files", deadline=None, max_examples=int(os.environ.get("HPSEARCH_FUZZ_EXAMPLES", "60")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
LOOKED = settings.get_profile("csv files")

TREES = ("oak", "elm", '"fir, ""blue"""')
ROWS = [f"{n * 37 % 101 / 7:.3f},{TREES[n % 3]},2024-02-{1 + n % 28:02},{n * n % 53}.5\n" for n in range(24)]
GOOD = "size,kind,day,y\n" + "".join(ROWS)
SPANNING = ("size,kind,day,y\r\n\r\n" + " \t\r\n".join(ROWS).replace("elm", '"wych\nelm"')).encode()

PIECES = [
    ",", ";", "\t", "|", '"', '""', '","', "\n", "\r", "\r\n", "\n\n", " ", "\0", "é", "\u2028", "\x85", "\x0c", "\x1a",
    "\ufeff", "😀", "y", "size", "NA", "nan", "inf", "-inf", "1e999", "1e-320", "007", "1,5", "1_000", "0x1f", "12abc",
    "true", "=1+1", "2024-02-30", "9" * 19, "9" * 400, "x" * 300, "'", "\\", "#", 'aaa"',
]  # fmt: skip
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "ascii", "utf-7", "cp037"]

pieces = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40).map("".join)
options = st.fixed_dictionaries(
    {},
    optional={
        "separator": st.sampled_from([",", ";", "\t", " ", "|", "x"]),
        "decimal": st.sampled_from([".", ","]),
        "encoding": st.sampled_from([*ENCODINGS, "base64", "klingon"]),
        "na_values": st.lists(st.sampled_from(["NA", "inf", "?", " ", "y", "1"]), max_size=2),
        "task": st.sampled_from(["regression", "binary", "multiclass"]),
    },
)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Small tables of odd cells, mostly even, with quotes where they are needed and where they are not."""
    names = draw(st.lists(st.sampled_from(["size", "kind", "Y", "y", " a", "é", "a\nb"]) | pieces, max_size=3))
    cells = st.sampled_from(["1", "2.5", "", " ", "oak", "NA", "007"]) | st.sampled_from(PIECES) | st.text(max_size=4)
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    file = io.StringIO(newline="")
    writer = csv.writer(
        file, delimiter=draw(st.sampled_from([",", ",", ";", "\t"])), quoting=quoting, lineterminator=end
    )
    writer.writerow([*names, "y"])
    for _ in range(draw(st.integers(0, 12))):
        width = len(names) + draw(st.sampled_from([0] * 30 + [-1, 1]))
        writer.writerow([*draw(st.lists(cells, min_size=max(width, 0), max_size=max(width, 0))), draw(cells)])
    return file.getvalue().encode("utf-8", "replace")


@st.composite
def mutants(draw: st.DrawFn, start: bytes) -> bytes:
    """A good file with a few bytes, fields or lines changed, doubled or taken out, perhaps in another encoding."""
    content = bytearray(start)
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        length = draw(st.sampled_from([0, 1, 1, 2, 7, 40, 200]))
        change = draw(st.sampled_from(["insert", "replace", "double", "cut", "flip"]))
        piece = draw(st.sampled_from(PIECES)).encode()
        if change == "insert":
            content[at:at] = piece
        elif change == "replace":
            content[at : at + length] = piece
        elif change == "double":
            content[at:at] = content[at : at + length]
        elif change == "cut":
            del content[at : at + length]
        elif content:
            content[at] ^= 1 << draw(st.integers(0, 7))
    encoding = draw(st.sampled_from(["utf-8"] * 8 + ENCODINGS))
    return bytes(content) if encoding == "utf-8" else content.decode("latin-1").encode(encoding, "replace")


@st.composite
def packed(draw: st.DrawFn) -> bytes:
    """A gzipped file, perhaps damaged or cut short."""
    content = bytearray(gzip.compress(draw(mutants(GOOD.encode())), mtime=0))
    for _ in range(draw(st.integers(0, 2))):
        content[draw(st.integers(2, len(content) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(content[: draw(st.sampled_from([len(content)] * 3 + [len(content) // 2, 3, len(content) - 4]))])


good, spanning = mutants(GOOD.encode()), mutants(SPANNING)
files = st.binary(max_size=300) | pieces.map(lambda text: text.encode("utf-8", "replace")) | tables() | good | spanning


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    shutil.rmtree(tmp_path)


def study(folder: Path, content: bytes, prepare: dict[str, Any] | None = None, **data: Any) -> StudySpec:
    (folder / "rows.csv").write_bytes(content)
    return make_spec({"data": {"csv": "rows.csv", "target": "y"} | data, "prepare": prepare or {}}, folder=folder)


def records(content: bytes, spec: StudySpec) -> list[list[str]]:
    """Return what Python's csv module finds in a file, without blank lines."""
    text = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode(spec.data.encoding)
    reader = csv.reader(
        io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=spec.data.separator, strict=True
    )
    return [
        cells for cells in reader if len(cells) > 1 or (cells and (cells[0].strip(" \t") or f'"{cells[0]}"' in text))
    ]


def check_refusal(message: str, content: bytes, name: str = "rows.csv") -> None:
    assert message.startswith(f"{name}: ") or re.match(rf"{re.escape(name)}:\d+: ", message)
    assert message.isprintable()
    assert len(message) < 3000
    if located := re.match(rf"{re.escape(name)}:(\d+):", message):
        assert 1 <= int(located[1]) <= len(content) + 1


def check_arrays(dataset: Dataset, rows: int) -> None:
    assert dataset.rows["total"] == rows
    split = dataset.split(0)
    for arrays in (split.train, split.validation, dataset.test()):
        assert arrays.x.dtype == arrays.y.dtype == np.float32
        assert arrays.x.shape == (arrays.rows, dataset.signature.inputs)
        assert np.isfinite(arrays.x).all()
        assert np.isfinite(arrays.y).all()


def check_file(folder: Path, content: bytes, prepare: dict[str, Any] | None = None, **data: Any) -> None:
    """Check what any file must give: sound arrays with a row for each record, or one line about the file."""
    spec = study(folder, content, prepare, **data)
    try:
        dataset = prepare_dataset(spec, folder / "cache")
    except DataError as error:
        check_refusal(str(error), content)
    else:
        check_arrays(dataset, len(records(content, spec)) - 1)
        shutil.rmtree(folder / "cache")


@LOOKED
@given(content=files, data=options)
def test_any_bytes_are_prepared_whole_or_refused_in_one_line(place: Path, content: bytes, data: dict[str, Any]) -> None:
    check_file(place, content, **data)


@LOOKED
@given(content=good | spanning, numeric=st.sampled_from(["standard", "minmax", "robust", "quantile", "none"]))
def test_a_good_file_with_a_few_changes_is_prepared_whole_or_refused(place: Path, content: bytes, numeric: str) -> None:
    check_file(place, content, {"numeric": numeric})


@LOOKED
@given(content=packed())
def test_a_damaged_gzip_file_is_prepared_whole_or_refused(place: Path, content: bytes) -> None:
    check_file(place, content)


@LOOKED
@given(content=files)
def test_cells_are_those_that_pythons_csv_module_finds(place: Path, content: bytes) -> None:
    spec = study(place, content)
    try:
        frame = read_table(spec.data, place)
    except DataError as error:
        check_refusal(str(error), content)
        return
    header, *rows = records(content, spec)
    assert list(frame.columns) == header
    assert len(frame) == len(rows)
    for at, name in enumerate(header):
        for cell, text in zip(frame[name].tolist(), (row[at] for row in rows), strict=True):
            if text == "":
                assert pd.isna(cell)
            elif isinstance(cell, float):
                assert cell == pytest.approx(float(text), rel=1e-14, abs=1e-300)
            elif isinstance(cell, bool):
                assert str(cell).casefold() == text.casefold()
            else:
                assert cell == (int(text) if isinstance(cell, int) else text)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """The preparation of the good file before a net that says what its first input is."""
    folder = tmp_path_factory.mktemp("good")
    spec = study(folder, GOOD.encode())
    _, columns, _ = load_table(spec)
    preparation = prepare_dataset(spec, folder / "cache").preparation()
    about = {"task": "regression", "columns": list(columns.names), "metadata": {"csv": {}}}
    return Predictor(lambda x, training: x[:, :1], preparation, about)


@LOOKED
@given(content=files)
def test_every_record_is_predicted_beside_its_own_text_or_the_file_is_refused(
    place: Path, predictor: Predictor, content: bytes
) -> None:
    path = place / "new.csv"
    path.write_bytes(content)
    try:
        found = look_through(predictor, path)
        predicted = pd.concat(predictions(predictor, found, keep=("kind",)), ignore_index=True)
    except DataError as error:
        check_refusal(str(error), content, str(path))
        return
    header, *rows = records(content, make_spec({"data": {"csv": "rows.csv", "target": "y"}}))
    assert len(predicted) == found.rows == len(rows)
    assert np.isfinite(predicted["prediction"]).all()
    assert predicted["kind"].tolist() == [row[header.index("kind")] for row in rows]
