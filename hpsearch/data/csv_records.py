"""A CSV file's records with their lines, by Python's csv module: pandas does not say where a row begins."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from typing import TextIO


def csv_records(
    file: TextIO, separator: str, refusal: Callable[[int, csv.Error], Exception]
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record begins, from 1, and its cells; a blank line is a record without any.

    file: opened with `newline=""`. refusal: what to raise for a record (its line, the error) that is no CSV, as where a
    quote is not closed.
    """
    reader = csv.reader(file, delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise refusal(line, error) from None
        yield line, cells
