"""`hpsearch predict`: a prediction for each row of a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from hpsearch.app.source import found_package
from hpsearch.delivery.predictor import Predictor, harmless_text
from hpsearch.delivery.publish import written_aside
from hpsearch.delivery.streamed import look_through, predictions
from hpsearch.errors import DataError


@dataclass(frozen=True)
class Predicted:
    """What was done."""

    rows: int
    ignored: tuple[str, ...]
    """columns of the file that the model does not know, in the file's order"""


def predict(
    source: str,
    rows: str | Path,
    output: str | Path | TextIO,
    *,
    keep: Sequence[str] = (),
    raw: bool = False,
    store: str | Path | None = None,
) -> Predicted:
    """Write a line with the predictions of each row of a CSV file, in order, as CSV (`,` and `.`, UTF-8).

    source: see `app.source.found_package`. rows: read as the training rows were (separator, decimal mark, encoding,
    missing values, leading zeros); may be gzipped. output: a file, which appears whole or not at all, or an open one.
    Columns: those of `rows` that `keep` names, as they stand there; then `prediction`, for classes the label, and
    `probability_<label>` for each class. Text that a spreadsheet would run gets a `'` before it unless `raw`.

    Memory does not grow with the file. Raises UnknownStudy, PackageError, StoreError, and DataError naming the line.
    """
    path = Path(rows)
    if isinstance(output, str | Path) and Path(output).exists() and path.exists() and Path(output).samefile(path):
        raise DataError(f"{output} holds the rows themselves; name another file for the predictions")
    with found_package(source, store) as package:
        predictor = Predictor.load(package)
    found = look_through(predictor, path)
    with _opened(output) as file:
        for at, part in enumerate(predictions(predictor, found, keep)):
            (part if raw else harmless_text(part)).to_csv(file, index=False, header=at == 0, lineterminator="\n")
    known = predictor.about["columns"]
    return Predicted(found.rows, tuple(name for name in found.columns if name not in known and name not in keep))


@contextmanager
def _opened(output: str | Path | TextIO) -> Iterator[TextIO]:
    with written_aside(Path(output)) if isinstance(output, str | Path) else nullcontext(output) as file:
        yield file
