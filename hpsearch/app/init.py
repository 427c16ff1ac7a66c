"""`hpsearch init`: a commented study file for a CSV, with what was guessed and what looks wrong."""

from __future__ import annotations

import codecs
import gzip
import json
import os
import re
import shlex
from pathlib import Path

from hpsearch.data.columns import Columns, infer_columns
from hpsearch.data.profile import Profile, profile_table
from hpsearch.data.sources import read_table
from hpsearch.errors import DataError
from hpsearch.metrics import DEFAULT_OBJECTIVE, metrics_of
from hpsearch.report.text import readable
from hpsearch.spec import make_spec
from hpsearch.spec.sections import SLUG

_USELESS = ("leak", "identifier", "near_unique")
"""Warnings about columns that give the target away, or tell rows apart and nothing else."""


def init(data: str | Path, target: str, *, output: str | Path | None = None, force: bool = False) -> Path:
    """Write a study file for a CSV or Parquet file and return its path (default: `<data's name>.yaml` here).

    Raises DataError where the data cannot be read, lack the target, or where the file exists and `force` is not set.
    """
    source = Path(data)
    kind = "parquet" if source.suffix in (".parquet", ".pq") else "csv"
    name = _slug(source)
    path = Path(output) if output else Path(f"{name}.yaml")
    if path.exists() and not force:
        raise DataError(f"{path} exists; name another file with --output, or overwrite it with --force")
    dialect = _dialect(source) if kind == "csv" else {}
    spec = make_spec({"name": name, "data": {kind: str(source.absolute()), "target": target, **dialect}})
    frame = read_table(spec.data, spec.folder)
    columns = infer_columns(frame, spec.data, spec.prepare)
    profile = profile_table(frame, columns)
    data_lines = {kind: _relative(source, path), **dialect, "target": target}
    text = _study_file(name, path.name, data_lines, columns, profile)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}; name another file with --output") from None
    return path


def _slug(source: Path) -> str:
    stem = source.name.split(".")[0]
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")
    return slug if re.fullmatch(SLUG, slug) else "study"


def _dialect(source: Path) -> dict[str, str]:
    """Return how a CSV file differs from commas, points and UTF-8, guessed from its first lines."""
    opened = gzip.open if source.suffix == ".gz" else open
    try:
        with opened(source, "rb") as file:
            start = file.read(_SNIFFED)
    except OSError:
        return {}  # the reader says what is wrong with it
    found = {}
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        found["encoding"] = "utf-16"
    elif not _is_utf8(start):
        found["encoding"] = "cp1252"
    header, *rows = start.decode(found.get("encoding", "utf-8"), errors="replace").splitlines() or [""]
    likely = max(",;\t|", key=header.count)
    if likely != "," and likely in header:
        found["separator"] = likely
        if any(re.search(rf"(^|{re.escape(likely)})-?\d+,\d+({re.escape(likely)}|$)", row) for row in rows):
            found["decimal"] = ","
    return found


def _is_utf8(start: bytes) -> bool:
    """Tell whether bytes are UTF-8, but for a character that their end cuts."""
    try:
        codecs.utf_8_decode(start, "strict", len(start) < _SNIFFED)
    except UnicodeDecodeError:
        return False
    return True


def _relative(source: Path, study: Path) -> str:
    return os.path.relpath(source.absolute(), study.absolute().parent)


def _study_file(name: str, file: str, data: dict[str, str], columns: Columns, profile: Profile) -> str:
    target = data["target"]
    kinds = {wanted: [n for n, k in columns.columns if k == wanted] for wanted in ("categorical", "numeric", "date")}
    found = (warning for warning in profile.warnings if warning.code.startswith(_USELESS))
    useless = sorted({column for warning in found for column in warning.columns if column != target})
    objectives = ", ".join(metric.name for metric in metrics_of(columns.task))
    drop = f"  drop: {_list(useless)}  # see above\n" if useless else "  # drop: []\n"
    warnings = "".join(f"#   - {readable(w.message, _COMMENT)}\n" for w in profile.warnings)
    dates = readable(", ".join(kinds["date"]), _COMMENT)
    return (
        "# yaml-language-server: $schema=hpsearch.schema.json   (hpsearch schema > hpsearch.schema.json)\n"
        f"# Run it: hpsearch run {shlex.quote(file)}\n"
        + (
            f"#\n# What looks wrong with the data (hpsearch eda {shlex.quote(file)} shows more):\n{warnings}"
            if warnings
            else ""
        )
        + f"\nname: {name}\n"
        'description: ""  # the question, in a sentence\n'
        "\ndata:\n"
        + "".join(f"  {key}: {_text(value)}\n" for key, value in data.items())
        + f"  task: {columns.task}  # guessed; regression, binary or multiclass\n{drop}"
        f"  # guessed from the values; move a name to change what it is\n"
        f"  categorical: {_list([n for n in kinds['categorical'] if n not in useless])}\n"
        f"  numeric: {_list([n for n in kinds['numeric'] if n not in useless])}\n"
        + (f"  # dates: {dates} (prepare.dates: expand or drop)\n" if kinds["date"] else "")
        + "  split: {test: 0.2, validation: 0.2, seed: 0}  # or validation: {folds: 5}\n"
        "\nprepare:\n  missing: impute  # or drop\n  numeric: standard  # quantile, minmax, robust, none\n"
        "\n# The hyperparameter table; hpsearch space prints it whole. A value fixes a row, a list offers choices.\n"
        "space:\n  hidden_layers: {low: 1, high: 3}\n  neurons: {low: 16, high: 128, log: true}\n"
        "  activation: [relu, tanh]\n  optimizer: adam\n  dropout: {low: 0.0, high: 0.4}\n"
        "  learning_rate: {low: 1e-4, high: 1e-2, log: true}\n  batch_size: [32, 64, 128]\n  epochs: 50\n"
        f"\nsearch:\n  objective: {DEFAULT_OBJECTIVE[columns.task]}  # {objectives}\n"
        "  trials: 40\n  # timeout: 10min\n  sampler: tpe  # random, grid, qmc, cmaes, nsga2\n"
        "  pruner: median  # hyperband, successive_halving, percentile, patient, threshold, none\n  seed: 0\n"
        "\n# The best configurations are trained again on new seeds, and the winner of those is delivered.\n"
        "winner:\n  finalists: 5\n  seeds: 5\n  prefer: cheapest  # of those that cannot be told apart; or score\n"
    )


def _list(names: list[str]) -> str:
    return "[" + ", ".join(_text(name) for name in names) + "]"


def _text(text: str) -> str:
    """Write a text so that YAML reads it back as text."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", text) and text.lower() not in _NO_TEXT:
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in json.dumps(text, ensure_ascii=False))


def _escaped(char: str) -> str:
    """Return YAML's escape of a character that it takes in no other way."""
    return f"\\U{ord(char):08x}"


_NO_TEXT = ("true", "false", "null", "yes", "no", "on", "off")
_COMMENT = 400
"""Characters of a comment at most; a name that fills pages is cut."""
_SNIFFED = 65536
"""Bytes that are looked at to guess separator, decimal mark and encoding."""
