"""`hpsearch init`: a commented study file for a CSV, with what was guessed and what looks wrong."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from hpsearch.data.columns import Columns, infer_columns
from hpsearch.data.profile import Profile, profile_table
from hpsearch.data.sources import read_table
from hpsearch.errors import DataError
from hpsearch.metrics import DEFAULT_OBJECTIVE, metrics_of
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
    spec = make_spec({"name": name, "data": {kind: str(source.absolute()), "target": target}})
    frame = read_table(spec.data, spec.folder)
    columns = infer_columns(frame, spec.data, spec.prepare)
    profile = profile_table(frame, columns)
    path.write_text(_study_file(name, kind, _relative(source, path), target, columns, profile))
    return path


def _slug(source: Path) -> str:
    stem = source.name.split(".")[0]
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")
    return slug if re.fullmatch(SLUG, slug) else "study"


def _relative(source: Path, study: Path) -> str:
    return os.path.relpath(source.absolute(), study.absolute().parent)


def _study_file(name: str, kind: str, source: str, target: str, columns: Columns, profile: Profile) -> str:
    kinds = {wanted: [n for n, k in columns.columns if k == wanted] for wanted in ("categorical", "numeric", "date")}
    found = (warning for warning in profile.warnings if warning.code.startswith(_USELESS))
    useless = sorted({column for warning in found for column in warning.columns if column != target})
    objectives = ", ".join(metric.name for metric in metrics_of(columns.task))
    drop = f"  drop: {_list(useless)}  # see above\n" if useless else "  # drop: []\n"
    warnings = "".join(f"#   - {line}\n" for w in profile.warnings for line in [" ".join(w.message.split())])
    return (
        "# yaml-language-server: $schema=hpsearch.schema.json   (hpsearch schema > hpsearch.schema.json)\n"
        f"# Run it: hpsearch run {name}.yaml\n"
        + (
            f"#\n# What looks wrong with the data (hpsearch eda {name}.yaml shows more):\n{warnings}"
            if warnings
            else ""
        )
        + f"\nname: {name}\n"
        'description: ""  # the question, in a sentence\n'
        f"\ndata:\n  {kind}: {_text(source)}\n  target: {_text(target)}\n"
        f"  task: {columns.task}  # guessed; regression, binary or multiclass\n{drop}"
        f"  # guessed from the values; move a name to change what it is\n"
        f"  categorical: {_list([n for n in kinds['categorical'] if n not in useless])}\n"
        f"  numeric: {_list([n for n in kinds['numeric'] if n not in useless])}\n"
        + (f"  # dates: {', '.join(kinds['date'])} (prepare.dates: expand or drop)\n" if kinds["date"] else "")
        + "  split: {test: 0.2, validation: 0.2, seed: 0}  # or validation: {folds: 5}\n"
        "\nprepare:\n  missing: impute  # or drop\n  numeric: standard  # quantile, minmax, robust, none\n"
        "\n# The hyperparameter table; hpsearch space prints it whole. A value fixes a row, a list offers choices.\n"
        "space:\n  hidden_layers: {low: 1, high: 3}\n  neurons: {low: 16, high: 128, log: true}\n"
        "  activation: [relu, tanh]\n  optimizer: adam\n  dropout: {low: 0.0, high: 0.4}\n"
        "  learning_rate: {low: 1e-4, high: 1e-2, log: true}\n  batch_size: [32, 64, 128]\n  epochs: 50\n"
        f"\nsearch:\n  objective: {DEFAULT_OBJECTIVE[columns.task]}  # {objectives}\n"
        "  trials: 40\n  # timeout: 10min\n  sampler: tpe  # random, grid, qmc, cmaes, nsga2\n"
        "  pruner: median  # hyperband, successive_halving, percentile, patient, threshold, none\n  seed: 0\n"
    )


def _list(names: list[str]) -> str:
    return "[" + ", ".join(_text(name) for name in names) + "]"


def _text(text: str) -> str:
    """Write a text so that YAML reads it back as text."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", text) and text.lower() not in (
        "true",
        "false",
        "null",
        "yes",
        "no",
    )
    return text if plain else json.dumps(text, ensure_ascii=False)
