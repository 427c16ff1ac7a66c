"""What `hpsearch export STUDY DIR` writes: a package, its evaluation, and how to use it, for a person."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from hpsearch.delivery.manifest import write_manifest
from hpsearch.delivery.package import FILES, REQUIREMENTS
from hpsearch.delivery.predictor import read_json, verify_package
from hpsearch.delivery.publish import built_aside

CONTENTS = (*FILES, "README.md", "predict.py", "requirements.txt", "evaluation.json", "evaluation")
"""What an export may hold."""


def export(folder: Path, package: Path, evaluation: dict[str, Any] | None, figures: dict[str, bytes]) -> list[Path]:
    """Write an export and return its files; the folder appears whole, or is left as it was.

    evaluation: plain JSON values. figures: PNG files by name, with or without `.png`. An earlier export in `folder` is
    replaced; a folder with anything else in it is refused. Raises PackageError for that and for a damaged package.
    """
    verify_package(package)
    about = read_json(package / "package.json")
    with built_aside(folder, CONTENTS) as building:
        for name in FILES:
            shutil.copyfile(package / name, building / name)
        (building / "predict.py").write_text(_SCRIPT, encoding="utf-8")
        (building / "requirements.txt").write_text(_requirements(about), encoding="utf-8")
        (building / "README.md").write_text(_readme(about, evaluation, bool(figures)), encoding="utf-8")
        if evaluation is not None:
            text = json.dumps(evaluation, indent=1, ensure_ascii=False) + "\n"
            (building / "evaluation.json").write_text(text, encoding="utf-8")
        for name, png in figures.items():
            (building / "evaluation").mkdir(exist_ok=True)
            (building / "evaluation" / f"{name.removesuffix('.png')}.png").write_bytes(png)
        write_manifest(building)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _requirements(about: dict[str, Any]) -> str:
    return "".join(f"{name}=={about['versions'][name]}\n" for name in REQUIREMENTS)


def _readme(about: dict[str, Any], evaluation: dict[str, Any] | None, pictures: bool) -> str:
    target, columns = _code(about["target"]), ", ".join(map(_code, about["columns"]))
    answer = (
        f"`prediction`: {target}, in its own units"
        if about["task"] == "regression"
        else f"`prediction`: {target} as one of {', '.join(map(_code, about['class_names']))}{_limit(about)}; "
        "`probability_<label>`: how likely each is"
    )
    parts = [
        f"# A model that predicts {target}",
        f"{_origin(about['metadata'])}, made by hpsearch.",
        "    python3 -m pip install -r requirements.txt\n    python3 predict.py ../rows.csv ../predictions.csv",
        f"Rows in, a column each in any order, cells may be empty: {columns}.",
        f"Predictions out: {answer}.",
        _FILES,
    ]
    if evaluation is not None:
        seen = " and the pictures in `evaluation/`" if pictures else ""
        parts.append(f"`evaluation.json`{seen}: how it does on the test rows, which neither training nor choice saw.")
    return "\n\n".join(parts) + "\n"


def _origin(metadata: dict[str, Any]) -> str:
    study, trial = f"the study `{metadata.get('study', '?')}`", metadata.get("trial", "?")
    kind, members = metadata.get("kind"), metadata.get("members", [])
    if kind == "ensemble":
        return f"The average of {len(members)} nets, of trials {', '.join(map(str, members))} of {study}"
    if kind == "winner":
        return f"The winner of {study}: trial {trial}'s configuration, trained again on all rows but the test rows"
    return f"Trial {trial} of {study}"


def _limit(about: dict[str, Any]) -> str:
    threshold = about["threshold"]
    if threshold is None:
        return ""
    return f" ({_code(about['class_names'][1])} where its probability is above {threshold:.4g})"


def _code(name: str) -> str:
    """Return a name as Markdown's code, in which nothing else is markup."""
    line = " ".join("".join(char if char.isprintable() else " " for char in name).split()).replace("`", "'")
    return f"`{line[:80]}`"


_FILES = """\
In Python: `from predictor import Predictor`, then `Predictor.load(folder).predict(frame)` with a pandas DataFrame.

`model.keras` is the net, `preparation.json` how raw rows become its inputs, `configuration.yaml` its hyperparameters,
`package.json` everything else that is known of it; `MANIFEST.json` has the sha256 of each, checked at every load. A
folder with other files in it is refused: keep rows and predictions elsewhere."""

_SCRIPT = '''\
"""Predict the rows of a CSV file: python3 predict.py rows.csv [predictions.csv]

Needs what requirements.txt names; hpsearch is not needed.
"""

import os
import sys

FOLDER = os.path.dirname(os.path.realpath(__file__))
# No file that somebody puts beside this one may pass for a library.
sys.path[:] = [path for path in sys.path if os.path.realpath(path or os.curdir) != FOLDER]
sys.dont_write_bytecode = True

import importlib.util
import warnings

spec = importlib.util.spec_from_file_location("predictor", os.path.join(FOLDER, "predictor.py"))
code = sys.modules["predictor"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(code)

warnings.showwarning = lambda message, *_: print(f"predict.py: {message}", file=sys.stderr)


def main(rows: str, predictions: str | None = None) -> None:
    """Write a prediction for each row, in the same order, to a file or to the screen."""
    predictor = code.Predictor.load(FOLDER)
    frame = code.harmless_text(predictor.predict(predictor.read_csv(rows)))
    frame.to_csv(predictions or sys.stdout, index=False)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except ValueError as error:
        sys.exit(f"predict.py: {error}")
'''
