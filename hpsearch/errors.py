"""Every error hpsearch raises on purpose.

HpsearchError                 exit code 2 unless its class says otherwise
├── SpecError                 the study file is wrong; carries every fault at once
├── HypermodelError           a keras-tuner hypermodel is not what a study can search
├── DataError                 the data cannot be read, or do not fit the study
├── StudyError                the study on disk refuses what was asked
│   ├── UnknownStudy          no study of that name in the store
│   ├── StudyChanged          the study file differs from the one the study was started with
│   └── StudyLocked           another process is running the study
├── StoreError                a store cannot be read or written
├── MissingExtra              what was asked needs a library that is not installed
├── PackageError              a model package is damaged, incomplete or foreign
├── DeliveryError             a model is not to be promoted or served as asked
├── StudyAborted              the study cannot go on (the same failure again and again)
├── NoTrialCompleted          the budget is spent and no trial completed (exit code 3)
└── TrialFailed               this trial failed, the study goes on; never leaves the search
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from unicodedata import category


class HpsearchError(Exception):
    """The root: catch it to catch all of them. `exit_code` is what the command line returns."""

    exit_code = 2


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a study file: where (dotted field, line, column) and what to do about it."""

    field: str
    message: str
    line: int | None = None
    column: int | None = None

    def describe(self, source: str) -> str:
        """Return `source:line:column: field 'a.b': message`, leaving out what is not known."""
        where = ":".join([source, *(str(n) for n in (self.line, self.column) if n is not None)])
        field = f"field '{shortened(self.field, 120)}': " if self.field else ""
        return printable(f"{where}: {field}{self.message}")


class SpecError(HpsearchError):
    """A study file (or a `StudySpec` made in Python) is wrong. `faults` holds all of them, the text the first fifty."""

    def __init__(self, faults: Sequence[Fault], source: str = "study") -> None:
        self.faults = tuple(faults)
        self.source = source
        lines = [fault.describe(source) for fault in self.faults[:50]]
        if more := len(self.faults) - len(lines):
            lines.append(printable(f"{source}: and {more:,} more; mend these first"))
        super().__init__("\n".join(lines))


class HypermodelError(HpsearchError):
    """A keras-tuner hypermodel cannot be read, or is not what a study can search."""


class DataError(HpsearchError):
    """The data cannot be read, or do not fit what the study asks of them."""


class StudyError(HpsearchError):
    """The study on disk refuses what was asked."""


class UnknownStudy(StudyError):
    """No study of that name is in the store."""


class StudyChanged(StudyError):
    """The study file differs, in a field that decides results, from the one the study began with."""


class StudyLocked(StudyError):
    """Another process holds the study."""


class StoreError(HpsearchError):
    """A store (journal, MLflow, cache) cannot be read or written."""


class MissingExtra(HpsearchError, ImportError):
    """What was asked needs an extra of hpsearch that is not installed."""


class PackageError(HpsearchError):
    """A model package is damaged, incomplete or not one of ours."""


class DeliveryError(HpsearchError):
    """A model is not to be promoted or served as asked."""


class StudyAborted(HpsearchError):
    """The study cannot go on; what it found is kept."""


class NoTrialCompleted(HpsearchError):
    """The budget is spent and there is no completed trial to choose from."""

    exit_code = 3


class TrialFailed(HpsearchError):
    """One trial failed; `reason` is a short phrase ('diverged at epoch 3')."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def suggestion(given: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, whatever its case, else the list of what is known."""
    names = {name.lower(): name for name in known}
    close = get_close_matches(given.lower(), names, n=1, cutoff=0.6)
    return f"; did you mean '{names[close[0]]}'?" if close else f"; known: {', '.join(names.values())}"


def as_written(value: object) -> str:
    """Return a value as a study file writes it (`true`, `null`, `'text'`, `{a: 1}`), in at most 60 characters."""
    return shortened(printable(_in_yaml(value, depth=0)), 60)


def shortened(text: str, most: int) -> str:
    """Return a text in at most that many characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def printable(text: str, keep: str = "") -> str:
    r"""Return a text that is safe to print: what moves the cursor, colours or hides text is written as `\x1b`.

    keep: control characters that stay as they are.
    """
    if text.isprintable():
        return text
    safe = (c.isprintable() or c in keep or category(c) == "Zs" for c in text)
    return "".join(c if it else c.encode("unicode_escape").decode() for c, it in zip(text, safe, strict=True))


def _in_yaml(value: object, depth: int) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan")
    if isinstance(value, int) and value.bit_length() > 1000:
        return f"a number of {value.bit_length():,} bits"  # Python refuses to print it
    if isinstance(value, str):
        return repr(value[:100])
    if isinstance(value, list | dict) and depth > 3:
        return "..."
    if isinstance(value, list):
        return f"[{', '.join(_in_yaml(item, depth + 1) for item in value[:30])}]"
    if isinstance(value, dict):
        pairs = (f"{shortened(str(key), 60)}: {_in_yaml(item, depth + 1)}" for key, item in islice(value.items(), 30))
        return f"{{{', '.join(pairs)}}}"
    return repr(value)
