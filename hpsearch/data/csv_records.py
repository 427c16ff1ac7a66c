"""A CSV file's records with their lines, by Python's csv module: pandas does not say where a row begins."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO


def csv_records(
    file: TextIO, separator: str, refusal: Callable[[int, csv.Error], Exception]
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record begins, from 1, and its cells.

    A blank line, or one of spaces and tabs alone, is a record without any: pandas passes over it, but not over `""`.

    file: opened with `newline=""`. refusal: what to raise for a record (its line, the error) that is no CSV, as where a
    quote is not closed.
    """
    lines = _Lines(file)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise refusal(line, error) from None
        yield line, [] if len(cells) == 1 and not lines.last.strip(" \t\r\n") else cells


class _Lines:
    """Lines passed on; the last one is kept."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.last = ""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        self.last = next(self._lines)
        return self.last
