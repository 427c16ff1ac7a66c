"""A CSV file's records with their lines, by Python's csv module: pandas does not say where a row begins."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO


def csv_records(
    file: TextIO, separator: str, refusal: Callable[[int, str], Exception]
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record begins, from 1, and its cells.

    A blank line, or one of spaces and tabs alone, is a record without any: pandas passes over it, but not over `""`.

    file: opened with `newline=""`. refusal: what to raise for a record (its line, what is wrong with it and what to do)
    that is no CSV, as where a quote is not closed.
    """
    lines = _Lines(file, separator)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise refusal(line, _in_words(str(error))) from None
        yield line, [] if len(cells) == 1 and not lines.last.strip(_BLANK) else cells


def _in_words(reason: str) -> str:
    if reason in (_NUL, _CR):
        return reason
    if "expected after" in reason:
        return 'text follows a closing quote; double a quote inside a quoted cell ("")'
    if "field larger" in reason:
        found = f"a cell has more than {csv.field_size_limit():,} characters, or its quote is not closed"
        return f"{found}; shorten it, or close the quote"
    return 'a quote opens here that is not closed; close it, or double a quote inside a quoted cell ("")'


_BLANK = " \t\r\n"
_NUL = "a NUL character, which no text holds; the file is damaged, get it again"
_CR = "the line before is blank and ends with CR alone; remove it, or end lines with LF"


class _Lines:
    """Lines passed on; the last one is kept.

    Refused is what csv lets through: NUL, and a separator at the start of a line after a blank one that ends with CR,
    which pandas 3.1 passes over.
    """

    def __init__(self, lines: Iterable[str], separator: str) -> None:
        self._lines = iter(lines)
        self._separator = separator
        self.last = ""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        before, self.last = self.last, next(self._lines)
        if "\0" in self.last:
            raise csv.Error(_NUL)
        if before.endswith("\r") and not before.strip(_BLANK) and self.last.startswith(self._separator):
            raise csv.Error(_CR)
        return self.last
